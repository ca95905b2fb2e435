"""From a geometry read from a config.json to the sizes the predictor needs."""

from __future__ import annotations

from dataclasses import replace

from sizing.geometry.model import ModelGeometry
from sizing.gpu_memory.families import family_of_architecture
from sizing.gpu_memory.shapes import FULL_PRECISION, ExpertShapes, ImageTower, KvLayers, ModelShapes, WeightFormat
from sizing.kv.dtype import ELEMENT_BYTES, running_dtype
from sizing.kv.loaded import loaded_weight_bytes

# An image tower whose processor is not in the table: 1,024 embeddings an image of 896 pixels a side.
USUAL_TOWER = ImageTower(0, 1024, 1024, 3 * 896 * 896 * 2)


def shapes_of(geometry: ModelGeometry, compute_capability: tuple[int, int]) -> ModelShapes:
    """What the predictor needs of a geometry, at the dtype a card of this capability runs it in."""
    dtype = running_dtype(geometry, compute_capability)
    quant = geometry.quantization
    packed = WeightFormat(
        quant.method if quant else "unquantised",
        (quant.bits or 8) / 8 if quant else 0.0,
        experts_only=bool(quant and quant.method == "mxfp4"),
        activation_bytes=1.0 if quant and "w8a8" in (quant.format or "") else 0.0,
    )
    experts = geometry.experts
    family = family_of_architecture(geometry.architecture)
    tower = (family.tower if family and family.tower else USUAL_TOWER) if geometry.vision else None
    local_table = geometry.architecture == "Gemma3ForConditionalGeneration"  # 8-fold scaled and a local one
    return ModelShapes(
        name=geometry.model_type,
        architecture=geometry.architecture,
        layers=geometry.layers,
        hidden=geometry.hidden_size,
        intermediate=geometry.intermediate_size,
        vocab=geometry.vocab_size,
        heads=geometry.attention_heads,
        kv_heads=geometry.kv_heads,
        head_dim=geometry.head_dim,
        tied=geometry.tie_word_embeddings,
        kv=tuple(KvLayers(g.layers, g.elements_per_token, g.window_tokens) for g in geometry.kv_groups),
        element_bytes=ELEMENT_BYTES[dtype],
        rope_positions=geometry.context_tokens * (9 if local_table else 1),
        format=packed if quant else FULL_PRECISION,
        experts=ExpertShapes(
            experts.count, experts.per_token, experts.intermediate_size, experts.shared_intermediate_size
        )
        if experts
        else None,
        images=replace(tower, weight_bytes=0) if tower else None,  # the parameters count the tower already
        loaded_bytes=loaded_weight_bytes(geometry, dtype, compute_capability),
        notes=geometry.caveats,
    )
