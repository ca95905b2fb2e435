"""The house rules: who may import whom, what no file may say, and scripts that are clean."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]

ROOMS = ("hosts", "sizing", "components", "facts", "toolchain", "benchmarks")

# room -> the rooms it may import besides itself. Arrows only point one way.
ARROWS: dict[str, set[str]] = {
    "hosts": set(),
    "sizing": {"hosts"},
    "components": {"hosts", "sizing"},
    "facts": {"hosts"},
    "toolchain": set(),
    "tests/infra": {"facts"},
}

PULUMI = ("pulumi", "pulumi_docker", "pulumi_command")
REMOTE = ("paramiko", "docker", "requests", "socket", "subprocess", "testinfra")
CLOCKS_AND_CHANCE = ("time", "random", "secrets", "uuid")

# room -> what it must not know.
UNKNOWN: dict[str, tuple[str, ...]] = {
    "hosts": (*PULUMI, "vllm"),
    "sizing": (*PULUMI, *REMOTE, *CLOCKS_AND_CHANCE, "vllm"),
    "components": ("vllm", *REMOTE, *CLOCKS_AND_CHANCE),
    "facts": (*PULUMI, "vllm"),
    "tests/infra": PULUMI,
}

# Spelled in parts, so that this file does not hold what it forbids.
REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("proxy", "golang", "org"),
        ("sum", "golang", "org"),
        ("deb", "debian", "org"),
        ("archive", "ubuntu", "com"),
        ("registry", "npmjs", "org"),
        ("repo", "maven"),
        ("static", "crates", "io"),
    )
]
MACHINE_PATHS = re.compile(r"(?<![\w.$})-])/work/")
SAYS_NOTHING = {"utils", "util", "common", "misc", "helpers", "helper"}


def tree_files(*patterns: str) -> list[Path]:
    """Every file of the tree that git does not ignore, so far as it matches."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    files = (PROJECT / name for name in listed.stdout.split("\0") if name)
    return sorted(file for file in files if file.is_file())


def relative(file: Path) -> str:
    return file.relative_to(PROJECT).as_posix()


def python_sources() -> list[Path]:
    named = tree_files("*.py")
    unnamed = [
        file
        for file in tree_files("toolchain/plugins/*")
        if not file.suffix and file.read_bytes().startswith(b"#!") and b"python" in file.read_bytes()[:80]
    ]
    return named + unnamed


def room_of(file: Path) -> str | None:
    name = relative(file)
    return next((room for room in ARROWS if name.startswith(f"{room}/")), None)


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """Line and top-level name of each absolute import; relative ones stay within their room or leave none."""
    for node in ast.walk(ast.parse(file.read_text(), filename=str(file))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.lineno, node.module.split(".")[0]


def trespasses(room: str, imported: str) -> str | None:
    """Why a file of this room may not import this name, or None if it may."""
    if imported in ROOMS and imported not in ARROWS[room] and imported != room:
        allowed = " and ".join(sorted(ARROWS[room])) or "no other room"
        return f"{room} may import {allowed}, not {imported}"
    if imported in UNKNOWN.get(room, ()):
        return f"{room} must not know {imported}"
    return None


def test_arrows_point_one_way() -> None:
    found = [
        f"{relative(file)}:{line}: {reason}"
        for file in python_sources()
        if (room := room_of(file)) is not None
        for line, imported in imports(file)
        if (reason := trespasses(room, imported)) is not None
    ]
    assert found == []


@pytest.mark.parametrize(
    ("room", "imported"),
    [
        ("hosts", "sizing"),
        ("sizing", "components"),
        ("sizing", "time"),
        ("facts", "components"),
        ("facts", "pulumi"),
        ("toolchain", "hosts"),
        ("components", "toolchain"),
        ("tests/infra", "components"),
    ],
)
def test_a_wrong_arrow_is_seen(room: str, imported: str) -> None:
    assert trespasses(room, imported) is not None


def test_no_relative_import_leaves_its_folder() -> None:
    """`from ..x import y` would hide an arrow."""
    found = [
        f"{relative(file)}:{node.lineno}"
        for file in python_sources()
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom) and node.level > 1
    ]
    assert found == []


def test_names_say_what_is_inside() -> None:
    found = [
        relative(file)
        for file in tree_files()
        if SAYS_NOTHING & {part.split(".")[0].lower() for part in file.relative_to(PROJECT).parts}
    ]
    assert found == []


def test_no_file_names_a_package_registry_or_a_path_of_one_machine() -> None:
    """Packages come by name, as the machine is set up; nothing depends on where a checkout lies."""
    found = []
    for file in tree_files():
        try:
            lines = file.read_text().splitlines()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(lines, 1):
            words = [host for host in REGISTRIES if host in line]
            path = MACHINE_PATHS.search(line)
            if words or path:
                found.append(f"{relative(file)}:{number}: {words or (path and path[0])}")
    assert found == []


def shell_scripts() -> list[Path]:
    first_line = re.compile(rb"#!\s*(/usr)?/bin/(env )?(ba|da)?sh\b|# shellcheck shell=")
    return [
        file
        for file in tree_files()
        if file.suffix == ".sh" or first_line.match(file.read_bytes()[:60]) or relative(file) == "activate"
    ]


def test_scripts_are_shellcheck_clean() -> None:
    shellcheck = Path(sys.prefix) / "bin" / "shellcheck"
    checked = subprocess.run([shellcheck, *shell_scripts()], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("script", shell_scripts(), ids=relative)
def test_a_script_that_is_run_stops_at_its_first_error(script: Path) -> None:
    text = script.read_text()
    if text.startswith("#!"):
        assert re.search(r"^set -eu", text, re.MULTILINE), "set -eu is missing"
    else:
        assert text.startswith("# shellcheck shell=sh"), "neither a script to run nor one to source"
