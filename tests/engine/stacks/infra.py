"""`pytest tests/infra` on given outputs, and what each of its tests found."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from tests.engine.stacks.stack import CHECKOUT


@dataclass(frozen=True)
class Result:
    """One test on one host; `test` includes its own parameter, `failure` is None for one that passed."""

    host: str
    test: str
    failure: str | None


def infra(outputs: Mapping[str, Any], scratch: Path) -> list[Result]:
    """Runs tests/infra against the outputs, in a process of its own, and reads its report."""
    promised, report = scratch / "outputs.json", scratch / "infra.xml"
    promised.write_text(json.dumps(outputs))
    report.unlink(missing_ok=True)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "tests/infra",
        "--outputs",
        str(promised),
        "-p",
        "no:cacheprovider",
    ]
    done = subprocess.run([*command, f"--junitxml={report}"], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert report.is_file(), f"tests/infra did not run:\n{done.stdout}{done.stderr}"
    cases = ElementTree.parse(report).iter("testcase")  # noqa: S314 - pytest wrote it just now
    return [result for case in cases if (result := _result(case, outputs))]


def _result(case: ElementTree.Element, outputs: Mapping[str, Any]) -> Result | None:
    name, _, parameters = case.attrib["name"].partition("[")
    words = parameters.removesuffix("]")
    host = max(
        (each for each in outputs["hosts"] if re.search(rf"(^|-){re.escape(each)}(-|$)", words)), key=len, default=""
    )
    assert host, f"{case.attrib['name']} is of no host"
    rest = re.sub(rf"(^|-){re.escape(host)}(?=-|$)", "", words, count=1).strip("-")
    if case.find("skipped") is not None:
        return None
    bad = [each for kind in ("failure", "error") for each in case.findall(kind)]
    return Result(
        host,
        f"{name}[{rest}]" if rest else name,
        "\n".join(f"{each.get('message')}\n{each.text}" for each in bad) or None,
    )
