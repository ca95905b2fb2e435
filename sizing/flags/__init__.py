"""What each vLLM release takes on its command line: tables, a checker, and the writer of a command line."""

from sizing.flags.arguments import ArgumentReport, BadArgument, check_arguments
from sizing.flags.render import LeftOut, Rendered, render, render_args, render_environment
from sizing.flags.table import (
    FlagOption,
    FlagTable,
    UnknownVersionError,
    available_versions,
    flag_table,
    last_version_with,
    nearest_version,
)

__all__ = [
    "ArgumentReport",
    "BadArgument",
    "FlagOption",
    "FlagTable",
    "LeftOut",
    "Rendered",
    "UnknownVersionError",
    "available_versions",
    "check_arguments",
    "flag_table",
    "last_version_with",
    "nearest_version",
    "render",
    "render_args",
    "render_environment",
]
