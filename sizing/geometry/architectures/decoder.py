"""A decoder being described: its dimensions, its tensors and what each layer keeps of a token."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sizing.geometry.fields import Fields
from sizing.geometry.inventory import Inventory
from sizing.geometry.model import Experts, KvGroup, RecurrentState, Vision


@dataclass(frozen=True, slots=True)
class Dims:
    """The numbers nearly every decoder has."""

    hidden: int
    layers: int
    vocab: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int

    @property
    def q(self) -> int:
        return self.heads * self.head_dim

    @property
    def kv(self) -> int:
        return self.kv_heads * self.head_dim


def read_dims(
    f: Fields, *, kv_default: int | None = None, intermediate: int | None = None, head_dim: int | None = None
) -> Dims:
    """Reads the dimensions under every name in use; `kv_default` is the KV heads when none are given."""
    hidden = f.count("hidden_size", "n_embd", "d_model", "model_dim", most=2**20)
    heads = f.count("num_attention_heads", "n_head", "n_heads", "num_heads", most=2**16)
    kv_heads = f.count(
        "num_key_value_heads",
        "num_kv_heads",
        "n_head_kv",
        "multi_query_group_num",
        "num_key_value_groups",
        default=kv_default or heads,
        most=2**16,
    )
    if heads % kv_heads:
        raise f.refuse("num_key_value_heads", kv_heads, f"a divisor of num_attention_heads ({heads})")
    if head_dim is None:
        # Some configs write 0 for "not set".
        head_dim = f.count("head_dim", "kv_channels", default=0, least=0, most=2**14)
        if not head_dim and hidden % heads:
            raise f.refuse("hidden_size", hidden, f"a multiple of num_attention_heads ({heads}), or head_dim given")
        head_dim = head_dim or hidden // heads
    return Dims(
        hidden=hidden,
        layers=f.layers("num_hidden_layers", "n_layer", "n_layers", "num_layers"),
        vocab=f.count("vocab_size", "padded_vocab_size", most=2**26),
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        intermediate=intermediate or f.count("intermediate_size", "ffn_hidden_size", "n_inner", most=2**24),
    )


@dataclass(slots=True)
class Decoder:
    """What a builder hands back: everything of the geometry except what the quantisation decides."""

    dims: Dims
    tensors: Inventory = field(default_factory=Inventory)
    extra: Inventory = field(default_factory=Inventory)  # stored, but not loaded for serving (next-token layers)
    kv: list[KvGroup] = field(default_factory=list)  # one entry a layer that keeps keys and values
    tied: bool = False
    experts: Experts | None = None
    recurrent: RecurrentState | None = None
    vision: Vision | None = None
    sinks: bool = False
    sparse_index: bool = False
    qk_nope: int = 0
    bidirectional_images: bool = False
    text: Fields | None = None  # the nested config of the language model, where there is one

    def keep(
        self,
        *,
        window: int | None = None,
        kv_heads: int | None = None,
        head_dim: int | None = None,
        value_head_dim: int | None = None,
    ) -> None:
        """The next layer keeps keys and values: all of them, or the last `window` tokens'."""
        head_dim = head_dim or self.dims.head_dim
        self.kv.append(
            KvGroup(
                kind="sliding" if window else "full",
                layers=1,
                kv_heads=kv_heads or self.dims.kv_heads,
                head_dim=head_dim,
                value_head_dim=value_head_dim or head_dim,
                window_tokens=window or None,
            )
        )

    def keep_latent(self, rank: int, rope: int) -> None:
        """The next layer keeps one compressed vector a token (multi-head latent attention)."""
        self.kv.append(
            KvGroup(
                kind="latent",
                layers=1,
                kv_heads=1,
                head_dim=rank + rope,
                value_head_dim=0,
                latent_rank=rank,
                rope_dim=rope,
            )
        )

    def norm(self, *names: str, size: int | None = None, bias: bool = False) -> None:
        for name in names:
            self.tensors.plain(name, size or self.dims.hidden, bias=bias)

    def embedding_and_head(
        self, *, embedding: str = "model.embed_tokens", head: str = "lm_head", head_bias: bool = False
    ) -> None:
        """The token table and, unless tied, the output matrix."""
        self.tensors.embedding(embedding, self.dims.vocab, self.dims.hidden)
        if not self.tied:
            self.tensors.linear(head, self.dims.hidden, self.dims.vocab, bias=head_bias)
        elif head_bias:
            self.tensors.plain(f"{head}.bias", self.dims.vocab)


def fold(layers: Iterable[KvGroup]) -> tuple[tuple[KvGroup, ...], tuple[int, ...]]:
    """Layers of one kind become one group, in order of first appearance; and each layer's group index."""
    seen: dict[KvGroup, int] = {}
    pattern = tuple(seen.setdefault(layer, len(seen)) for layer in layers)
    return tuple(g.model_copy(update={"layers": pattern.count(i)}) for g, i in seen.items()), pattern


def layer_windows(
    f: Fields, layers: int, *, window: int | None, pattern: int | None = None, default: str = "full_attention"
) -> list[int | None]:
    """Each layer's window: from `layer_types`, else every `pattern`-th layer is full, else `default` for all."""
    types = f.texts("layer_types")
    if types:
        if len(types) < layers:
            raise f.refuse("layer_types", f"{len(types)} entries", f"one entry for each of {layers} layers")
        return [window if t == "sliding_attention" else None for t in types[:layers]]
    if pattern:
        return [None if (i + 1) % pattern == 0 else window for i in range(layers)]
    return [window if default == "sliding_attention" else None] * layers
