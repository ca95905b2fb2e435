"""Architectures by the sizes their makers publish, and what each layer keeps of a token."""

from typing import Any

import pytest

from sizing.geometry import UnsupportedModel, read_config
from tests.unit.sizing.geometry.configs import DEEPSEEK_V3, MISTRAL

GEMMA3_4B: dict[str, Any] = {
    "architectures": ["Gemma3ForConditionalGeneration"],
    "model_type": "gemma3",
    "torch_dtype": "bfloat16",
    "text_config": {
        "hidden_size": 2560,
        "intermediate_size": 10240,
        "model_type": "gemma3_text",
        "num_hidden_layers": 34,
        "rope_scaling": {"factor": 8.0, "rope_type": "linear"},
        "sliding_window": 1024,
    },
    "vision_config": {
        "hidden_size": 1152,
        "image_size": 896,
        "intermediate_size": 4304,
        "num_attention_heads": 16,
        "num_hidden_layers": 27,
        "patch_size": 14,
        "vision_use_head": False,
    },
}


def test_gemma_3_takes_its_class_defaults_where_the_nested_config_is_silent() -> None:
    geometry = read_config(GEMMA3_4B)

    assert geometry.parameters == 4_300_079_472  # what the hub counts for google/gemma-3-4b-it
    assert (geometry.attention_heads, geometry.kv_heads, geometry.head_dim) == (8, 4, 256)
    assert [(g.kind, g.layers, g.window_tokens) for g in geometry.kv_groups] == [
        ("sliding", 29, 1024),
        ("full", 5, None),
    ]
    assert geometry.context_tokens == 131072
    assert geometry.vision is not None
    assert geometry.vision.layers == 27


@pytest.mark.parametrize(
    ("config", "parameters"),
    [
        (
            {
                "architectures": ["FalconForCausalLM"],
                "model_type": "falcon",
                "hidden_size": 4544,
                "num_hidden_layers": 32,
                "num_attention_heads": 71,
                "multi_query": True,
                "parallel_attn": True,
                "bias": False,
                "vocab_size": 65024,
            },
            7_217_189_760,
        ),
        (
            {
                "architectures": ["MixtralForCausalLM"],
                "model_type": "mixtral",
                "hidden_size": 4096,
                "intermediate_size": 14336,
                "num_hidden_layers": 32,
                "num_attention_heads": 32,
                "num_key_value_heads": 8,
                "vocab_size": 32000,
                "num_local_experts": 8,
                "num_experts_per_tok": 2,
                "tie_word_embeddings": False,
            },
            46_702_792_704,
        ),
        (
            {
                "architectures": ["GPT2LMHeadModel"],
                "model_type": "gpt2",
                "n_embd": 768,
                "n_head": 12,
                "n_layer": 12,
                "n_positions": 1024,
                "vocab_size": 50257,
            },
            124_439_808,
        ),
        (
            {
                "architectures": ["Starcoder2ForCausalLM"],
                "model_type": "starcoder2",
                "hidden_size": 3072,
                "intermediate_size": 12288,
                "num_hidden_layers": 30,
                "num_attention_heads": 24,
                "num_key_value_heads": 2,
                "vocab_size": 49152,
                "max_position_embeddings": 16384,
                "sliding_window": 4096,
            },
            3_030_371_328,
        ),
        (
            {
                "architectures": ["Qwen3NextForCausalLM"],
                "model_type": "qwen3_next",
                "hidden_size": 2048,
                "intermediate_size": 5120,
                "num_hidden_layers": 48,
                "num_attention_heads": 16,
                "num_key_value_heads": 2,
                "head_dim": 256,
                "linear_num_key_heads": 16,
                "linear_num_value_heads": 32,
                "linear_key_head_dim": 128,
                "linear_value_head_dim": 128,
                "num_experts": 512,
                "num_experts_per_tok": 10,
                "moe_intermediate_size": 512,
                "shared_expert_intermediate_size": 512,
                "vocab_size": 151936,
            },
            81_324_862_720,  # the hub's count of Qwen3-Next-80B-A3B, next-token layer included
        ),
        ({**DEEPSEEK_V3}, 684_489_845_504),
    ],
    ids=lambda value: value["architectures"][0] if isinstance(value, dict) else "",
)
def test_published_parameter_counts(config: dict[str, Any], parameters: int) -> None:
    assert read_config(config).parameters == parameters


def test_latent_attention_keeps_one_vector_a_token() -> None:
    (group,) = read_config(DEEPSEEK_V3).kv_groups

    assert (group.kind, group.layers, group.kv_heads) == ("latent", 61, 1)
    assert (group.latent_rank, group.rope_dim, group.elements_per_token) == (512, 64, 576)


def test_next_token_layers_are_stored_but_not_served() -> None:
    with_draft, without = read_config(DEEPSEEK_V3), read_config({**DEEPSEEK_V3, "num_nextn_predict_layers": 0})

    assert with_draft.weight_bytes > without.weight_bytes
    assert with_draft.loaded_weight_bytes == without.loaded_weight_bytes


def test_a_window_holds_for_all_layers_or_none() -> None:
    assert {g.kind for g in read_config({**MISTRAL, "sliding_window": 4096}).kv_groups} == {"sliding"}
    assert {g.kind for g in read_config({**MISTRAL, "sliding_window": None}).kv_groups} == {"full"}


def test_qwen_windows_count_only_when_turned_on() -> None:
    qwen = {**MISTRAL, "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "sliding_window": 4096}

    assert {g.kind for g in read_config({**qwen, "use_sliding_window": False}).kv_groups} == {"full"}
    later = read_config({**qwen, "use_sliding_window": True, "max_window_layers": 28}).kv_groups
    assert [(g.kind, g.layers) for g in later] == [("full", 28), ("sliding", 4)]


def test_old_llamas_store_the_rotary_table() -> None:
    llama = {**MISTRAL, "architectures": ["LlamaForCausalLM"], "model_type": "llama"}
    old, new = (read_config({**llama, "transformers_version": v}) for v in ("4.31.0", "4.32.0"))

    assert old.weight_bytes - new.weight_bytes == 32 * 64 * 4
    assert old.parameters == new.parameters
    assert old.loaded_weight_bytes == new.loaded_weight_bytes


def test_an_unstated_dtype_is_named_as_open() -> None:
    silent = {k: v for k, v in MISTRAL.items() if k != "torch_dtype"}

    assert read_config(MISTRAL).caveats == ()
    assert any("dtype" in caveat for caveat in read_config(silent).caveats)


def test_an_unknown_architecture_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedModel, match="MadeUpForCausalLM"):
        read_config({**MISTRAL, "architectures": ["MadeUpForCausalLM"]})


def test_an_audio_tower_is_refused_not_guessed() -> None:
    gemma4 = {"architectures": ["Gemma4ForConditionalGeneration"], "text_config": {}, "audio_config": {"layers": 1}}

    with pytest.raises(UnsupportedModel, match="audio_config"):
        read_config(gemma4)
