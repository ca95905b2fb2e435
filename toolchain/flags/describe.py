"""Writes what one vLLM release's own parser accepts, as JSON on standard output.

Runs inside the environment `generate.py` prepares. A parser's module has moved between releases, so it is
looked for by what it defines.
"""

import argparse
import ast
import contextlib
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

sys.path.insert(0, str(Path(__file__).parent))
import stand_in_gpu  # type: ignore[import-not-found]

RULES = {
    "underscore_spelling_accepted": ["--max_model_len", "1024"],
    "equals_form_accepted": ["--max-model-len=1024"],
    "unambiguous_prefix_accepted": ["--gpu-memory-ut", "0.5"],
    "boolean_takes_value": ["--enforce-eager", "true"],
    "dotted_json_subkeys_accepted": ["--compilation-config.max_cudagraph_capture_size", "8"],
}


def main(root: Path) -> None:
    """`root` is the unpacked package's `vllm` folder."""
    real_stdout = os.dup(1)
    os.dup2(2, 1)  # whatever vLLM prints while it loads is not part of the answer
    stand_in_gpu.install()
    module_name, make = _parser_maker(root)
    parser = make(import_module("vllm.utils.argparse_utils").FlexibleArgumentParser())
    deprecated = _deprecated_fields(root)
    described = [_described(action, parser, deprecated) for action in parser._actions]
    answer = {
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "torch": import_module("torch").__version__.partition("+")[0].removesuffix(".0"),
        "absent": sorted(name for name in stand_in_gpu.ABSENT if name in sys.modules),
        "parser_module": module_name,
        "parser_rules": {rule: _parse(parser, ["m", *line]) is not None for rule, line in RULES.items()},
        "positionals": [entry for entry in described if entry["kind"] == "positional"],
        "options": sorted(
            (entry for entry in described if entry["kind"] != "positional"), key=lambda entry: entry["dest"]
        ),
        "known_values": _known_values(),
        "environment": sorted(_environment(root)),
        "config_keys": {
            action.dest: sorted(field.name for field in fields(found) if field.init)
            for action in parser._actions
            if (found := _configuration_class(action)) is not None
        },
    }
    with os.fdopen(real_stdout, "w", encoding="utf-8") as out:
        json.dump(answer, out)


def _parser_maker(root: Path) -> tuple[str, Callable[[Any], Any]]:
    found = sorted(
        path for path in (root / "entrypoints").rglob("*.py") if "\ndef make_arg_parser(" in path.read_text("utf-8")
    )
    serving = [path for path in found if path.name == "cli_args.py"]
    if len(serving) != 1:
        raise SystemExit(f"expected one cli_args.py with make_arg_parser below {root}, found {serving or found}")
    name = ".".join(serving[0].relative_to(root.parent).with_suffix("").parts)
    return name, import_module(name).make_arg_parser


def _described(action: Any, parser: Any, deprecated: set[str]) -> dict[str, Any]:
    kind = _kind(action)
    entry = {
        "dest": action.dest,
        "spellings": list(action.option_strings),
        "long": [spelling for spelling in action.option_strings if spelling.startswith("--")],
        "short": [spelling for spelling in action.option_strings if not spelling.startswith("--")],
        "kind": kind,
        "value_type": _value_type(action) if kind in {"value", "positional"} else None,
        "nargs": action.nargs if kind in {"value", "positional"} else None,
        "choices": None if action.choices is None else list(action.choices),
        "default": _default(action.default),
        "required": action.required and kind != "positional",
        "deprecated": _is_deprecated(action, parser, deprecated),
    }
    if kind == "boolean-optional":
        entry |= _both_ways(action, parser)
    return entry


def _kind(action: Any) -> str:
    if not action.option_strings:
        return "positional"
    if isinstance(action, argparse._HelpAction):
        return "help"
    if isinstance(action, argparse.BooleanOptionalAction) or "BooleanOptional" in type(action).__name__:
        return "boolean-optional"
    return "switch" if action.nargs == 0 else "value"


def _closure(function: Any, name: str) -> Any:
    return dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))[name].cell_contents


