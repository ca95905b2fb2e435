"""A rendered command line holds nothing without effect and nothing the version or the GPU refuses."""

import pytest

from sizing.flags import UnknownVersionError, available_versions, check_arguments, flag_table, render_args
from sizing.flags.fitness import target_for
from sizing.flags.render import render, render_environment

EVERYTHING = {
    "model": "/models/m",
    "served_model_name": ("mistral-awq", "m"),
    "max_model_len": 32768,
    "gpu_memory_utilization": 0.9,
    "max_num_seqs": 32,
    "kv_cache_dtype": "fp8",
    "quantization": "awq",
    "tokenizer_mode": "mistral",
    "calculate_kv_scales": True,
    "disable_log_stats": True,
    "enable_chunked_prefill": True,
    "enable_prefix_caching": True,
    "block_size": 16,
    "kv_offloading_size": 4.0,
    "kv_offloading_backend": "native",
    "api_server_count": 1,
    "swap_space": 4,
}


@pytest.mark.parametrize("version", available_versions())
def test_a_full_plan_shrinks_to_what_has_an_effect(version: str) -> None:
    assert render_args(EVERYTHING, version, "8.6", "cuda") == (
        "/models/m", "--gpu-memory-utilization", "0.9", "--kv-cache-dtype", "fp8",
        "--kv-offloading-size", "4.0", "--max-model-len", "32768", "--max-num-seqs", "32",
        "--served-model-name", "mistral-awq", "m",
    )  # fmt: skip


@pytest.mark.parametrize("version", available_versions())
def test_the_release_takes_what_is_rendered_and_the_order_of_the_input_does_not_matter(version: str) -> None:
    values = EVERYTHING | {"enable_prefix_caching": False, "compilation_config": {"mode": 3, "cudagraph_mode": "NONE"}}
    arguments = render_args(values, version, "9.0", "cuda")
    report = check_arguments(arguments, flag_table(version))
    assert report.parses
    assert report.values["enable_prefix_caching"] is False
    assert report.values["compilation_config"] == {"cudagraph_mode": "NONE", "mode": 3}
    assert render_args(dict(reversed(values.items())), version, "9.0", "cuda") == arguments


def test_booleans_are_negated_in_the_spelling_of_the_version() -> None:
    off = {"enable_prefix_caching": False}
    assert render_args(off, "0.32.0", "8.6", "cuda") == ("--no-enable-prefix-caching",)
    assert render_args(off, "0.33.0", "8.6", "cuda") == ("--disable-prefix-caching",)


@pytest.mark.parametrize(
    ("name", "value", "capability", "reason"),
    [
        ("kv_cache_dtype", "fp8", "7.5", "no attention backend takes fp8 KV"),
        ("kv_cache_dtype", "nvfp4", "9.0", "needs compute capability 10.0"),
        ("dtype", "bfloat16", "7.5", "needs compute capability 8.0"),
        ("block_size", 8, "8.6", "only multiples of 16"),
        ("block_size", 16, None, "only multiples of 32"),
        ("kv_offloading_size", 4.0, None, "on CPU the start aborts"),
        ("kv_offloading_size", 0, "8.6", "is none"),
        ("kv_offloading_backend", "native", "8.6", "without an offload size"),
        ("quantization", "awq", "8.6", "config.json"),
        ("quantization", "awq_marlin", None, "do not exist on CPU"),
        ("tokenizer_mode", "mistral", "8.6", "wrong prompts"),
        ("api_server_count", 0, "8.6", "headless"),
        ("disable_log_stats", True, "8.6", "removes every"),
        ("calculate_kv_scales", True, "8.6", "removed in 0.28.0"),
        ("swap_space", 4, "8.6", "has no such option"),
        ("gpu_memory_utilization", 0.92, "8.6", "is the default"),
        ("max_num_seqs", 256, "8.6", "is the default"),
    ],
)
def test_what_cannot_work_is_left_out_with_its_reason(
    name: str, value: object, capability: str | None, reason: str
) -> None:
    target = target_for("0.32.0", capability, "cuda" if capability else "cpu")
    rendered = render({name: value}, "0.32.0", target, {"max_num_seqs": 256})
    assert rendered.arguments == ()
    (left_out,) = rendered.left_out
    assert left_out.name == name
    assert reason in left_out.reason


@pytest.mark.parametrize(("attention", "capability", "taken"), [
    ("standard", "8.0", True), ("sinks", "8.6", False), ("sinks", "8.9", True), ("mla", "8.6", False),
])  # fmt: skip
def test_fp8_kv_depends_on_the_kind_of_attention(attention: str, capability: str, taken: bool) -> None:
    arguments = render_args({"kv_cache_dtype": "fp8"}, "0.32.0", capability, "cuda", attention=attention)  # type: ignore[arg-type]
    assert bool(arguments) is taken


def test_a_tokenizer_mode_and_a_method_that_say_something_stay() -> None:
    values = {"tokenizer_mode": "mistral", "quantization": "bitsandbytes"}
    assert render_args(values, "0.32.0", "8.6", "cuda", mistral_tokenizer=True) == (
        "--quantization", "bitsandbytes", "--tokenizer-mode", "mistral",
    )  # fmt: skip


def test_a_value_of_the_wrong_type_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="max_model_len: '32 thousand' is not"):
        render_args({"max_model_len": "32 thousand"}, "0.32.0", "8.6", "cuda")
    with pytest.raises(ValueError, match="dtype: 'int4' is none of auto, bfloat16"):
        render_args({"dtype": "int4"}, "0.32.0", "8.6", "cuda")


def test_an_unknown_release_names_the_nearest() -> None:
    with pytest.raises(UnknownVersionError, match=r"'0\.31\.0'; the nearest is 0\.30\.0 .*0\.33\.0"):
        flag_table("0.31.0")
    assert flag_table("v0.32.0") is not None


def test_variables_without_effect_are_left_out() -> None:
    given = {
        "VLLM_NO_USAGE_STATS": "1",
        "OMP_NUM_THREADS": "2",
        "VLLM_MEDIA_LOADING_THREAD_COUNT": "2",
        "VLLM_USE_V1": "1",
        "HF_HUB_OFFLINE": "1",
    }
    text = target_for("0.32.0", "8.6", "cuda")
    assert render_environment(given, "0.32.0", text) == {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"}
    media = target_for("0.32.0", "8.6", "cuda", multimodal=True)
    assert "VLLM_MEDIA_LOADING_THREAD_COUNT" in render_environment(given, "0.32.0", media)
