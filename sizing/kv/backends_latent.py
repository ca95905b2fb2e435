"""Attention backends for multi-head latent attention (DeepSeek), by vLLM 0.32/0.33's rules."""

from __future__ import annotations

from dataclasses import replace

from sizing.kv.backends import FP8_KV, HALF, PLAIN_KV, Backend, Layer

NO_FLASH = "FlashAttention MLA not supported on this device"
NO_FLASHMLA = (
    "vllm._flashmla_C is not available, likely was not compiled due to insufficient nvcc version or a "
    "supported arch was not in the list of target arches to compile for."
)
NO_TOKENSPEED = "tokenspeed_mla package is not installed. Install it with: `uv pip install tokenspeed-mla`"
COMMON_HEADS = (320, 512, 576)


def common_head(layer: Layer) -> bool:
    return layer.head_dim in COMMON_HEADS


def flash_extra(layer: Layer) -> str | None:
    return None if layer.capability[0] == 9 else NO_FLASH


def flash_sparse_extra(layer: Layer) -> str | None:
    if layer.kv_dtype not in PLAIN_KV:
        return "FlashAttention MLA Sparse currently supports only FP16/BF16 KV cache"
    return flash_extra(layer) or "FlashAttention MLA Sparse requires model with index_topk"


def flashinfer_extra(layer: Layer) -> str | None:
    if layer.qk_nope in (64, 128, 192):
        return None
    return f"FlashInfer MLA kernel requires qk_nope_head_dim in [64, 128, 192], but got {layer.qk_nope}"


def flashinfer_sparse_extra(layer: Layer) -> str | None:
    if layer.qk_nope not in (128, 192):
        return f"FlashInfer MLA Sparse kernel requires qk_nope_head_dim in [128, 192], but got {layer.qk_nope}"
    return "FlashInfer MLA Sparse requires model with index_topk config"


FLASH_ATTN_MLA = Backend(
    "FLASH_ATTN_MLA",
    HALF,
    PLAIN_KV,
    (16,),
    lambda c: c[0] == 9,
    common_head,
    latent=True,
    sliding=False,
    last=flash_extra,
)
FLASHMLA = Backend("FLASHMLA", HALF, FP8_KV, (64,), lambda c: c[0] in (9, 10), common_head, latent=True, sliding=False)
FLASHINFER_MLA = Backend(
    "FLASHINFER_MLA",
    HALF,
    FP8_KV,
    (32, 64),
    lambda c: c[0] == 10,
    common_head,
    latent=True,
    sliding=False,
    last=flashinfer_extra,
)
TRITON_MLA = Backend("TRITON_MLA", HALF, FP8_KV, (16,), lambda _: True, latent=True, sliding=False)
CUTLASS_MLA = Backend(
    "CUTLASS_MLA", HALF, FP8_KV, (128,), lambda c: c[0] == 10, common_head, latent=True, sliding=False
)
TOKENSPEED_MLA = Backend(
    "TOKENSPEED_MLA",
    HALF,
    ("fp8", "fp8_e4m3"),
    (32, 64),
    lambda c: c[0] == 10,
    common_head,
    latent=True,
    sliding=False,
    last=lambda _: NO_TOKENSPEED,
)
FLASH_ATTN_MLA_SPARSE = Backend(
    "FLASH_ATTN_MLA_SPARSE",
    HALF,
    PLAIN_KV,
    (64,),
    lambda c: c[0] == 9,
    latent=True,
    sliding=False,
    sparse=True,
    last=flash_sparse_extra,
)
FLASHMLA_SPARSE = Backend(
    "FLASHMLA_SPARSE",
    ("bfloat16",),
    ("auto", "bfloat16", "fp8"),
    (64,),
    lambda c: c[0] in (9, 10),
    lambda layer: layer.head_dim in (512, 576),
    latent=True,
    sliding=False,
    sparse=True,
)
FLASHINFER_MLA_SPARSE = Backend(
    "FLASHINFER_MLA_SPARSE",
    HALF,
    FP8_KV,
    (32,),
    lambda c: c[0] == 10,
    lambda layer: layer.head_dim in (512, 576),
    latent=True,
    sliding=False,
    sparse=True,
    last=flashinfer_sparse_extra,
)
FLASHINFER_MLA_SPARSE_SM90 = Backend(
    "FLASHINFER_MLA_SPARSE_SM90",
    ("bfloat16",),
    ("auto", "bfloat16", "fp8", "fp8_e4m3"),
    (64,),
    lambda c: c[0] == 9,
    lambda layer: layer.head_dim in (512, 576),
    latent=True,
    sliding=False,
    sparse=True,
    last=lambda _: "FLASHINFER_MLA_SPARSE_SM90 requires sparse MLA",
)

FLASHINFER_MLA_SPARSE_SM120 = Backend(
    "FLASHINFER_MLA_SPARSE_SM120",
    ("bfloat16",),
    ("auto", "fp8", "fp8_e4m3"),
    (64,),
    lambda c: c[0] == 12,
    lambda layer: layer.head_dim in (512, 576),
    latent=True,
    sliding=False,
    sparse=True,
    last=lambda _: "FLASHINFER_MLA_SPARSE_SM120 requires a model with index_topk config",
)


def latent_backends(
    capability: tuple[int, int], heads: int, kv_dtype: str, head_dim: int, *, flashmla_built: bool = True
) -> tuple[Backend, ...]:
    """Candidates for latent attention, best first; the release wheels have FlashMLA built in."""
    flashmla = FLASHMLA if flashmla_built else replace(FLASHMLA, last=lambda _: NO_FLASHMLA)
    if capability[0] == 10:
        infer_first = kv_dtype.startswith("fp8") or heads <= 16
        sparse = (FLASHINFER_MLA_SPARSE, FLASHMLA_SPARSE) if infer_first else (FLASHMLA_SPARSE, FLASHINFER_MLA_SPARSE)
        return (FLASHINFER_MLA, TOKENSPEED_MLA, CUTLASS_MLA, FLASH_ATTN_MLA, flashmla, TRITON_MLA, *sparse)
    if capability[0] == 12:
        return (TRITON_MLA, FLASHINFER_MLA_SPARSE_SM120)
    tail = (FLASH_ATTN_MLA_SPARSE, FLASHMLA_SPARSE)
    infer = (FLASHINFER_MLA_SPARSE_SM90,)
    return (
        FLASH_ATTN_MLA,
        flashmla,
        FLASHINFER_MLA,
        TRITON_MLA,
        *((*infer, *tail) if head_dim == 512 else (*tail, *infer)),
    )
