"""The facts of a card that the profile run depends on."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

GIB = 1 << 30
LARGE_CARD_BYTES = 70 * GIB  # from here vLLM's server takes 1,024 sequences and 8,192 tokens a step
HUGE_CARD_BYTES = 160 * GIB


@dataclass(frozen=True, slots=True)
class Gpu:
    """One card. `name` decides one default only: an A100 keeps the small batch."""

    name: str
    total_bytes: int
    capability: tuple[int, int]
    multiprocessors: int
    unified: bool = False
    desktop: bool = False  # a window system or WSL shares it: its memory moves while vLLM measures

    @property
    def cublas_workspace_bytes(self) -> int:
        """PyTorch's cuBLAS workspace, allocated by the first matrix product (at::cuda getChosenWorkspaceSize)."""
        return (32 << 20) if self.capability[0] == 9 else (8 << 20) + (128 << 10)

    def batch_defaults(self, release: tuple[int, int], offline: bool) -> tuple[int, int]:
        """(tokens, sequences) a step that vLLM takes where neither is set (`EngineArgs.get_batch_defaults`)."""
        spared = "a100" in self.name.lower() and release >= (0, 9)
        if self.total_bytes >= LARGE_CARD_BYTES and not spared:
            tokens = 16384 if offline or (release >= (0, 32) and self.total_bytes >= HUGE_CARD_BYTES) else 8192
            return tokens, 1024
        return (8192 if offline else 2048), 256


@dataclass(frozen=True, slots=True)
class CardFacts:
    multiprocessors: int
    capability: tuple[int, int]
    total_gib: float | None
    unified: bool


@cache
def _cards() -> tuple[tuple[re.Pattern[str], CardFacts], ...]:
    stored = json.loads((Path(__file__).parent / "data" / "gpus.json").read_text(encoding="utf-8"))
    return tuple(
        (
            re.compile(card["pattern"]),
            CardFacts(card["sms"], tuple(card["capability"]), card["total_gib"], card.get("unified", False)),
        )
        for card in stored["cards"]
    )


def card_facts(name: str) -> CardFacts | None:
    """Facts of the card a name means ('NVIDIA GeForce RTX 3090', 'A10G'); None for an unknown name."""
    lowered = re.sub(r"[-_]+", " ", name.lower())
    return next((facts for pattern, facts in _cards() if pattern.search(lowered)), None)


def gpu_named(name: str, total_bytes: int, capability: tuple[int, int] | None = None) -> Gpu:
    """A card by name and the total CUDA reports; an unknown one is taken as an 82-multiprocessor Ampere card.

    The count moves the Triton sampler's buffer by about 20 MiB between the smallest and the largest card.
    """
    facts = card_facts(name)
    lowered = name.lower()
    desktop = any(word in lowered for word in ("wsl", "windows", "laptop", "desktop"))
    large = total_bytes >= LARGE_CARD_BYTES
    fallback = CardFacts(132 if large else 82, (9, 0) if large else (8, 6), None, False)
    known = facts or fallback
    return Gpu(
        name or "unnamed GPU",
        total_bytes,
        capability or known.capability,
        known.multiprocessors,
        known.unified,
        desktop,
    )
