"""Pixtral, Llama 4, Gemma 4 and DeepSeek-OCR."""

from __future__ import annotations

from itertools import pairwise

from sizing.geometry.fields import Fields
from sizing.geometry.inventory import Inventory
from sizing.geometry.towers.blocks import fused_attention, mlp, norms, separate_attention


def pixtral(t: Inventory, v: Fields, prefix: str) -> tuple[int, int]:
    """Returns width and layers."""
    width, size = v.count("hidden_size", default=1024), v.count("intermediate_size", default=4096)
    patch, layers = v.count("patch_size", default=16), v.layers("num_hidden_layers", default=24)
    inner = v.count("num_attention_heads", default=16) * v.count(
        "head_dim", default=width // v.count("num_attention_heads", default=16)
    )
    t.plain(f"{prefix}.patch_conv", width, v.count("num_channels", default=3), patch, patch)
    norms(t, width, f"{prefix}.ln_pre", bias=False)
    for i in range(layers):
        layer = f"{prefix}.transformer.layers.{i}"
        for name in ("q_proj", "k_proj", "v_proj"):
            t.linear(f"{layer}.attention.{name}", width, inner)
        t.linear(f"{layer}.attention.o_proj", inner, width)
        for name, a, b in (("gate_proj", width, size), ("up_proj", width, size), ("down_proj", size, width)):
            t.linear(f"{layer}.feed_forward.{name}", a, b)
        norms(t, width, f"{layer}.attention_norm", f"{layer}.ffn_norm", bias=False)
    return width, layers


