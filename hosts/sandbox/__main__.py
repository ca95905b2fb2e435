"""`python -m hosts.sandbox up|down|list|ssh|reboot`."""

import argparse
import os
import sys

from hosts.sandbox import SandboxError, down, get, reboot, up
from hosts.sandbox.addresses import address, inner_address
from hosts.sandbox.engine import connect
from hosts.sandbox.inventory import DEVELOPMENT, all_entries
from hosts.sandbox.lifecycle import CHECKOUT


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    try:
        match options.command:
            case "up":
                up(
                    options.name,
                    number=options.number,
                    flavour=options.flavour,
                    memory_gib=options.memory_gib,
                    cpus=options.cpus,
                    recreate=options.recreate,
                )
            case "down":
                down(options.name)
            case "reboot":
                reboot(options.name)
            case "ssh":
                command = get(options.name).ssh_command(" ".join(options.remote_command))
                os.execvp(command[0], command)  # noqa: S606
            case _:
                _list()
    except SandboxError as error:
        print(f"sandbox: error: {error}", file=sys.stderr)
        return 1
    return 0


def _list() -> None:
    entries = all_entries(connect())
    if not entries:
        print("no sandboxes; `python -m hosts.sandbox up` makes one")
    for each in entries:
        place = "" if each.checkout == str(CHECKOUT) else f"  of {each.checkout}"
        print(
            f"{each.name:12} {each.state:8} {address(each.number):13} {inner_address(each.number):14} "
            f"{each.flavour:7} {each.memory_gib} GiB, {each.cpus:g} CPUs{place}"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m hosts.sandbox", description="Disposable hosts for development.")
    commands = parser.add_subparsers(dest="command", required=True)
    bring_up = commands.add_parser("up", help="make a sandbox, or start it, or find it running")
    bring_up.add_argument("--number", type=int, help="its address is then 127.0.10.NUMBER (1 to 250)")
    bring_up.add_argument("--flavour", choices=("docker", "bare"), help="with Docker (default), or without")
    bring_up.add_argument("--memory-gib", type=int, help="memory limit, default 8")
    bring_up.add_argument("--cpus", type=float, help="CPU limit, default 2")
    bring_up.add_argument("--recreate", action="store_true", help="replace one that exists; its data is lost")
    take_down = commands.add_parser("down", help="remove a sandbox with its data and keys")
    restart = commands.add_parser("reboot", help="stop everything inside and start it again")
    for command in (bring_up, take_down, restart):
        command.add_argument("name", nargs="?", default=DEVELOPMENT)
    commands.add_parser("list", help="sandboxes of this machine")
    ssh = commands.add_parser("ssh", help="a shell, or a command, in a sandbox")
    ssh.add_argument("name", nargs="?", default=DEVELOPMENT)
    ssh.add_argument("remote_command", nargs=argparse.REMAINDER, metavar="COMMAND")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
