"""What the engine hands over is judged together with the file it came from."""

from pathlib import Path

import pytest

from hosts.load import read_stack_file, validate_config
from hosts.problems import ConfigError

HAPPY = Path(__file__).parent / "stacks" / "one-host.happy.yaml"


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    path = tmp_path / "Pulumi.some.yaml"
    path.write_text(HAPPY.read_text())
    return path


def handed_over(path: Path) -> dict[str, object]:
    data = read_stack_file(path).data
    return {key: data[key] for key in ("hosts", "model", "goal", "server")}


def test_a_key_nobody_asks_for_is_refused(stack: Path) -> None:
    data = handed_over(stack)
    stack.write_text(stack.read_text() + "  gpuhost:modle: {name: typo}\n")
    with pytest.raises(ConfigError, match=r"modle: is not a key of this section; did you mean 'model'"):
        validate_config(data, stack)


def test_secrets_of_ours_and_keys_of_others_pass(stack: Path) -> None:
    data = handed_over(stack)
    stack.write_text(stack.read_text() + "  gpuhost:apiKey: {secure: v1:x}\n  docker:host: unix:///run/d.sock\n")
    assert validate_config(data, stack).goal.context_tokens == 8192


def test_the_line_is_the_files(stack: Path) -> None:
    stack.write_text(stack.read_text().replace("context_tokens: 8192", "context_tokens: 1"))
    with pytest.raises(ConfigError, match=rf"{stack}:15: goal\.context_tokens"):
        validate_config(handed_over(stack), stack)


def test_a_value_from_elsewhere_quotes_no_line(stack: Path) -> None:
    data = handed_over(stack) | {"goal": {"context_tokens": 1}}
    with pytest.raises(ConfigError, match=rf"{stack}: goal\.context_tokens"):
        validate_config(data, stack)
