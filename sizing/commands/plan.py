"""`python -m sizing plan`: where memory goes, whether the goal is met, and every value with its reason."""

import argparse
import io
import json
import os
import shutil
import sys
from pathlib import Path

from sizing.commands.plan_text import plan_text
from sizing.commands.stacks import planned
from sizing.serving import ServingPlan

WIDEST = 132


def plan_main(argv: list[str]) -> int:
    """Exit status 0; ValueError and OSError are the caller's to print."""
    options = _options(argv)
    plans = list(planned(options.stack_file, options.host, strict=options.strict).plans.values())
    if options.svg:
        from sizing.draw.page import page_of
        from sizing.draw.svg import svg

        options.svg.write_text(svg(page_of(plans)), encoding="utf-8")
    if options.png:
        from sizing.draw.page import page_of
        from sizing.draw.png import write_png

        write_png(page_of(plans), options.png)
    if options.json:
        sys.stdout.write(json.dumps({plan.host: as_json(plan) for plan in plans}, indent=2) + "\n")
        return 0
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without block characters shows question marks
    width = min(WIDEST, shutil.get_terminal_size((110, 24)).columns)
    colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    sys.stdout.write("\n\n".join(plan_text(plan, width, colours=colours) for plan in plans) + "\n")
    return 0


def as_json(plan: ServingPlan) -> dict[str, object]:
    """The whole plan with its digest and verdict, as plain data."""
    return {"digest": plan.digest, "verdict": plan.verdict} | plan.model_dump(mode="json")


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sizing plan", description="Plans the hosts of a stack file and draws where memory goes."
    )
    parser.add_argument("stack_file", type=Path, metavar="STACK_FILE", help="for example Pulumi.a10g.yaml")
    parser.add_argument("--host", metavar="NAME", help="one host of the stack; unset: all")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the bars into an SVG file as well")
    parser.add_argument("--png", type=Path, metavar="FILE", help="draw the bars into a PNG file as well")
    parser.add_argument("--json", action="store_true", help="the plans as one JSON object, by host")
    parser.add_argument("--strict", action="store_true", help="refuse a goal that is too fast for the host, too")
    return parser.parse_args(argv)
