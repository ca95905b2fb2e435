"""Recorded starts and a model the tests share."""

import json
from pathlib import Path
from typing import Any

import pytest

from sizing.gpu_memory.row_shapes import shapes_from_figures
from sizing.gpu_memory.shapes import ModelShapes

MISTRAL = {
    "num_hidden_layers": 32,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "vocab_size": 32768,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "tie_word_embeddings": False,
}


@pytest.fixture(scope="session")
def rows() -> list[dict[str, Any]]:
    file = Path(__file__).parent / "data" / "vllm_memory_logs.json"
    found: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["cases"]
    return found


@pytest.fixture(scope="session")
def mistral_awq() -> ModelShapes:
    return shapes_from_figures("mistralai/Mistral-7B-Instruct-v0.3", MISTRAL, "awq")


@pytest.fixture(scope="session")
def mistral() -> ModelShapes:
    return shapes_from_figures("mistralai/Mistral-7B-Instruct-v0.3", MISTRAL, None)


@pytest.fixture(scope="session")
def mistral_config() -> dict[str, object]:
    return {
        "architectures": ["MistralForCausalLM"],
        "model_type": "mistral",
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "vocab_size": 32768,
        "max_position_embeddings": 32768,
        "torch_dtype": "float16",
        "tie_word_embeddings": False,
        "sliding_window": None,
        "quantization_config": {
            "quant_method": "awq",
            "bits": 4,
            "group_size": 128,
            "zero_point": True,
            "version": "gemm",
        },
    }
