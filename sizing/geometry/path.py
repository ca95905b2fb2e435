"""From a model's directory or its config.json to the geometry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from sizing.geometry.errors import UnsupportedModel
from sizing.geometry.model import ModelGeometry
from sizing.geometry.read import read_config

LARGEST_FILE_BYTES: Final = 8 * 2**20  # the longest published config.json is under 1 MiB


def from_path(path: str | Path) -> ModelGeometry:
    """Reads `path`, a config.json or a directory that holds one.

    Raises UnsupportedModel with one sentence when it is absent, too large, not JSON or not a known model.
    """
    file = Path(path)
    file = file / "config.json" if file.is_dir() else file
    return read_config(load(file))


def load(file: Path) -> dict[str, object]:
    """The object in a JSON file, or UnsupportedModel saying what is wrong with the file."""
    try:
        size = file.stat().st_size
        if size > LARGEST_FILE_BYTES:
            raise UnsupportedModel(f"{file} is {size:,} bytes; a config.json has at most {LARGEST_FILE_BYTES:,}")
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise UnsupportedModel(f"{file} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise UnsupportedModel(f"{file} is not UTF-8 text; a config.json is") from None
    return parse(text, str(file))


def parse(text: str, name: str) -> dict[str, object]:
    """The object that JSON text holds; `name` stands for it in errors."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise UnsupportedModel(
            f"{name} is not complete JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None
    except RecursionError:
        raise UnsupportedModel(f"{name} nests deeper than any config.json does") from None
    except ValueError as error:  # a number of more digits than Python converts
        raise UnsupportedModel(f"{name} holds a value that is no number a config has: {error}") from None
    if not isinstance(value, dict):
        raise UnsupportedModel(f"{name} holds a {type(value).__name__}; it should hold an object")
    return value
