"""The sizes of a model that decide what a start needs."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class WeightFormat:
    """How linear layers lie in memory: bytes a weight, scales included.

    `experts_only`: only the experts are packed (MXFP4 in gpt-oss). `activation_bytes`: bytes an element of a
    quantised copy of each linear layer's input (INT8 W8A8), 0 where it is fused away.
    """

    name: str
    bytes_per_weight: float
    experts_only: bool = False
    activation_bytes: float = 0.0


FULL_PRECISION = WeightFormat("unquantised", 0.0)


@dataclass(frozen=True, slots=True)
class ExpertShapes:
    count: int
    per_token: int
    intermediate: int
    shared_intermediate: int = 0


@dataclass(frozen=True, slots=True)
class ImageTower:
    """What profiling a multimodal model adds. One image at the processor's largest size."""

    weight_bytes: int
    tokens_per_image: int  # embeddings one image yields
    budget_tokens_per_image: int  # placeholder tokens it takes in the prompt
    pixel_bytes_per_image: int
    encoder_bytes_per_image: int = 0  # widest point of the tower's layers over one image's patches


@dataclass(frozen=True, slots=True)
class KvLayers:
    layers: int
    bytes_per_element_pair: int  # 2 x kv heads x head size (latent: rank + rope), in elements
    window_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class ModelShapes:
    name: str
    architecture: str
    layers: int
    hidden: int
    intermediate: int
    vocab: int
    heads: int
    kv_heads: int
    head_dim: int
    tied: bool
    kv: tuple[KvLayers, ...]
    element_bytes: int = 2
    rope_positions: int = 32768
    rope_dim: int | None = None
    format: WeightFormat = FULL_PRECISION
    experts: ExpertShapes | None = None
    images: ImageTower | None = None
    loaded_bytes: int | None = None  # exact bytes of all parameters on one GPU, when a config determined them
    notes: tuple[str, ...] = field(default=())

    @property
    def quantized(self) -> bool:
        return self.format.bytes_per_weight > 0

    @property
    def embedding_bytes(self) -> int:
        return self.vocab * self.hidden * self.element_bytes

    def kv_bytes_per_token(self, element_bytes: int, tensor_parallel: int = 1) -> int:
        """KV bytes one token takes on one GPU, windows ignored."""
        split = min(tensor_parallel, self.kv_heads)
        return sum(k.layers * k.bytes_per_element_pair for k in self.kv) * element_bytes // split
