"""Published checkpoints: what the reader says against what their indexes say."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from sizing.geometry import read_config
from sizing.geometry.replay import replay_config

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "data" / "model_configs.json").read_text())["cases"]
SIZED = [case for case in CASES if case["total_size_bytes"]]
# No config can tell these: the index counts file headers, other shapes than the config's, another dtype.
NOT_IN_THE_CONFIG = {"mc-020": 0.0003, "mc-040": 0.1, "mc-108": 0.501}

# MLX stores this model's key/value up-projection as two matrices that together are as large.
SPLIT_IN_TWO = {"mc-073"}


def name(case: dict[str, Any]) -> str:
    return f"{case['id']}-{case['model']}"


@pytest.mark.parametrize("case", CASES, ids=name)
def test_every_published_architecture_is_known(case: dict[str, Any]) -> None:
    answer = replay_config(case)

    assert answer["id"] == case["id"]
    assert answer["refused"] is False
    assert isinstance(answer["parameters"], int)
    assert answer["parameters"] > 0
    assert isinstance(answer["weight_bytes"], int)
    assert answer["weight_bytes"] > 0


@pytest.mark.parametrize("case", SIZED, ids=name)
def test_the_bytes_are_those_of_the_index(case: dict[str, Any]) -> None:
    predicted = read_config(case["config"]).weight_bytes

    if case["id"] in NOT_IN_THE_CONFIG:
        off = abs(predicted / case["total_size_bytes"] - 1)
        assert 0 < off <= NOT_IN_THE_CONFIG[case["id"]]
    else:
        assert predicted == case["total_size_bytes"]


@pytest.mark.parametrize("case", [c for c in CASES if c["tensor_count"] and c["id"] not in SPLIT_IN_TWO], ids=name)
def test_the_tensors_are_as_many_as_in_the_weight_map(case: dict[str, Any]) -> None:
    assert read_config(case["config"]).tensor_count == case["tensor_count"]


@pytest.mark.parametrize("case", [c for c in CASES if re.search(r"\d+ parameters x", c["notes"])], ids=name)
def test_the_parameters_are_those_counted_by_hand(case: dict[str, Any]) -> None:
    counted = re.search(r"(\d+) parameters x", case["notes"])

    assert counted is not None
    assert read_config(case["config"]).parameters == int(counted[1])
