"""Tables of every release load, and know spellings that help does not show."""

import pytest

from sizing.flags import available_versions, flag_table, last_version_with, nearest_version


@pytest.mark.parametrize("version", available_versions())
def test_every_release_is_complete(version: str) -> None:
    table = flag_table(version)
    assert table.vllm_version == version
    assert len(table.by_dest) == len(table.options) >= 240
    assert {"VLLM_API_KEY", "VLLM_NO_USAGE_STATS"} <= table.environment
    assert "fp8" in table.known_values["kv_cache_dtype"]
    assert "cudagraph_mode" in (table.by_dest["compilation_config"].config_keys or ())


def test_hidden_negative_spellings_exist_where_booleans_come_in_pairs() -> None:
    assert flag_table("0.32.0").hidden == {}
    hidden = flag_table("0.33.0").hidden
    assert hidden["--no-enable-prefix-caching"].dest == "enable_prefix_caching"
    assert hidden["--no-disable-sliding-window"].dest == "disable_sliding_window"
    assert "--no-sleep-mode" not in hidden


@pytest.mark.parametrize(
    ("version", "nearest"),
    [("0.32.0", "0.32.0"), ("v0.27.1", "0.26.0"), ("0.6.6.post1", "0.20.2"), ("1.0.0", "0.33.0"), ("main", "0.33.0")],
)
def test_the_nearest_release(version: str, nearest: str) -> None:
    assert nearest_version(version) == nearest


def test_the_last_release_with_an_option() -> None:
    assert last_version_with("--calculate-kv-scales") == "0.26.0"
    assert last_version_with("--max-model-len") == "0.33.0"
    assert last_version_with("--swap-space") is None
