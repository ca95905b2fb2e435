"""What one request costs a model: floating-point operations of its prompt, bytes read for each token after it."""

from dataclasses import dataclass
from functools import cached_property

from sizing.geometry import KvGroup, ModelGeometry
from sizing.kv.dtype import ELEMENT_BYTES


@dataclass(frozen=True)
class Work:
    """A model on `gpus` GPUs. Weight sizes are bytes as they lie in memory, `kv_element_bytes` of the cache."""

    model: ModelGeometry
    weight_bytes: int
    kv_element_bytes: int
    gpus: int = 1

    @cached_property
    def element_bytes(self) -> int:
        return ELEMENT_BYTES[self.model.torch_dtype]

    @cached_property
    def table_parameters(self) -> int:
        """The token table: looked up, never multiplied; a tied one is the head as well."""
        return self.model.vocab_size * self.model.hidden_size

    @cached_property
    def linear_parameters(self) -> int:
        """Parameters every prompt token is multiplied with: those of its experts, without table, head and tower."""
        model = self.model
        tables = 1 if model.tie_word_embeddings else 2
        tower = model.vision.parameters if model.vision else 0
        return max(1, model.parameters - tables * self.table_parameters - tower - self._idle_expert_parameters())

    def _idle_expert_parameters(self) -> int:
        experts = self.model.experts
        if experts is None:
            return 0
        one = 3 * self.model.hidden_size * experts.intermediate_size
        return max(0, experts.count - experts.per_token) * one * experts.layers

    def prefill_flop(self, prompt_tokens: int, shared_tokens: int = 0) -> float:
        """Operations of a prompt of which `shared_tokens` lie in the cache already.

        Linear layers: 2 a parameter and token. Attention: 2 products of 2 operations for each pair of tokens
        that see each other.
        """
        new = prompt_tokens - shared_tokens
        return 2.0 * self.linear_parameters * new + sum(
            4.0
            * group.layers
            * self._attended(group)
            * (_pairs(prompt_tokens, group.window_tokens) - _pairs(shared_tokens, group.window_tokens))
            for group in self.model.kv_groups
        )

    def _attended(self, group: KvGroup) -> float:
        """Elements of a query that meet a key, over all heads."""
        width = self.model.qk_nope_head_dim + (group.rope_dim or 0) if group.kind == "latent" else group.head_dim
        return self.model.attention_heads * max(1, width)

    @cached_property
    def _read_always(self) -> float:
        """Weights read in any step on one GPU, all experts included: all but the token table."""
        table = 0 if self.model.tie_word_embeddings else self.table_parameters * self.element_bytes
        return max(1.0, float(self.weight_bytes - table // self.gpus))

    @cached_property
    def _read_of_experts(self) -> float:
        """The part of it that is experts, by their share of the parameters."""
        experts = self.model.experts
        if experts is None:
            return 0.0
        every = self._idle_expert_parameters() / max(1, experts.count - experts.per_token) * experts.count
        return self._read_always * min(0.98, every / max(1, self.model.parameters))

    def read_bytes(self, sequences: float) -> float:
        """Weights read in one step on one GPU: of the experts those that are picked."""
        experts = self.model.experts
        if experts is None:
            return self._read_always
        untouched: float = (1.0 - experts.per_token / experts.count) ** max(1.0, sequences)
        return self._read_always - self._read_of_experts * untouched

    def kv_bytes(self, context_tokens: float) -> float:
        """KV bytes read for one token of a sequence this long, on one GPU."""
        total = 0.0
        for group in self.model.kv_groups:
            seen = context_tokens if group.window_tokens is None else min(context_tokens, group.window_tokens)
            split = 1 if group.kind == "latent" else min(self.gpus, group.kv_heads)
            total += seen * group.layers * group.elements_per_token * self.kv_element_bytes / split
        return total

    def decode_flop(self, sequences: float, context_tokens: float) -> float:
        """Operations of one step: every sequence one token, the head included."""
        attention = sum(
            4.0 * g.layers * self._attended(g) * min(context_tokens, g.window_tokens or context_tokens)
            for g in self.model.kv_groups
        )
        return sequences * (2.0 * (self.linear_parameters + self.table_parameters) + attention)


def _pairs(tokens: int, window: int | None) -> float:
    """Pairs of tokens of which the later sees the earlier."""
    if window is None or tokens <= window:
        return tokens * tokens / 2
    return window * window / 2 + (tokens - window) * float(window)
