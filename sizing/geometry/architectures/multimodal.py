"""Checkpoints that hold an image tower beside the language model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from sizing.geometry.architectures.decoder import Decoder
from sizing.geometry.architectures.deepseek import deepseek, deepseek_v1
from sizing.geometry.architectures.delta_net import gated_delta
from sizing.geometry.architectures.fused_qkv import qwen
from sizing.geometry.architectures.gemma import gemma3
from sizing.geometry.architectures.llama import llama, mistral, qwen2, qwen3
from sizing.geometry.architectures.mixture import qwen3_moe
from sizing.geometry.architectures.registry import architecture
from sizing.geometry.fields import Fields
from sizing.geometry.towers import others
from sizing.geometry.towers.blocks import norms, tower
from sizing.geometry.towers.qwen import qwen2_5_vl, qwen2_vl, qwen3_vl, qwen_vl
from sizing.geometry.towers.siglip import clip, siglip

# A nested config is written without what equals its class's defaults.
GEMMA3_TEXT: Final = {
    "vocab_size": 262208,
    "hidden_size": 2304,
    "intermediate_size": 9216,
    "num_hidden_layers": 26,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 256,
    "sliding_window": 4096,
    "max_position_embeddings": 131072,
}
LLAMA_TEXT: Final = {
    "vocab_size": 32000,
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "max_position_embeddings": 2048,
}
MISTRAL_TEXT: Final = {
    **LLAMA_TEXT,
    "intermediate_size": 14336,
    "num_key_value_heads": 8,
    "max_position_embeddings": 131072,
}


def nested(f: Fields, defaults: Mapping[str, object], key: str = "text_config") -> Fields:
    """The language model's config, over its class's defaults; ties are named at the top."""
    section = f.section(key)
    stated = {name: value for name, value in section.values.items() if value is not None}
    top = {name: f.values[name] for name in ("tie_word_embeddings",) if f.has(name)}
    return Fields({**defaults, **top, **stated}, section.path)


def text_or_top(f: Fields) -> Fields:
    """Newer files nest the language model, older ones keep its fields at the top."""
    return nested(f, {}) if f.has("text_config") else f


def vision(f: Fields) -> Fields:
    return f.optional_section("vision_config") or Fields({}, f.name("vision_config"))


@architecture("Gemma3ForConditionalGeneration")
def gemma3_images(f: Fields) -> Decoder:
    text, v = nested(f, GEMMA3_TEXT), vision(f)
    d = gemma3(text, prefix="language_model.model")
    d.text, d.bidirectional_images = text, True
    with tower(d, v.count("hidden_size", default=768), v.layers("num_hidden_layers", default=12)) as t:
        width = siglip(t, v, "vision_tower.vision_model")
        t.plain("multi_modal_projector.mm_input_projection_weight", width, d.dims.hidden)
        norms(t, width, "multi_modal_projector.mm_soft_emb_norm", bias=False)
    return d


@architecture("LlavaForConditionalGeneration")
def llava(f: Fields) -> Decoder:
    """A Llama, Mistral or Qwen2 behind CLIP, SigLIP or Pixtral and two projecting matrices."""
    kind = f.section("text_config").text("model_type", "llama")
    builders: dict[str, tuple[Callable[[Fields], Decoder], Mapping[str, object]]] = {
        "llama": (llama, LLAMA_TEXT),
        "mistral": (mistral, MISTRAL_TEXT),
        "qwen2": (qwen2, {}),
    }
    if kind not in builders:
        raise f.refuse("text_config.model_type", kind, "one of " + ", ".join(builders))
    builder, defaults = builders[kind]
    text, v = nested(f, {"transformers_version": f.text("transformers_version") or "4.36", **defaults}), vision(f)
    d = builder(text)
    d.text = text
    towers: dict[str, Callable[..., object]] = {
        "clip_vision_model": clip,
        "siglip_vision_model": siglip,
        "pixtral": others.pixtral,
    }
    named = v.text("model_type", "clip_vision_model")
    if named not in towers:
        raise v.refuse("model_type", named, "one of " + ", ".join(towers))
    width = v.count("hidden_size", default=1024)
    with tower(d, width, v.layers("num_hidden_layers", default=24)) as t:
        towers[named](
            t,
            Fields(
                {
                    "hidden_size": 1024,
                    "intermediate_size": 4096,
                    "num_hidden_layers": 24,
                    "patch_size": 14,
                    "image_size": 336,
                    **v.values,
                },
                v.path,
            ),
            "vision_tower.vision_model",
        )
        bias = f.flag("multimodal_projector_bias", True)
        t.linear("multi_modal_projector.linear_1", width, d.dims.hidden, bias=bias)
        t.linear("multi_modal_projector.linear_2", d.dims.hidden, d.dims.hidden, bias=bias)
    return d


@architecture("Mistral3ForConditionalGeneration")
def mistral3(f: Fields) -> Decoder:
    """Mistral Small 3.1 and later: Pixtral, four patches merged into one."""
    kind = f.section("text_config").text("model_type", "mistral")
    text, v = nested(f, MISTRAL_TEXT), vision(f)
    d = deepseek(text) if kind == "mistral4" else mistral(text)
    d.text = text
    if not f.has("vision_config"):
        return d
    merge = f.count("spatial_merge_size", default=2)
    with tower(d, v.count("hidden_size", default=1024), v.layers("num_hidden_layers", default=24)) as t:
        width, _ = others.pixtral(t, Fields({"patch_size": 14, **v.values}, v.path), "vision_tower")
        t.linear("multi_modal_projector.patch_merger.merging_layer", width * merge**2, width)
        norms(t, width, "multi_modal_projector.norm", bias=False)
        bias = f.flag("multimodal_projector_bias")
        t.linear("multi_modal_projector.linear_1", width, d.dims.hidden, bias=bias)
        t.linear("multi_modal_projector.linear_2", d.dims.hidden, d.dims.hidden, bias=bias)
    return d


def with_qwen_tower(d: Decoder, f: Fields, text: Fields, build: Callable[..., tuple[int, int]], prefix: str) -> Decoder:
    v = vision(f)
    d.text = text
    with tower(d, 1, 1) as t:
        width, depth = build(t, v, prefix, d.dims.hidden)
    assert d.vision is not None  # noqa: S101 - the block above has just set it
    d.vision = d.vision.model_copy(update={"hidden_size": width, "layers": depth})
    return d


@architecture("Qwen2VLForConditionalGeneration")
def qwen2_images(f: Fields) -> Decoder:
    text = text_or_top(f)
    return with_qwen_tower(qwen2(text), f, text, qwen2_vl, "visual")


@architecture("Qwen2_5_VLForConditionalGeneration")
def qwen2_5_images(f: Fields) -> Decoder:
    text = text_or_top(f)
    return with_qwen_tower(qwen2(text), f, text, qwen2_5_vl, "visual")


@architecture("Qwen3VLForConditionalGeneration")
def qwen3_images(f: Fields) -> Decoder:
    text = nested(f, {})
    return with_qwen_tower(qwen3(text), f, text, qwen3_vl, "model.visual")


@architecture("Qwen3VLMoeForConditionalGeneration")
def qwen3_moe_images(f: Fields) -> Decoder:
    text = nested(f, {})
    return with_qwen_tower(qwen3_moe(text), f, text, qwen3_vl, "model.visual")


def resaved(f: Fields) -> bool:
    """transformers 5 wrote the files anew: all tensors in one dtype, no next-token layers."""
    major = f.text("transformers_version").partition(".")[0]
    return major.isdecimal() and int(major) >= 5


def packs_drafts(f: Fields) -> bool:
    """A quantising tool that names the next-token layers keeps them."""
    return "mtp" in str(f.raw("quantization_config"))


@architecture("Qwen3_5ForConditionalGeneration", "Qwen3_5MoeForConditionalGeneration")
def qwen3_5_images(f: Fields) -> Decoder:
    """A language-only export keeps the name but nests nothing and has no tower.

    Qwen's own files keep a delta net's decay and norm in float32; MLX's, which have no tower, the decay alone.
    """
    text, tower_stated = text_or_top(f), f.has("vision_config")
    mlx = not f.has("torch_dtype") and (f.has("quantization") or (f.has("text_config") and not tower_stated))
    whole, original = tower_stated and not mlx, not resaved(f)
    d = gated_delta(
        text,
        fused=False,
        mixture=text.has("num_experts"),
        prefix="language_model.model" if mlx else "model.language_model" if tower_stated else "model",
        head="language_model.lm_head" if mlx else "lm_head",
        wide=frozenset({"A_log", "norm"} if whole else {"A_log"} if mlx else ()) if original else frozenset(),
        drafts=text.count("mtp_num_hidden_layers", default=0, least=0, most=64)
        if whole and (original or packs_drafts(f))
        else 0,
    )
    d.text = text
    if not tower_stated or f.flag("language_model_only"):
        return d
    return with_qwen_tower(d, f, text, qwen3_vl, "vision_tower" if mlx else "model.visual")


@architecture("DeepseekOCRForCausalLM")
def deepseek_ocr(f: Fields) -> Decoder:
    text = f.optional_section("language_config") or f
    d = deepseek_v1(text)
    d.text = text
    projector = f.section("projector_config")
    with tower(d, 1, 1) as t:
        width, layers = others.sam_with_clip(t, vision(f), projector.count("n_embed"), projector.count("input_dim"))
    assert d.vision is not None  # noqa: S101 - the block above has just set it
    d.vision = d.vision.model_copy(update={"hidden_size": width, "layers": layers})
    return d


@architecture("QWenLMHeadModel")
def first_qwen(f: Fields) -> Decoder:
    """Qwen, or Qwen-VL where the config has a `visual` part."""
    d, v = qwen(f), f.optional_section("visual")
    if v is not None:
        with tower(d, v.count("width"), v.layers("layers")) as t:
            qwen_vl(t, v, "transformer.visual")
    return d
