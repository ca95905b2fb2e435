"""CUDA graphs: how many a start captures and what they take."""

from __future__ import annotations

from sizing.gpu_memory.options import StartOptions
from sizing.gpu_memory.shapes import ModelShapes

LARGEST_CAPTURE = 512
GPT_OSS_CAPTURE = 1024  # whatever the sequences (vLLM's own override for the class)


def capture_sizes(sequences: int, batched_tokens: int, limit: int | None = None) -> tuple[int, ...]:
    """Batch sizes vLLM captures: 1, 2, 4, 8 to 248 by 8, then by 16 up to min(2 x sequences, 512) or the limit."""
    top = min(limit if limit is not None else min(2 * sequences, LARGEST_CAPTURE), batched_tokens)
    sizes = [1, 2, 4, *range(8, 256, 8), *range(256, top + 1, 16)]
    return tuple(size for size in sizes if size <= top)


def graph_bytes(
    m: ModelShapes, options: StartOptions, sequences: int, batched_tokens: int, mib_per_layer_and_size: float
) -> int:
    """Memory of all graphs: a measured amount for each layer and captured size (see calibration)."""
    if options.enforce_eager:
        return 0
    own = GPT_OSS_CAPTURE if m.architecture == "GptOssForCausalLM" else None
    sizes = capture_sizes(sequences, batched_tokens, options.max_cudagraph_capture_size or own)
    variants = 2 if options.lora_slots else 1  # captured with and without adapters
    return round(variants * mib_per_layer_and_size * m.layers * len(sizes) * (1 << 20))
