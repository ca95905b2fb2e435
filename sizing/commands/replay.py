"""`python -m sizing replay`: recorded cases through the predictor, the KV planner or the geometry reader."""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]
Answer = Callable[[Row], Mapping[str, object]]
LARGEST_BYTES = 256 << 20


def replay_main(argv: list[str]) -> int:
    """Exit status 0; ValueError and OSError are the caller's to print."""
    parser = argparse.ArgumentParser(
        prog="python -m sizing replay",
        description="Prints one JSON object for each recorded case: start-up logs, answers of vLLM's own planner, or "
        "config.json files. Which of them a file holds is seen by the fields of its cases.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a JSON object with 'cases' or 'rows', or a JSON list")
    options = parser.parse_args(argv)
    for answer in answers(document(options.file)):
        sys.stdout.write(json.dumps(answer) + "\n")
    return 0


def document(path: Path) -> object:
    """The file's JSON. ValueError where it is none, or larger than any set of cases."""
    size = path.stat().st_size
    if size > LARGEST_BYTES:
        raise ValueError(f"{path}: is {size:,} bytes; a file of cases has at most {LARGEST_BYTES:,}")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: is not JSON: {error}") from None


def answers(data: object) -> Iterator[Mapping[str, object]]:
    """One answer a case, in the file's order."""
    found = list(_cases(data))
    models = data.get("models", {}) if isinstance(data, Mapping) else {}
    answer = _answer_for(found, models)
    for row in found:
        try:
            yield answer(row)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            why = f"lacks {error}" if isinstance(error, KeyError) else str(error)
            yield {"id": row.get("id"), "refused": f"the case cannot be read: {why}"}


def _cases(data: object) -> Iterable[Row]:
    listed = data
    if isinstance(data, Mapping):
        listed = next((data[key] for key in ("cases", "rows") if key in data), None)
        if listed is None and "id" in data:
            listed = [data]
    if not isinstance(listed, list) or not listed:
        raise ValueError("the file holds no cases: an object with 'cases' or 'rows', or a list of them, is right")
    wrong = next((number for number, row in enumerate(listed) if not isinstance(row, Mapping)), None)
    if wrong is not None:
        raise ValueError(f"case {wrong} is a {type(listed[wrong]).__name__}; every case is an object")
    return listed


def _answer_for(cases: list[Row], models: Mapping[str, Mapping[str, object]]) -> Answer:
    """The replay of the schema these cases have, by what only that schema has."""
    fields = {name for row in cases for name in row}
    if {"compute_capability", "flags"} <= fields:
        from sizing.kv.replay import replay_oracle

        return lambda row: replay_oracle(row, models)
    if "config" in fields:
        from sizing.geometry.replay import replay_config

        return replay_config
    if {"gpu_name", "gpu_memory_utilization"} <= fields:
        from sizing.gpu_memory.replay import replay_log

        return replay_log
    raise ValueError(
        f"the cases have the fields {', '.join(sorted(fields))[:200]}; start-up logs have gpu_name and "
        "gpu_memory_utilization, planner answers compute_capability and flags, model configs config"
    )
