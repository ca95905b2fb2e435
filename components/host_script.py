"""Runs one of our POSIX scripts on a host.

The script travels on standard input: nothing is left on the host, an error message shows the short
call instead of the whole text, and what is secret stays out of the arguments.
"""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import pulumi
import pulumi_command as command

from components.access import HostAccess

_FOLDER = Path(__file__).parent


def script_text(name: str, data: Mapping[str, str] | None = None, parts: Sequence[str] = ()) -> str:
    """The script `components/<name>` with each of `data` put in front as a shell function that prints it,
    and with the files `parts`, which hold functions that it shares with other scripts.

    A data block named `manifest` is read in the script as `manifest`; its text may be anything but a
    line that equals the block's end mark. The whole is one brace group: a transfer that is cut runs
    nothing at all, and no command in it can swallow the rest from standard input.
    """
    blocks = "".join(_block(key, text) for key, text in (data or {}).items())
    script = "\n".join((_FOLDER / each).read_text(encoding="utf-8") for each in (*parts, name))
    return f"{{\n{blocks}{script.rstrip()}\n}} < /dev/null\n"


def _block(name: str, text: str) -> str:
    mark = f"END_OF_{name.upper()}"
    if mark in text.splitlines():
        raise ValueError(f"data '{name}' contains its own end mark '{mark}'")
    return f"{name}() {{\ncat <<'{mark}'\n{text.rstrip(chr(10))}\n{mark}\n}}\n"


def _call(access: HostAccess, arguments: Sequence[pulumi.Input[str]]) -> pulumi.Output[str]:
    return pulumi.Output.all(*arguments).apply(lambda known: f"{access.sudo}sh -s -- {shlex.join(known)}")


def host_script(
    name: str,
    access: HostAccess,
    script: str,
    arguments: Sequence[pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
    *,
    undo: Sequence[str] | None = None,
    data: Mapping[str, str] | None = None,
    parts: Sequence[str] = (),
    triggers: Sequence[str] = (),
) -> command.remote.Command:
    """A Command that runs `script arguments…` as root, again whenever script, arguments or triggers change.

    `undo` are the arguments of the run at destroy. Standard output becomes the resource's `stdout`;
    what the script says on standard error is shown while it runs.
    """
    # `sh -s` reads the script from standard input; a delete has the same standard input as the create.
    return command.remote.Command(
        name,
        connection=access.connection,
        create=_call(access, arguments),
        delete=None if undo is None else _call(access, undo),
        stdin=script_text(script, data, parts),
        triggers=list(triggers) or None,
        logging=command.remote.Logging.STDERR,
        add_previous_output_in_env=False,
        opts=opts,
    )
