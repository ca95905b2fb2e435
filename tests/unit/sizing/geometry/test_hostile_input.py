"""Whatever lies in place of a config.json is answered by one sentence."""

import json
from pathlib import Path
from typing import Any

import pytest

from sizing.geometry import UnsupportedModel, from_path, read_config
from sizing.geometry.replay import replay_config
from tests.unit.sizing.geometry.configs import MISTRAL


def refusal_of(config: Any) -> str:
    with pytest.raises(UnsupportedModel) as refusal:
        read_config(config)
    return str(refusal.value)


@pytest.mark.parametrize(
    ("fields", "parts"),
    [
        ({"hidden_size": "wide"}, ("hidden_size", "'wide'", "whole number")),
        ({"hidden_size": -1}, ("hidden_size", "-1", "from 1 to")),
        ({"hidden_size": 0}, ("hidden_size", "0")),
        ({"hidden_size": 1.5}, ("hidden_size", "1.5")),
        ({"hidden_size": True}, ("hidden_size", "True")),
        ({"hidden_size": 10**30}, ("hidden_size", "from 1 to")),
        ({"hidden_size": float("nan")}, ("hidden_size", "nan")),
        ({"hidden_size": float("inf")}, ("hidden_size", "inf")),
        ({"hidden_size": None}, ("hidden_size", "missing")),
        ({"hidden_size": 4097}, ("hidden_size", "4097", "multiple of num_attention_heads")),
        ({"num_hidden_layers": 10**9}, ("num_hidden_layers", "4096")),
        ({"num_key_value_heads": 5}, ("num_key_value_heads", "5", "divisor")),
        ({"vocab_size": [1, 2]}, ("vocab_size", "[1, 2]")),
        ({"vocab_size": None}, ("vocab_size", "missing")),
        ({"tie_word_embeddings": "no"}, ("tie_word_embeddings", "'no'", "true or false")),
        ({"torch_dtype": "float7"}, ("torch_dtype", "float7", "bfloat16")),
        ({"architectures": None}, ("architectures", "missing")),
        ({"architectures": "MistralForCausalLM"}, ("architectures", "list")),
        ({"architectures": [7]}, ("architectures", "list of strings")),
        ({"quantization_config": "awq"}, ("quantization_config", "object")),
        ({"rope_scaling": "linear"}, ("rope_scaling", "object")),
        ({"layer_types": ["full_attention"]}, ("layer_types", "1 entries", "32 layers")),
        ({"hidden_size": 2**20, "num_hidden_layers": 4096, "intermediate_size": 2**24}, ("parameters", "more than")),
    ],
)
def test_a_wrong_field_is_named_with_its_value_and_what_is_right(
    fields: dict[str, Any], parts: tuple[str, ...]
) -> None:
    sentence = refusal_of({**MISTRAL, **fields})

    assert "\n" not in sentence
    assert len(sentence) < 400
    for part in parts:
        assert part in sentence


@pytest.mark.parametrize("value", [[], "text", 7, None])
def test_something_else_than_an_object(value: object) -> None:
    assert "object" in refusal_of(value)


def test_a_huge_value_is_not_repeated_in_full() -> None:
    assert len(refusal_of({**MISTRAL, "hidden_size": "x" * 10**6})) < 300


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (json.dumps(MISTRAL)[:200], "not complete JSON"),
        ("", "not complete JSON"),
        ("[1, 2]", "should hold an object"),
        ("[" * 100_000, "nests deeper"),
        ('{"hidden_size": ' + "9" * 10_000 + "}", "no number"),
    ],
    ids=["truncated", "empty", "list", "nested", "digits"],
)
def test_a_broken_file(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "config.json").write_text(text)

    with pytest.raises(UnsupportedModel, match=says):
        from_path(tmp_path)


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(b"\xff\xfe\x00weights")

    with pytest.raises(UnsupportedModel, match="UTF-8"):
        from_path(tmp_path)


def test_a_file_of_the_size_of_weights(tmp_path: Path) -> None:
    with (tmp_path / "config.json").open("wb") as file:
        file.truncate(2**30)

    with pytest.raises(UnsupportedModel, match="bytes"):
        from_path(tmp_path)


def test_a_directory_without_a_config(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModel, match="cannot be read"):
        from_path(tmp_path)


def test_a_directory_and_its_file_read_the_same(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(MISTRAL))

    assert from_path(tmp_path) == from_path(tmp_path / "config.json") == read_config(MISTRAL)


def test_replay_answers_a_refusal_with_its_reason() -> None:
    answer = replay_config({"id": "x", "config": {"architectures": ["NoSuchModel"]}})

    assert answer["id"] == "x"
    assert "NoSuchModel" in str(answer["refused"])
    assert (answer["weight_bytes"], answer["parameters"]) == (None, None)


def test_replay_of_a_row_without_a_config_is_a_refusal() -> None:
    assert replay_config({"id": "y"})["refused"]
