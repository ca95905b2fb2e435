"""Published peaks of GPUs, and the refusal of a card nobody published any for."""

import difflib
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sizing.serving import InfeasibleError

_DATA = Path(__file__).parent / "data" / "cards.json"


@dataclass(frozen=True)
class Card:
    """Dense FP16/BF16 tensor peak with FP32 accumulation, and memory bandwidth, of one GPU."""

    name: str
    tflops: float
    gb_s: float
    fp8: bool  # multiplies FP8 at twice that rate
    source: str


@cache
def _cards() -> tuple[tuple[re.Pattern[str], Card], ...]:
    stored = json.loads(_DATA.read_text(encoding="utf-8"))["cards"]
    return tuple(
        (re.compile(row["pattern"]), Card(row["name"], row["tflops"], row["gb_s"], row["fp8"], row["source"]))
        for row in stored
    )


def known_cards() -> tuple[Card, ...]:
    """Every card with published figures."""
    return tuple(card for _, card in _cards())


@cache
def card_named(name: str) -> Card:
    """The card that `name` means ('NVIDIA A10G', 'A100-SXM4-80GB'); InfeasibleError names the nearest."""
    lowered = re.sub(r"[-_]+", " ", name.lower())
    for pattern, card in _cards():
        if pattern.search(lowered):
            return card
    plain = {re.sub(r"^(rtx|nvidia|geforce|tesla) ", "", card.name.lower()): card.name for card in known_cards()}
    asked = re.sub(r"\b(nvidia|geforce|tesla|rtx)\b ?", "", lowered).strip()
    near = difflib.get_close_matches(asked, plain, n=1, cutoff=0.0)
    raise InfeasibleError(
        f"gpu.name: '{name}' is no GPU with published figures here; the nearest is '{plain[near[0]]}' "
        f"(known: {', '.join(card.name for card in known_cards())})"
    )