def _value_type(action: Any) -> str:
    convert, optional = action.type, ""
    while getattr(convert, "__name__", "") in {"_optional_type", "_parse_type"}:
        optional = "optional " if convert.__name__ == "_optional_type" else optional
        convert = _closure(convert, "return_type")
    names: dict[str | None, str] = {
        None: "str",
        "loads": "json",
        "union_dict_and_str": "json object or str",
        "parse_dataclass": "json object or dotted sub-keys",
        "human_readable_int": "int with k/K/m/M/g/G suffix",
        "human_readable_int_or_auto": "int with k/K/m/M/g/G suffix or auto/-1",
        "<lambda>": "json object",
    }
    name: str | None = getattr(convert, "__name__", None)
    return optional + names.get(name, "int" if convert is int else "float" if convert is float else "str")


def _default(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {"object": type(value).__name__}
    if isinstance(value, Enum):
        return value.name
    if callable(value):
        return {"callable": value.__name__}
    if isinstance(value, set | frozenset):
        return sorted(value)
    return list(value) if isinstance(value, tuple) else value


def _parse(parser: Any, arguments: list[str]) -> Any:
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        try:
            return parser.parse_args(arguments)
        except (SystemExit, Exception):  # noqa: BLE001 - any refusal counts
            return None


def _both_ways(action: Any, parser: Any) -> dict[str, list[str]]:
    """Which spellings were parsed and gave true, and which false, unregistered ones included."""
    long = [spelling for spelling in action.option_strings if spelling.startswith("--")]
    stems = [re.sub(r"^--(no-)?(enable-)?", "", spelling) for spelling in long if "enable-" in spelling]
    tried = [*long, *(f"--no-enable-{stem}" for stem in stems), *(f"--no-{stem}" for stem in stems)]
    ways: dict[str, list[str]] = {"set_true": [], "set_false": []}
    for spelling in dict.fromkeys(tried):
        parsed = _parse(parser, ["m", spelling])
        if parsed is not None:
            ways["set_true" if getattr(parsed, action.dest) else "set_false"].append(spelling)
    return ways


def _configuration_class(action: Any) -> Any:
    convert = action.type
    while getattr(convert, "__name__", "") in {"_optional_type", "_parse_type"}:
        convert = _closure(convert, "return_type")
    if getattr(convert, "__name__", "") != "parse_dataclass":
        return None
    return (convert.__defaults__ or (None,))[-1]


def _is_deprecated(action: Any, parser: Any, by_source: set[str]) -> bool:
    registered = action in getattr(parser, "_deprecated", ()) or bool(getattr(action, "deprecated", False))
    told = re.match(r"\W*deprecated", action.help or "", re.IGNORECASE)
    return registered or type(action).__name__.startswith("Deprecated") or bool(told) or action.dest in by_source


def _deprecated_fields(root: Path) -> set[str]:
    """Fields whose own documentation calls them deprecated."""
    found: set[str] = set()
    for path in (root / "config").glob("*.py"):
        for owner in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(owner, ast.ClassDef):
                found |= {name for name, text in _documented(owner) if _calls_deprecated(text)}
    return found


def _calls_deprecated(text: str) -> bool:
    return bool(re.match(r"\W*deprecated", text, re.IGNORECASE) or re.search(r"\b(is|be|been)\s+deprecated", text))


def _documented(owner: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, following in zip(owner.body, owner.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(following, ast.Expr)
            and isinstance(following.value, ast.Constant)
            and isinstance(following.value.value, str)
        ):
            yield field.target.id, following.value.value


def _known_values() -> dict[str, list[str]]:
    """Values that the parser lets pass as text and a later stage refuses, where the release lists them."""
    methods = import_module("vllm.model_executor.layers.quantization").QUANTIZATION_METHODS
    found = {"quantization": sorted(methods)}
    for dest, module, name in (
        ("kv_cache_dtype", "vllm.config.cache", "CacheDType"),
        ("tokenizer_mode", "vllm.config.model", "TokenizerMode"),
    ):
        words = get_args(getattr(import_module(module), name, None))
        if words:
            found[dest] = sorted(words)
    return found


def _environment(root: Path) -> set[str]:
    """Environment variables the release reads: the keys of envs.py, and names read anywhere in its source."""
    found = set(import_module("vllm.envs").environment_variables)
    for path in root.rglob("*.py"):
        text = path.read_text("utf-8")
        found |= set(
            re.findall(r"(?:environ(?:\.get|\.setdefault|\.pop)?|getenv)[(\[]\s*[\"']([A-Z][A-Z0-9_]+)[\"']", text)
        )
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]))
