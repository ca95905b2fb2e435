"""Which attention backend vLLM 0.32/0.33 takes for a kind of layer, and why it rejects the others.

The rules are those of each backend's `validate_configuration`, in its order of checks; what depends on
FlashInfer's own feature tests is taken as yes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

NO_FP8_FLASH = "FP8 KV cache requires FA3 on SM90, FA4 with head_size=512 on SM90, or FA4 on SM100"
PLAIN_KV = ("auto", "float16", "bfloat16")
FP8_KV = (*PLAIN_KV, "fp8", "fp8_e4m3")


@dataclass(frozen=True, slots=True)
class Layer:
    """What the selection looks at."""

    capability: tuple[int, int]
    head_dim: int
    dtype: str
    kv_dtype: str
    block_size: int | None
    latent: bool = False
    sinks: bool = False
    sliding: bool = False
    image_prefix: bool = False
    softcap: bool = False
    qk_nope: int = 0
    qk_rope: int = 0
    value_dim: int = 0

    @property
    def fp8(self) -> bool:
        return self.kv_dtype.startswith("fp8")


@dataclass(frozen=True, slots=True)
class Backend:
    """One backend's limits; `last` is its last check, a reason or None."""

    name: str
    dtypes: tuple[str, ...]
    kv_dtypes: tuple[str, ...]
    blocks: tuple[int, ...]  # the KV block has to be a multiple of one of them
    capable: Callable[[tuple[int, int]], bool]
    head_ok: Callable[[Layer], bool] = field(default=lambda _: True)
    sinks_ok: Callable[[Layer], bool] = field(default=lambda _: False)
    kv_ok: Callable[[Layer], bool] = field(default=lambda _: True)
    prefix_ok: Callable[[Layer], bool] = field(default=lambda _: False)
    narrow_blocks: Callable[[Layer], tuple[int, ...] | None] = field(default=lambda _: None)  # instead, for some
    sliding: bool = True
    latent: bool = False
    sparse: bool = False
    last: Callable[[Layer], str | None] = field(default=lambda _: None)

    def rejections(self, layer: Layer) -> tuple[str, ...]:
        """Why this backend cannot serve the layer, in vLLM's words; empty when it can."""
        blocks = self.narrow_blocks(layer) or self.blocks
        checks = (
            (not self.head_ok(layer), "head_size not supported"),
            (layer.dtype not in self.dtypes, "dtype not supported"),
            (layer.kv_dtype not in self.kv_dtypes or not self.kv_ok(layer), "kv_cache_dtype not supported"),
            (
                layer.block_size is not None and all(layer.block_size % b for b in blocks),
                "block_size not supported",
            ),
            (layer.image_prefix and not self.prefix_ok(layer), "partial multimodal token full attention not supported"),
            (layer.latent and not self.latent, "MLA not supported"),
            (layer.sinks and not self.sinks_ok(layer), "attention sinks not supported"),
            (self.sparse, "non-sparse not supported"),
            (not self.capable(layer.capability), "compute capability not supported"),
            (layer.sliding and not self.sliding, "sliding window not supported"),
        )
        reasons = [reason for failed, reason in checks if failed]
        final = self.last(layer)
        return tuple(reasons if final is None else [*reasons, final])


@dataclass(frozen=True, slots=True)
class Selection:
    """The backends that can serve a layer, best first, and what rules out the others."""

    valid: tuple[str, ...]
    rejected: dict[str, tuple[str, ...]]


def select(candidates: tuple[Backend, ...], layer: Layer) -> Selection:
    verdicts = {backend.name: backend.rejections(layer) for backend in candidates}
    return Selection(
        valid=tuple(name for name, reasons in verdicts.items() if not reasons),
        rejected={name: reasons for name, reasons in verdicts.items() if reasons},
    )


def flash_version(layer: Layer, *, exact: bool = True) -> int:
    """The FlashAttention generation for the layer: 3 on SM 9, 4 on SM 10, else 2; some shapes fall back.

    `exact`: for this layer's head; otherwise the device's general answer.
    """
    major = layer.capability[0]
    if major == 9:
        return 4 if exact and layer.head_dim > 256 else 3
    if major != 10:
        return 2
    if not exact:
        return 4
    wide = layer.head_dim > 128
    if layer.head_dim == 256:
        hindered = (
            layer.sinks
            or layer.softcap
            or layer.fp8
            or layer.image_prefix
            or (layer.block_size is not None and layer.block_size % 128)
        )
        return 2 if hindered else 4
    return 2 if wide else 4


