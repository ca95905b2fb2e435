"""SigLIP and CLIP, as Gemma 3, PaliGemma and LLaVA store them."""

from __future__ import annotations

from sizing.geometry.fields import Fields
from sizing.geometry.inventory import Inventory
from sizing.geometry.towers.blocks import mlp, norms, separate_attention


def siglip(t: Inventory, v: Fields, prefix: str) -> int:
    """Returns the width. The pooling head is stored unless `vision_use_head` is false."""
    hidden, size = v.count("hidden_size", default=768), v.count("intermediate_size", default=3072)
    patch, image = v.count("patch_size", default=16), v.count("image_size", default=224)
    t.plain(f"{prefix}.embeddings.patch_embedding", hidden, v.count("num_channels", default=3), patch, patch, bias=True)
    t.plain(f"{prefix}.embeddings.position_embedding", (image // patch) ** 2, hidden)
    for i in range(v.layers("num_hidden_layers", default=12)):
        layer = f"{prefix}.encoder.layers.{i}"
        separate_attention(t, f"{layer}.self_attn", hidden)
        mlp(t, f"{layer}.mlp", hidden, size)
        norms(t, hidden, f"{layer}.layer_norm1", f"{layer}.layer_norm2")
    norms(t, hidden, f"{prefix}.post_layernorm")
    if v.flag("vision_use_head", True):
        t.plain(f"{prefix}.head.probe", 1, 1, hidden)
        t.plain(f"{prefix}.head.attention.in_proj", 3 * hidden, hidden, bias=True)
        t.linear(f"{prefix}.head.attention.out_proj", hidden, hidden, bias=True)
        norms(t, hidden, f"{prefix}.head.layernorm")
        mlp(t, f"{prefix}.head.mlp", hidden, size)
    return hidden


def clip(t: Inventory, v: Fields, prefix: str) -> int:
    """Returns the width."""
    hidden, size = v.count("hidden_size", default=768), v.count("intermediate_size", default=3072)
    patch, image = v.count("patch_size", default=32), v.count("image_size", default=224)
    t.plain(f"{prefix}.embeddings.class_embedding", hidden)
    t.plain(f"{prefix}.embeddings.patch_embedding", hidden, 3, patch, patch)
    t.plain(f"{prefix}.embeddings.position_embedding", (image // patch) ** 2 + 1, hidden)
    norms(t, hidden, f"{prefix}.pre_layrnorm", f"{prefix}.post_layernorm")
    for i in range(v.layers("num_hidden_layers", default=12)):
        layer = f"{prefix}.encoder.layers.{i}"
        separate_attention(t, f"{layer}.self_attn", hidden)
        mlp(t, f"{layer}.mlp", hidden, size)
        norms(t, hidden, f"{layer}.layer_norm1", f"{layer}.layer_norm2")
    return hidden
