"""Published figures, found by the names drivers and people use."""

import json
from pathlib import Path

import pytest

from sizing.goal.cards import card_named, known_cards
from sizing.gpu_memory.gpu import card_facts
from sizing.serving import InfeasibleError

OTHER = Path(card_facts.__code__.co_filename).parent / "data" / "gpus.json"


@pytest.mark.parametrize(
    ("name", "tflops", "gb_s"),
    [
        ("NVIDIA A10G", 70, 600),
        ("A10G", 70, 600),
        ("NVIDIA A10", 125, 600),
        ("NVIDIA L4", 121, 300),
        ("NVIDIA L40S", 362.05, 864),
        ("NVIDIA A100-SXM4-40GB", 312, 1555),
        ("NVIDIA A100-SXM4-80GB", 312, 2039),
        ("NVIDIA A100 80GB PCIe", 312, 1935),
        ("NVIDIA H100 80GB HBM3", 989, 3350),
        ("NVIDIA H100 PCIe", 756, 2000),
        ("NVIDIA H100 NVL", 835, 3900),
        ("NVIDIA H200", 989, 4800),
        ("NVIDIA B200", 2250, 7700),
        ("NVIDIA GeForce RTX 3090", 71, 936),
        ("NVIDIA GeForce RTX 4090", 165.2, 1008),
        ("NVIDIA GeForce RTX 5090", 209.5, 1792),
        ("NVIDIA RTX A5000", 111.1, 768),
        ("NVIDIA RTX A6000", 154.8, 768),
        ("NVIDIA RTX 6000 Ada Generation", 364.2, 960),
        ("Tesla T4", 65, 320),
        ("Tesla V100-SXM2-32GB", 125, 900),
        ("NVIDIA GeForce RTX 4080 SUPER", 104.4, 736),
    ],
)
def test_a_drivers_name_finds_its_card(name: str, tflops: float, gb_s: float) -> None:
    found = card_named(name)
    assert (found.tflops, found.gb_s) == (tflops, gb_s)


@pytest.mark.parametrize(
    ("name", "nearest"), [("RTX 4095", "RTX 409"), ("A10X", "A10"), ("H1000000", "H100"), ("quantum", ""), ("", "")]
)
def test_an_unknown_card_is_refused_with_the_nearest(name: str, nearest: str) -> None:
    if name == "H1000000":
        assert card_named(name).name == "H100 SXM"
        return
    with pytest.raises(InfeasibleError, match=f"gpu.name: '{name}' .* nearest is '{nearest}"):
        card_named(name)


def test_every_card_has_figures_and_a_source() -> None:
    for card in known_cards():
        assert 20 < card.tflops < 3000
        assert 200 < card.gb_s < 9000
        assert len(card.source) > 20
        assert card_named(card.name) == card


def test_every_card_the_memory_predictor_knows_has_a_roofline() -> None:
    """Names made from its patterns; a pattern for an unnamed family is no card."""
    for row in json.loads(OTHER.read_text())["cards"]:
        pattern = row["pattern"].split("|")[0]
        name = pattern.replace(r"\b", "").replace(".*", " ").replace(" ?", " ").replace("?", "")
        if name != "turing":
            assert card_named(name).tflops > 0