def flash_takes_fp8(layer: Layer, *, exact: bool = True) -> bool:
    version = flash_version(layer, exact=exact)
    if layer.kv_dtype == "fp8_e5m2":
        return False
    if layer.capability[0] == 9:
        return version == 3 or (version == 4 and (not exact or layer.head_dim == 512))
    return version == 4 and layer.capability[0] == 10


def flash_head(layer: Layer) -> bool:
    largest = 512 if layer.capability[0] in (9, 10) else 256
    return layer.head_dim % 8 == 0 and layer.head_dim <= largest


def flash_blocks(layer: Layer) -> tuple[int, ...] | None:
    """Two kernels read whole tiles only: 256-wide heads on SM 10, and fp8 with 512-wide heads on SM 9."""
    major, hindered = layer.capability[0], layer.sinks or layer.softcap or layer.fp8 or layer.image_prefix
    if major == 10 and layer.head_dim == 256 and not hindered:
        return (128,)
    return (64,) if major == 9 and layer.head_dim == 512 and layer.fp8 else None


def flash_extra(layer: Layer) -> str | None:
    if layer.sinks and layer.capability < (9, 0):
        return "sink not supported on compute capability < 9.0"
    if layer.image_prefix and layer.fp8 and layer.capability == (9, 0):
        return "SM90 FP8 KV with mm_prefix requires Triton"
    if layer.fp8 and not flash_takes_fp8(layer):
        return NO_FP8_FLASH
    if layer.image_prefix and flash_version(layer) != 4:
        return (
            "mm_prefix (PrefixLM bidirectional attention) requires FlashAttention v4, which does not "
            "resolve for this head_size"
        )
    return None


HALF = ("float16", "bfloat16")
ANY_FLOAT = (*HALF, "float32")

FLASH_ATTN = Backend(
    "FLASH_ATTN",
    HALF,
    FP8_KV,
    (16,),
    lambda c: c >= (8, 0),
    head_ok=flash_head,
    sinks_ok=lambda layer: flash_version(layer, exact=False) in (3, 4),
    kv_ok=lambda layer: not layer.fp8 or flash_takes_fp8(layer, exact=False),
    prefix_ok=lambda layer: layer.capability[0] in (9, 10),
    narrow_blocks=flash_blocks,
    last=flash_extra,
)
FLASHINFER = Backend(
    "FLASHINFER",
    HALF,
    (*FP8_KV, "fp8_e5m2"),
    (16, 32, 64),
    lambda c: (8, 0) <= c <= (12, 1),
    head_ok=lambda layer: layer.head_dim in (64, 128, 256, 512),
    sinks_ok=lambda layer: layer.capability == (9, 0) or layer.capability[0] in (10, 12),
)
TRITON_ATTN = Backend(
    "TRITON_ATTN",
    ANY_FLOAT,
    (*FP8_KV, "fp8_e5m2"),
    (16,),
    lambda _: True,
    head_ok=lambda layer: layer.head_dim >= 32,
    sinks_ok=lambda _: True,
    prefix_ok=lambda _: True,
)
FLEX_ATTENTION = Backend("FLEX_ATTENTION", ANY_FLOAT, PLAIN_KV, (16,), lambda _: True, prefix_ok=lambda _: True)
TURBOQUANT = Backend("TURBOQUANT", HALF, (), (16, 32, 64, 128), lambda _: True, sliding=False)

STANDARD = (FLASH_ATTN, FLASHINFER, TRITON_ATTN, FLEX_ATTENTION, TURBOQUANT)
BLACKWELL = (FLASHINFER, FLASH_ATTN, TRITON_ATTN, FLEX_ATTENTION, TURBOQUANT)


# Image tokens attend both ways in Triton, all others in the faster backend; both share one cache.
TRITON_FLASH_ATTN = Backend(
    "TRITON_FLASH_ATTN",
    HALF,
    FP8_KV,
    (16,),
    lambda c: c[0] == 9,
    head_ok=lambda layer: layer.head_dim in (256, 512),
    kv_ok=lambda layer: not layer.fp8,
    prefix_ok=lambda _: True,
)
TRITON_FLASHINFER = Backend(
    "TRITON_FLASHINFER",
    HALF,
    (*FP8_KV, "fp8_e5m2"),
    (64,),
    lambda c: c[0] == 10,
    head_ok=lambda layer: layer.head_dim in (256, 512),
    prefix_ok=lambda _: True,
)


def standard_backends(capability: tuple[int, int], *, image_prefix: bool = False) -> tuple[Backend, ...]:
    """Candidates for ordinary attention, best first."""
    if capability[0] == 10:
        return (TRITON_FLASHINFER, *BLACKWELL) if image_prefix else BLACKWELL
    return (TRITON_FLASH_ATTN, *STANDARD) if capability[0] == 9 and image_prefix else STANDARD
