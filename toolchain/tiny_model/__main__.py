"""``python -m toolchain.tiny_model [DIR]``: make the model in DIR and its manifest beside it."""

import argparse
import sys
from pathlib import Path

from toolchain.tiny_model.make import DEFAULT_DIRECTORY, make


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m toolchain.tiny_model", description=__doc__)
    parser.add_argument(
        "directory",
        nargs="?",
        type=Path,
        default=DEFAULT_DIRECTORY,
        metavar="DIR",
        help=f"where the model goes (default: {DEFAULT_DIRECTORY})",
    )
    made = make(parser.parse_args(arguments).directory)
    verb = "made" if made.changed else "up to date"
    print(f"tiny model: {verb}: {made.directory} ({made.total_bytes} bytes), manifest {made.manifest}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
