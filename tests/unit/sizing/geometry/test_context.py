"""The context a model takes, by the rules vLLM has for it."""

from typing import Any

import pytest

from sizing.geometry import UnsupportedModel, read_config
from tests.unit.sizing.geometry.configs import MISTRAL


@pytest.mark.parametrize(
    ("fields", "longest", "default"),
    [
        ({}, 32768, 32768),
        ({"rope_scaling": {"type": "linear", "factor": 4.0}}, 131072, 131072),
        ({"rope_scaling": {"rope_type": "dynamic", "factor": 2.0}}, 65536, 65536),
        ({"rope_scaling": {"rope_type": "yarn", "factor": 4.0}}, 32768, 32768),
        ({"rope_scaling": {"rope_type": "llama3", "factor": 8.0}}, 32768, 32768),
        ({"rope_parameters": {"rope_type": "linear", "factor": 2.0}}, 65536, 65536),
        (
            {"rope_scaling": {"type": "longrope", "factor": 4.0}, "original_max_position_embeddings": 4096},
            32768,
            4096,
        ),
        ({"model_max_length": 8192}, 8192, 8192),
        ({"seq_length": 2048}, 2048, 2048),
        ({"max_position_embeddings": None}, 2048, 2048),
    ],
)
def test_context(fields: dict[str, Any], longest: int, default: int) -> None:
    geometry = read_config({**MISTRAL, **fields})

    assert (geometry.context_tokens, geometry.default_context_tokens) == (longest, default)


def test_gemma_3_is_published_already_scaled() -> None:
    gemma = {
        **MISTRAL,
        "architectures": ["Gemma3ForCausalLM"],
        "model_type": "gemma3_text",
        "rope_scaling": {"rope_type": "linear", "factor": 8.0},
    }

    assert read_config(gemma).context_tokens == 32768


@pytest.mark.parametrize("factor", [0, -1, 1e9, "two", True])
def test_a_wrong_factor_is_named(factor: object) -> None:
    with pytest.raises(UnsupportedModel, match="factor"):
        read_config({**MISTRAL, "rope_scaling": {"type": "linear", "factor": factor}})