def llama4(t: Inventory, v: Fields, prefix: str) -> tuple[int, int]:
    """Returns width and layers."""
    width, size = v.count("hidden_size", default=768), v.count("intermediate_size", default=5632)
    patch, image, layers = (
        v.count("patch_size", default=14),
        v.count("image_size", default=448),
        v.layers("num_hidden_layers", default=34),
    )
    t.plain(f"{prefix}.class_embedding", width)
    t.plain(f"{prefix}.positional_embedding_vlm", (image // patch) ** 2 + 1, width)
    t.linear(f"{prefix}.patch_embedding.linear", v.count("num_channels", default=3) * patch * patch, width)
    norms(t, width, f"{prefix}.layernorm_pre", f"{prefix}.layernorm_post")
    for i in range(layers):
        layer = f"{prefix}.model.layers.{i}"
        separate_attention(t, f"{layer}.self_attn", width, out="o_proj")
        mlp(t, f"{layer}.mlp", width, size)
        norms(t, width, f"{layer}.input_layernorm", f"{layer}.post_attention_layernorm")
    ratio = v.ratio("pixel_shuffle_ratio", 0.5)
    shuffled = int(width // ratio**2) if ratio > 0 else width
    middle, out = v.count("projector_input_dim", default=4096), v.count("projector_output_dim", default=4096)
    t.linear(f"{prefix}.vision_adapter.mlp.fc1", shuffled, middle)
    t.linear(f"{prefix}.vision_adapter.mlp.fc2", middle, out)
    return width, layers


def gemma4(t: Inventory, v: Fields, prefix: str) -> tuple[int, int]:
    """Returns width and layers. Bounds of clipped linears are stored as four scalars each."""
    width, size = v.count("hidden_size", default=768), v.count("intermediate_size", default=3072)
    heads, layers = v.count("num_attention_heads", default=12), v.layers("num_hidden_layers", default=16)
    kv_heads, head = v.count("num_key_value_heads", default=heads), v.count("head_dim", default=64)
    patch = v.count("patch_size", default=16)
    clipped = v.flag("use_clipped_linears")
    t.linear(f"{prefix}.patch_embedder.input_proj", 3 * patch**2, width)
    t.plain(
        f"{prefix}.patch_embedder.position_embedding_table", 2, v.count("position_embedding_size", default=10240), width
    )
    for i in range(layers):
        layer = f"{prefix}.encoder.layers.{i}"
        for name, a, b in (
            ("self_attn.q_proj", width, heads * head),
            ("self_attn.k_proj", width, kv_heads * head),
            ("self_attn.v_proj", width, kv_heads * head),
            ("self_attn.o_proj", heads * head, width),
            ("mlp.gate_proj", width, size),
            ("mlp.up_proj", width, size),
            ("mlp.down_proj", size, width),
        ):
            t.linear(f"{layer}.{name}.linear", a, b)
            if clipped:
                for bound in ("input_min", "input_max", "output_min", "output_max"):
                    t.plain(f"{layer}.{name}.{bound}", 1)
        norms(t, head, f"{layer}.self_attn.q_norm", f"{layer}.self_attn.k_norm", bias=False)
        norms(
            t,
            width,
            *(
                f"{layer}.{name}"
                for name in (
                    "input_layernorm",
                    "post_attention_layernorm",
                    "pre_feedforward_layernorm",
                    "post_feedforward_layernorm",
                )
            ),
            bias=False,
        )
    if v.flag("standardize"):
        t.buffer(f"{prefix}.std_bias", width)
        t.buffer(f"{prefix}.std_scale", width)
    return width, layers


def sam_with_clip(t: Inventory, v: Fields, out: int, tokens: int) -> tuple[int, int]:
    """DeepSeek-OCR: a SAM encoder whose features a CLIP tower reads; returns CLIP's width and layers."""
    widths = v.section("width")
    sam, clip = widths.section("sam_vit_b"), widths.section("clip-l-14-224")
    width, heads, image = sam.count("width"), sam.count("heads"), v.count("image_size", default=1024)
    grid, head = image // 16, width // heads
    whole = set(sam.counts("global_attn_indexes"))
    t.plain("model.sam_model.patch_embed.proj", width, 3, 16, 16, bias=True)
    t.plain("model.sam_model.pos_embed", 1, grid, grid, width)
    for i in range(sam.layers("layers")):
        layer = f"model.sam_model.blocks.{i}"
        fused_attention(t, f"{layer}.attn", width)
        side = grid if i in whole else 14
        t.plain(f"{layer}.attn.rel_pos_h", 2 * side - 1, head)
        t.plain(f"{layer}.attn.rel_pos_w", 2 * side - 1, head)
        mlp(t, f"{layer}.mlp", width, 4 * width, ("lin1", "lin2"))
        norms(t, width, f"{layer}.norm1", f"{layer}.norm2")
    steps = (256, *sam.counts("downsample_channels"))
    t.plain("model.sam_model.neck.0", steps[0], width, 1, 1)
    t.plain("model.sam_model.neck.2", steps[0], steps[0], 3, 3)
    norms(t, steps[0], "model.sam_model.neck.1", "model.sam_model.neck.3")
    for i, (a, b) in enumerate(pairwise(steps)):
        t.plain(f"model.sam_model.net_{i + 2}", b, a, 3, 3)
    inner, patch, layers = clip.count("width"), clip.count("patch_size"), clip.layers("layers")
    t.plain("model.vision_model.embeddings.class_embedding", inner)
    t.plain("model.vision_model.embeddings.patch_embedding", inner, 3, patch, patch)
    t.plain("model.vision_model.embeddings.position_embedding", (clip.count("image_size") // patch) ** 2 + 1, inner)
    norms(t, inner, "model.vision_model.pre_layrnorm")
    for i in range(layers):
        layer = f"model.vision_model.transformer.layers.{i}"
        fused_attention(t, f"{layer}.self_attn", inner, qkv="qkv_proj", out="out_proj")
        mlp(t, f"{layer}.mlp", inner, 4 * inner)
        norms(t, inner, f"{layer}.layer_norm1", f"{layer}.layer_norm2")
    t.linear("model.projector.layers", tokens, out, bias=True)
    t.plain("model.image_newline", out)
    t.plain("model.view_seperator", out)
    return inner, layers
