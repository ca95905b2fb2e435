"""`python -m sizing COMMAND`: sizing without deploying."""

import sys
from collections.abc import Callable
from importlib import import_module

COMMANDS = {
    "plan": ("sizing.commands.plan", "plan_main", "STACK_FILE: where memory goes, and every value with its reason"),
    "explain": ("sizing.commands.explain", "explain_main", "NAME STACK_FILE: where one value comes from"),
    "audit": ("sizing.audit.cli", "audit_main", "< LAUNCH: what a docker run line or compose file does"),
    "replay": ("sizing.commands.replay", "replay_main", "FILE: recorded cases, one JSON object each"),
    "geometry": ("sizing.commands.geometry", "geometry_main", "PATH: what a model is, from its config.json"),
    "goals": ("sizing.commands.goals", "goals_main", "the optimization guide's figures, each with its arithmetic"),
}
EXIT_USAGE = 2


def main(argv: list[str]) -> int:
    """Dispatches to the command; what is wrong with the input is one sentence and exit status 2."""
    if not argv or argv[0] in {"-h", "--help"}:
        print("usage: python -m sizing COMMAND ...\n")
        for name, (_, _, about) in COMMANDS.items():
            print(f"  {name:<9} {about}")
        return 0 if argv else EXIT_USAGE
    if argv[0] not in COMMANDS:
        print(f"sizing: '{argv[0]}' is no command; there are {', '.join(COMMANDS)}", file=sys.stderr)
        return EXIT_USAGE
    module, function, _ = COMMANDS[argv[0]]
    command: Callable[[list[str]], int] = getattr(import_module(module), function)
    try:
        return command(argv[1:])
    except BrokenPipeError:
        sys.stderr.close()  # the reader has seen enough
        return 0
    except OSError as error:
        print(f"sizing {argv[0]}: {error.filename}: {error.strerror}", file=sys.stderr)
    except ValueError as error:
        print(f"sizing {argv[0]}: {error}", file=sys.stderr)
    return EXIT_USAGE


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
