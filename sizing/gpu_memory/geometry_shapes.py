"""From a geometry read from a config.json to the sizes the predictor needs."""

from __future__ import annotations

from dataclasses import replace

from sizing.geometry.model import ModelGeometry
from sizing.gpu_memory.families import family_of_architecture
from sizing.gpu_memory.shapes import FULL_PRECISION, ExpertShapes, KvLayers, ModelShapes, WeightFormat


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
    family = family_of_architecture(geometry.architecture)
    tower = family.tower if family and geometry.vision else None
    local_table = geometry.architecture == "Gemma3ForConditionalGeneration"  # 8-fold scaled and a local one
    return ModelShapes(
        name=name or geometry.model_type, architecture=geometry.architecture, layers=geometry.layers,
        hidden=geometry.hidden_size, intermediate=geometry.intermediate_size, vocab=geometry.vocab_size,
        heads=geometry.attention_heads, kv_heads=geometry.kv_heads, head_dim=geometry.head_dim,
        tied=geometry.tie_word_embeddings,
        kv=tuple(KvLayers(g.layers, g.elements_per_token, g.window_tokens) for g in geometry.kv_groups),
        element_bytes=4 if geometry.torch_dtype == "float32" else 2,
        rope_positions=geometry.context_tokens * (9 if local_table else 1), format=packed if quant else FULL_PRECISION,
        experts=ExpertShapes(experts.count, experts.per_token, experts.intermediate_size,
                             experts.shared_intermediate_size) if experts else None,
        images=replace(tower, weight_bytes=0) if tower else None,  # the parameters count the tower already
        loaded_bytes=geometry.loaded_weight_bytes, notes=geometry.caveats,
    )
