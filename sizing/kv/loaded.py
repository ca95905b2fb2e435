"""Bytes of the parameters vLLM creates to load a checkpoint into, before any kernel repacks them."""

from __future__ import annotations

from typing import Final

from sizing.geometry import ModelGeometry
from sizing.kv.dtype import ELEMENT_BYTES

VOCABULARY_UNIT: Final = 64  # rows of the token table and of the head are padded to a multiple
MXFP4_BLOCK: Final = 32


def round_up(value: int, unit: int) -> int:
    return -(-value // unit) * unit


def loaded_weight_bytes(geometry: ModelGeometry, dtype: str, compute_capability: tuple[int, int]) -> int:
    """The checkpoint's served tensors at the running dtype, with the padding vLLM adds."""
    element = ELEMENT_BYTES[dtype]
    tables = 1 if geometry.tie_word_embeddings else 2
    rows = round_up(geometry.vocab_size, VOCABULARY_UNIT) - geometry.vocab_size
    padding = rows * tables * geometry.hidden_size * element
    return geometry.loaded_bytes(element) + padding + mxfp4_padding(geometry, element, compute_capability)


def mxfp4_padding(geometry: ModelGeometry, element_bytes: int, compute_capability: tuple[int, int]) -> int:
    """gpt-oss's experts are padded to the kernel's tiles, 128 by 256; the Triton kernels of SM 9 need none."""
    quantization, experts = geometry.quantization, geometry.experts
    if quantization is None or quantization.vllm_name != "gpt_oss_mxfp4" or experts is None:
        return 0
    if compute_capability[0] == 9:
        return 0
    size, hidden = experts.intermediate_size, geometry.hidden_size
    padded = expert_bytes(round_up(size, 128), round_up(hidden, 256), element_bytes)
    return (padded - expert_bytes(size, hidden, element_bytes)) * experts.count * experts.layers


def expert_bytes(size: int, hidden: int, element_bytes: int) -> int:
    """One expert's gate, up and down matrices in MXFP4, with their biases."""
    packed = 3 * size * hidden // 2 + 3 * size * hidden // MXFP4_BLOCK
    return packed + (2 * size + hidden) * element_bytes
