"""The roofline: how long a prompt and a step take at one end of the range."""

from dataclasses import dataclass
from functools import cached_property

from sizing.goal.cards import Card
from sizing.goal.efficiency import ENDS, TENSOR_PARALLEL, Efficiency, End
from sizing.goal.work import Work


@dataclass(frozen=True)
class Speed:
    """A model on a card; times are seconds, the slower of computing and reading."""

    work: Work
    card: Card
    batched_tokens: int
    end: End

    @cached_property
    def efficiency(self) -> Efficiency:
        return ENDS[self.end]

    @cached_property
    def flop_per_s(self) -> float:
        """What all GPUs compute. FP8 weights run at twice the rate, at best."""
        work = self.work
        share = TENSOR_PARALLEL[self.end] if work.gpus > 1 else 1.0
        quantization = work.model.quantization
        eight_bit = quantization is not None and quantization.bits == 8 and "fp8" in quantization.method
        double = 2.0 if eight_bit and self.card.fp8 and self.end == "fast" else 1.0
        return self.card.tflops * 1e12 * self.efficiency.compute * work.gpus * share * double

    @cached_property
    def bytes_per_s(self) -> float:
        """What one GPU reads."""
        share = TENSOR_PARALLEL[self.end] if self.work.gpus > 1 else 1.0
        return self.card.gb_s * 1e9 * self.efficiency.bandwidth * share

    def prefill_s(self, prompt_tokens: int, shared_tokens: int = 0) -> float:
        """A prompt alone on the GPU, in chunks of the batch; each chunk reads the weights once."""
        new = prompt_tokens - shared_tokens
        chunks = max(1, -(-new // self.batched_tokens))
        computing = self.work.prefill_flop(prompt_tokens, shared_tokens) / self.flop_per_s
        reading = chunks * self.work.read_bytes(min(new, self.batched_tokens)) / self.bytes_per_s
        return max(computing, reading) + chunks * self.efficiency.step_s

    def step_s(self, sequences: float, context_tokens: float) -> float:
        """One token for each of `sequences` running requests of this mean length."""
        running = max(1.0, sequences)
        read = self.work.read_bytes(running) + running * self.work.kv_bytes(context_tokens)
        computing = self.work.decode_flop(running, context_tokens) / self.flop_per_s
        return max(read / self.bytes_per_s, computing) + self.efficiency.step_s + running * self.efficiency.sequence_s
