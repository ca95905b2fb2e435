"""Stack files found by name: `*.happy.yaml` load, `*.error.yaml` are refused with the sentences beside them."""

from pathlib import Path

import pytest

from hosts.load import load_stack
from hosts.problems import ConfigError

STACKS = Path(__file__).parent / "stacks"


def named(kind: str) -> list[Path]:
    return sorted(STACKS.glob(f"*.{kind}.yaml"))


@pytest.mark.parametrize("path", named("happy"), ids=lambda path: path.name)
def test_it_loads(path: Path) -> None:
    stack = load_stack(path)
    assert [host.spec().name for host in stack.hosts] == [host.name for host in stack.hosts]


@pytest.mark.parametrize("path", named("error"), ids=lambda path: path.name)
def test_it_is_refused_in_one_go(path: Path) -> None:
    wished = path.with_suffix(".txt").read_text(encoding="utf-8").rstrip("\n")
    with pytest.raises(ConfigError) as caught:
        load_stack(path)
    assert str(caught.value).replace(str(path), "STACK") == wished


def test_a_shape_is_overridden_field_by_field() -> None:
    entry = load_stack(STACKS / "one-host.happy.yaml").hosts[0]
    smaller = entry.model_copy(update={"cpus": 4})
    assert smaller.spec().cpus == 4
    assert smaller.spec().gpu == entry.spec().gpu


def test_an_unquoted_capability_is_read_as_written() -> None:
    gpu = load_stack(STACKS / "two-hosts.happy.yaml").hosts[1].spec().gpu
    assert gpu is not None
    assert gpu.compute_capability == "8.9"


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_stack(tmp_path / "Pulumi.none.yaml")
