"""From a config.json to the geometry of the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from sizing.geometry import architectures
from sizing.geometry.architectures.decoder import Decoder, fold
from sizing.geometry.architectures.registry import BUILDERS
from sizing.geometry.context import context_tokens
from sizing.geometry.errors import UnsupportedModel
from sizing.geometry.fields import Fields
from sizing.geometry.inventory import Inventory, Kind
from sizing.geometry.model import Dtype, ModelGeometry
from sizing.geometry.quantization.methods import read_method
from sizing.geometry.quantization.stored import NOTHING, Packing, Stored

__all__ = ["architectures", "read_config"]

ELEMENT_BYTES: Final[dict[str, int]] = {"float32": 4, "float16": 2, "bfloat16": 2}
LARGEST_PARAMETERS: Final = 10**14  # a hundred times the largest published model


def read_config(config: Mapping[str, object]) -> ModelGeometry:
    """The geometry a checkpoint's config.json determines.

    Raises UnsupportedModel, whose message is one sentence, where the config does not determine it.
    """
    if not isinstance(config, Mapping):
        raise UnsupportedModel(f"config.json: the file holds a {type(config).__name__}; it should hold an object")
    f = Fields(config)
    name = architecture_name(f)
    decoder = BUILDERS[name](f)
    text = decoder.text or f
    dtype, stated = read_dtype(f, text)
    method = read_method(f, dtype)
    return assemble(name, f, text, decoder, method, dtype, stated)


def architecture_name(f: Fields) -> str:
    names = f.texts("architectures")
    if not names:
        raise f.missing("architectures")
    known = next((name for name in names if name in BUILDERS), None)
    if known is None:
        raise UnsupportedModel(f"config.json: architectures names {names[0][:80]!r}, whose tensors are not known here")
    return known


def read_dtype(f: Fields, text: Fields) -> tuple[Dtype, bool]:
    """The checkpoint's dtype and whether the config states it."""
    for place in (f, text, f.optional_section("vision_config")):
        value = place.raw("torch_dtype", "dtype") if place is not None else None
        if value is None:
            continue
        short = str(value).removeprefix("torch.").lower()
        match {"half": "float16", "float": "float32", "bf16": "bfloat16", "fp16": "float16"}.get(short, short):
            case "float32":
                return "float32", True
            case "float16":
                return "float16", True
            case "bfloat16":
                return "bfloat16", True
            case _:
                raise f.refuse("torch_dtype", value, "bfloat16, float16 or float32")
    for flag, dtype in (("bf16", "bfloat16"), ("fp16", "float16"), ("fp32", "float32")):
        if f.flag(flag):
            return cast("Dtype", dtype), True
    return "bfloat16", False


def stored(tensors: Inventory, method: Packing, element_bytes: int) -> Stored:
    return sum((method.store(tensor, element_bytes) for tensor in tensors), NOTHING)


def assemble(
    name: str, f: Fields, text: Fields, d: Decoder, method: Packing, dtype: Dtype, stated: bool
) -> ModelGeometry:
    element_bytes = ELEMENT_BYTES[dtype]
    parameters = d.tensors.parameters + d.extra.parameters
    if parameters > LARGEST_PARAMETERS:
        raise UnsupportedModel(
            f"config.json: its sizes make {parameters:,} parameters, more than {LARGEST_PARAMETERS:,}; a size is wrong"
        )
    served, extra = stored(d.tensors, method, element_bytes), stored(d.extra, method, element_bytes)
    # What vLLM creates: no buffers, and for some packings scales of another width.
    created, loading = Inventory([t for t in d.tensors if t.kind is not Kind.BUFFER]), method.as_loaded()
    packed = stored(created, loading, 0).size_bytes
    elements = stored(created, loading, 1).size_bytes - packed
    groups, pattern = fold(d.kv)
    model_type = f.text("model_type")
    longest, default = context_tokens(text, model_type)
    caveats = list(method.caveats)
    if not stated:
        caveats.append("the config names no dtype; two bytes a parameter are taken, as nearly all checkpoints have")
    return ModelGeometry(
        architecture=name,
        model_type=model_type,
        hidden_size=d.dims.hidden,
        intermediate_size=d.dims.intermediate,
        layers=d.dims.layers,
        vocab_size=d.dims.vocab,
        attention_heads=d.dims.heads,
        kv_heads=d.dims.kv_heads,
        head_dim=d.dims.head_dim,
        kv_groups=groups,
        kv_pattern=pattern,
        context_tokens=longest,
        default_context_tokens=default,
        parameters=parameters,
        weight_bytes=served.size_bytes + extra.size_bytes,
        tensor_count=served.entries + extra.entries,
        loaded_packed_bytes=packed + loading.loaded_layer_bytes * len(d.kv),
        loaded_float_elements=elements,
        torch_dtype=dtype,
        dtype_stated=stated,
        quantization=method.quantization,
        tie_word_embeddings=d.tied,
        experts=d.experts,
        recurrent=d.recurrent,
        vision=d.vision,
        attention_sinks=d.sinks,
        sparse_index=d.sparse_index,
        attention_softcap=text.raw("attn_logit_softcapping") not in (None, False, 0),
        qk_nope_head_dim=d.qk_nope,
        bidirectional_images=d.bidirectional_images,
        caveats=tuple(caveats),
    )
