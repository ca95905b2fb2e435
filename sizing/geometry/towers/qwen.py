"""Qwen's towers, one a generation."""

from __future__ import annotations

from sizing.geometry.fields import Fields
from sizing.geometry.inventory import Inventory
from sizing.geometry.towers.blocks import fused_attention, mlp, norms


def qwen_vl(t: Inventory, v: Fields, prefix: str) -> None:
    """The first Qwen-VL: a CLIP-like transformer and one resampling attention."""
    width, out, patch = v.count("width"), v.count("output_dim"), v.count("patch_size")
    size, queries = int(width * v.ratio("mlp_ratio", 4.0)), v.count("n_queries", default=256)
    t.plain(f"{prefix}.conv1", width, 3, patch, patch)
    t.plain(f"{prefix}.positional_embedding", 256, width)
    norms(t, width, f"{prefix}.ln_pre")
    for i in range(v.layers("layers")):
        layer = f"{prefix}.transformer.resblocks.{i}"
        fused_attention(t, f"{layer}.attn", width, qkv="in_proj", out="out_proj")
        mlp(t, f"{layer}.mlp", width, size, ("c_fc", "c_proj"))
        norms(t, width, f"{layer}.ln_1", f"{layer}.ln_2")
    pool = f"{prefix}.attn_pool"
    t.plain(f"{pool}.query", queries, out)
    t.plain(f"{pool}.pos_embed", queries, out)
    t.linear(f"{pool}.kv_proj", width, out)
    t.plain(f"{pool}.attn.in_proj", 3 * out, out, bias=True)
    t.linear(f"{pool}.attn.out_proj", out, out, bias=True)
    norms(t, out, f"{pool}.ln_q", f"{pool}.ln_kv", f"{prefix}.ln_post")
    t.plain(f"{prefix}.proj", out, out)


def qwen2_vl(t: Inventory, v: Fields, prefix: str, out: int) -> tuple[int, int]:
    """Returns width and layers. `hidden_size` names the language model's width here."""
    width, merge = v.count("embed_dim", default=1280), v.count("spatial_merge_size", default=2) ** 2
    out = v.count("hidden_size", default=out)
    patch, depth = v.count("patch_size", "spatial_patch_size", default=14), v.layers("depth", default=32)
    t.plain(
        f"{prefix}.patch_embed.proj",
        width,
        v.count("in_channels", "in_chans", default=3),
        v.count("temporal_patch_size", default=2),
        patch,
        patch,
    )
    for i in range(depth):
        layer = f"{prefix}.blocks.{i}"
        fused_attention(t, f"{layer}.attn", width)
        mlp(t, f"{layer}.mlp", width, int(width * v.ratio("mlp_ratio", 4)))
        norms(t, width, f"{layer}.norm1", f"{layer}.norm2")
    norms(t, width, f"{prefix}.merger.ln_q")
    mlp(t, f"{prefix}.merger.mlp", width * merge, width * merge, ("0", "2"), out=out)
    return width, depth


def qwen2_5_vl(t: Inventory, v: Fields, prefix: str, out: int) -> tuple[int, int]:
    """Returns width and layers."""
    width, size = v.count("hidden_size", default=3584), v.count("intermediate_size", default=3420)
    merge, depth = v.count("spatial_merge_size", default=2) ** 2, v.layers("depth", default=32)
    patch = v.count("patch_size", "spatial_patch_size", default=14)
    t.plain(
        f"{prefix}.patch_embed.proj",
        width,
        v.count("in_channels", "in_chans", default=3),
        v.count("temporal_patch_size", default=2),
        patch,
        patch,
    )
    for i in range(depth):
        layer = f"{prefix}.blocks.{i}"
        fused_attention(t, f"{layer}.attn", width)
        for name, a, b in (("gate_proj", width, size), ("up_proj", width, size), ("down_proj", size, width)):
            t.linear(f"{layer}.mlp.{name}", a, b, bias=True)
        norms(t, width, f"{layer}.norm1", f"{layer}.norm2", bias=False)
    norms(t, width, f"{prefix}.merger.ln_q", bias=False)
    mlp(
        t, f"{prefix}.merger.mlp", width * merge, width * merge, ("0", "2"), out=v.count("out_hidden_size", default=out)
    )
    return width, depth


def qwen3_vl(t: Inventory, v: Fields, prefix: str, out: int) -> tuple[int, int]:
    """Returns width and layers; Qwen3.5 has the same tower without the deep mergers."""
    width, size = v.count("hidden_size", default=1152), v.count("intermediate_size", default=4304)
    merged, depth = width * v.count("spatial_merge_size", default=2) ** 2, v.layers("depth", default=27)
    patch = v.count("patch_size", default=16)
    out = v.count("out_hidden_size", default=out)
    t.plain(
        f"{prefix}.patch_embed.proj",
        width,
        v.count("in_channels", "in_chans", default=3),
        v.count("temporal_patch_size", default=2),
        patch,
        patch,
        bias=True,
    )
    t.plain(f"{prefix}.pos_embed", v.count("num_position_embeddings", default=2304), width)
    for i in range(depth):
        layer = f"{prefix}.blocks.{i}"
        fused_attention(t, f"{layer}.attn", width)
        mlp(t, f"{layer}.mlp", width, size, ("linear_fc1", "linear_fc2"))
        norms(t, width, f"{layer}.norm1", f"{layer}.norm2")
    norms(t, width, f"{prefix}.merger.norm")
    mlp(t, f"{prefix}.merger", merged, merged, ("linear_fc1", "linear_fc2"), out=out)
    deep = v.counts("deepstack_visual_indexes") if "deepstack_visual_indexes" in v.values else (8, 16, 24)
    for i in range(len(deep)):
        merger = f"{prefix}.deepstack_merger_list.{i}"
        norms(t, merged, f"{merger}.norm")
        mlp(t, merger, merged, merged, ("linear_fc1", "linear_fc2"), out=out)
    return width, depth
