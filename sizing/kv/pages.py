"""Pages, groups and the shared pool: vLLM 0.32/0.33's KV cache arithmetic, in bytes, tokens and blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from sizing.geometry import KvGroup

SPEC_NAMES: Final = {
    "full": "FullAttentionSpec",
    "sliding": "SlidingWindowSpec",
    "latent": "MLAAttentionSpec",
    "chunked": "ChunkedLocalAttentionSpec",
}
# A hybrid model whose larger kind of layer is below this multiple of the smaller is padded, not split.
PADDING_RATIO: Final = 1.5


def ceil_div(value: int, unit: int) -> int:
    return -(-value // unit)


@dataclass(frozen=True, slots=True)
class Page:
    """What one layer keeps for one block of tokens."""

    group: KvGroup  # its `layers` is not looked at here
    block_tokens: int
    element_bytes: int
    padded_bytes: int | None = None

    @property
    def natural_bytes(self) -> int:
        return self.block_tokens * self.group.elements_per_token * self.element_bytes

    @property
    def size_bytes(self) -> int:
        return self.padded_bytes or self.natural_bytes

    def blocks(self, context_tokens: int, in_flight_tokens: int) -> int:
        """Blocks one request of this length can hold at a time.

        A window frees what lies before it only after a step has settled, so tokens in flight count; it may
        start inside a block, hence one more.
        """
        if self.group.kind == "sliding":
            window = self.group.window_tokens or 1
            held = min(window - 1 + in_flight_tokens, context_tokens)
            return ceil_div(held, self.block_tokens) + 1
        if self.group.kind == "chunked":
            held = min((self.group.window_tokens or 1) + in_flight_tokens, context_tokens)
            return ceil_div(held, self.block_tokens)
        return ceil_div(context_tokens, self.block_tokens)


@dataclass(frozen=True, slots=True)
class PoolGroup:
    """Layers that share one block table."""

    page: Page
    layers: int


@dataclass(frozen=True, slots=True)
class Pool:
    """All groups draw blocks from one pool; a block is as wide as the widest group needs."""

    groups: tuple[PoolGroup, ...]
    in_flight_tokens: int

    @property
    def block_bytes(self) -> int:
        return max(g.layers * g.page.size_bytes for g in self.groups)

    def blocks_by_group(self, context_tokens: int) -> tuple[int, ...]:
        return tuple(g.page.blocks(context_tokens, self.in_flight_tokens) for g in self.groups)

    def blocks(self, context_tokens: int) -> int:
        return sum(self.blocks_by_group(context_tokens))

    def request_bytes(self, context_tokens: int) -> int:
        """What one request of this length takes, without the reserved block."""
        return self.block_bytes * self.blocks(context_tokens)

    def least_bytes(self, context_tokens: int) -> int:
        """The smallest pool that starts: one full request and the block vLLM holds back."""
        return self.request_bytes(context_tokens) + self.block_bytes

    def longest_context(self, pool_bytes: int, most_tokens: int) -> int:
        """The longest request that fits beside the reserved block, at most `most_tokens`; 0 when none does."""
        usable = pool_bytes - self.block_bytes
        if self.request_bytes(1) > usable:
            return 0
        low, high = 1, most_tokens
        while low < high:
            middle = (low + high + 1) // 2
            if self.request_bytes(middle) <= usable:
                low = middle
            else:
                high = middle - 1
        return low


def unify(pages: dict[KvGroup, Page]) -> dict[KvGroup, Page]:
    """One page size for all kinds of layers: smaller ones take more tokens a block, or padding."""
    largest = max(page.size_bytes for page in pages.values())
    unified = {}
    for group, page in pages.items():
        if largest % page.size_bytes == 0:
            tokens = page.block_tokens * (largest // page.size_bytes)
            unified[group] = replace(page, block_tokens=tokens)
        else:
            unified[group] = replace(page, padded_bytes=largest)
    return unified


def pool_groups(layers: Sequence[tuple[KvGroup, Page]]) -> tuple[PoolGroup, ...]:
    """Layers in model order to groups of equal size, as vLLM splits a hybrid model.

    The group size is the smaller kind's layer count, unless the larger is less than half as many again.
    """
    counts: dict[KvGroup, int] = {}
    pages: dict[KvGroup, Page] = {}
    for group, page in layers:
        counts[group] = counts.get(group, 0) + 1
        pages[group] = page
    if len(counts) == 1:
        ((group, count),) = counts.items()
        return (PoolGroup(pages[group], count),)
    pages = unify(pages)
    smallest, largest = min(counts.values()), max(counts.values())
    size = largest if largest < smallest * PADDING_RATIO else smallest
    groups = []
    for group, count in counts.items():
        parts = ceil_div(count, size)
        groups += [PoolGroup(pages[group], ceil_div(count - i, parts)) for i in range(parts)]
    return tuple(groups)
