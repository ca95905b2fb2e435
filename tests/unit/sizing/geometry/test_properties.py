"""What holds for any config: no crash, no negative size, more of anything is never smaller."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sizing.geometry import UnsupportedModel, read_config
from tests.unit.sizing.geometry.configs import MISTRAL

CONFIGS = [
    case["config"] for case in json.loads((Path(__file__).parent / "data" / "model_configs.json").read_text())["cases"]
]
DENSE = ["LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM", "Phi3ForCausalLM",
         "GemmaForCausalLM", "Olmo2ForCausalLM", "GraniteForCausalLM", "InternLM2ForCausalLM"]  # fmt: skip
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=20),
    st.lists(st.integers(-5, 5), max_size=4),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
)


@st.composite
def dense(draw: st.DrawFn) -> dict[str, Any]:
    kv_heads = draw(st.sampled_from([1, 2, 4, 8]))
    heads = kv_heads * draw(st.integers(1, 8))
    return {
        **MISTRAL,
        "architectures": [draw(st.sampled_from(DENSE))],
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "hidden_size": heads * draw(st.sampled_from([32, 64, 96, 128])),
        "intermediate_size": 128 * draw(st.integers(1, 256)),
        "num_hidden_layers": draw(st.integers(1, 64)),
        "vocab_size": draw(st.integers(256, 300_000)),
        "tie_word_embeddings": draw(st.booleans()),
    }


@settings(max_examples=300, deadline=None)
@given(dense())
def test_sizes_are_positive_and_add_up(config: dict[str, Any]) -> None:
    geometry = read_config(config)

    assert geometry.parameters > 0
    assert geometry.weight_bytes == 2 * geometry.parameters
    assert sum(group.layers for group in geometry.kv_groups) == geometry.layers
    assert geometry.kv_bytes_per_token(2) > 0


@settings(max_examples=200, deadline=None)
@given(dense(), st.sampled_from(["num_hidden_layers", "vocab_size", "intermediate_size"]), st.integers(1, 50))
def test_more_of_anything_is_larger(config: dict[str, Any], field: str, more: int) -> None:
    larger = {**config, field: config[field] + more}

    assert read_config(larger).weight_bytes > read_config(config).weight_bytes


@settings(max_examples=200, deadline=None)
@given(dense(), st.sampled_from([32, 64, 128]))
def test_packing_is_never_larger_than_eight_bits_than_four(config: dict[str, Any], group: int) -> None:
    sizes = [
        read_config({**config, "quantization_config": {"quant_method": "gptq", "bits": bits, "group_size": group}})
        for bits in (2, 4, 8)
    ]

    assert sizes[0].weight_bytes < sizes[1].weight_bytes < sizes[2].weight_bytes
    assert len({geometry.parameters for geometry in sizes}) == 1


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(CONFIGS), st.data())
def test_a_fuzzed_config_is_read_or_refused_in_one_sentence(config: dict[str, Any], data: st.DataObject) -> None:
    fuzzed = dict(config)
    for field in data.draw(st.lists(st.sampled_from(sorted(config)), min_size=1, max_size=3)):
        fuzzed[field] = data.draw(SCALARS, label=field)

    answer_or_sentence(fuzzed)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([c for c in CONFIGS if "text_config" in c or "quantization_config" in c]), st.data())
def test_a_fuzzed_nested_object_is_read_or_refused(config: dict[str, Any], data: st.DataObject) -> None:
    nested = data.draw(st.sampled_from([k for k, v in config.items() if isinstance(v, dict)]))
    inner = dict(config[nested])
    field = data.draw(st.sampled_from(sorted(inner) or ["bits"]))
    inner[field] = data.draw(SCALARS, label=field)

    answer_or_sentence({**config, nested: inner})


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(CONFIGS), st.data())
def test_a_missing_field_is_read_or_refused(config: dict[str, Any], data: st.DataObject) -> None:
    gone = data.draw(st.sampled_from(sorted(config)))

    answer_or_sentence({k: v for k, v in config.items() if k != gone})


def answer_or_sentence(config: dict[str, Any]) -> None:
    try:
        geometry = read_config(config)
    except UnsupportedModel as refusal:
        sentence = str(refusal)
    else:
        assert geometry.parameters > 0
        assert geometry.weight_bytes > 0
        return
    assert 0 < len(sentence) < 500
    assert "\n" not in sentence


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: c["architectures"][0])
def test_reading_twice_gives_the_same(config: dict[str, Any]) -> None:
    assert read_config(config) == read_config(json.loads(json.dumps(config)))
