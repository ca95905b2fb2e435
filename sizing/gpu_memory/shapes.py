"""The sizes of a model that decide what a start needs, from a geometry or from bare figures."""

from __future__ import annotations

from dataclasses import dataclass, field

from sizing.geometry.model import ModelGeometry


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


def shapes_of(geometry: ModelGeometry, name: str = "") -> ModelShapes:
    """What the predictor needs of a geometry read from a config.json."""
    quant = geometry.quantization
    packed = WeightFormat(
        quant.method if quant else "unquantised",
        (quant.bits or 8) / 8 if quant else 0.0,
        experts_only=bool(quant and quant.method == "mxfp4"),
        activation_bytes=1.0 if quant and "w8a8" in (quant.format or "") else 0.0,
    )
    experts = geometry.experts
    tower = geometry.vision
    return ModelShapes(
        name=name or geometry.model_type, architecture=geometry.architecture, layers=geometry.layers,
        hidden=geometry.hidden_size, intermediate=geometry.intermediate_size, vocab=geometry.vocab_size,
        heads=geometry.attention_heads, kv_heads=geometry.kv_heads, head_dim=geometry.head_dim,
        tied=geometry.tie_word_embeddings,
        kv=tuple(KvLayers(g.layers, g.elements_per_token, g.window_tokens) for g in geometry.kv_groups),
        element_bytes=4 if geometry.torch_dtype == "float32" else 2,
        rope_positions=geometry.context_tokens, format=packed if quant else FULL_PRECISION,
        experts=ExpertShapes(experts.count, experts.per_token, experts.intermediate_size,
                             experts.shared_intermediate_size) if experts else None,
        # No per-processor figures here: one image of 1,024 tokens, 896 pixels a side.
        images=ImageTower(0, 1024, 1024, 3 * 896 * 896 * 2) if tower else None,
        loaded_bytes=geometry.loaded_weight_bytes, notes=geometry.caveats,
    )
