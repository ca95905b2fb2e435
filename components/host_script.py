"""Runs one of our POSIX scripts on a host.

The script travels on standard input: nothing is left on the host, an error message shows the short
call instead of the whole text, and what is secret stays out of the arguments.
"""

import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import pulumi
import pulumi_command as command

from components.access import HostAccess
from hosts.folders import HOME, STAMPS

_FOLDER = Path(__file__).parent


def script_text(name: str, data: Mapping[str, str] | None = None, parts: Sequence[str] = ()) -> str:
    """The script `components/<name>` with each of `data` put in front as a shell function that prints it,
    and with the files `parts`, which hold functions that it shares with other scripts.

    A data block named `manifest` is read in the script as `manifest`; its text may be anything but a
    line that equals the block's end mark.
    """
    blocks = "".join(_block(key, text) for key, text in (data or {}).items())
    script = "\n".join((_FOLDER / each).read_text(encoding="utf-8") for each in (*parts, name))
    return f"(\n{blocks}{script.rstrip()}\n)\n"


def check_text(
    name: str, arguments: Sequence[str], data: Mapping[str, str] | None = None, parts: Sequence[str] = ()
) -> str:
    """The same script and data as a read-only check, for facts.probe; its first line carries `wish_of` it.

    The wish is what is asked for, not the programs that bring it about: a mended script is no new wish.
    """
    asked = {key: text for key, text in (data or {}).items() if not key.endswith("_program")}
    wish = hashlib.sha256(json.dumps([name, list(arguments), asked], sort_keys=True).encode()).hexdigest()[:8]
    return f"# wish {wish}\nset -- {shlex.join(['check', *arguments])}\n{script_text(name, data, parts)}"


def wish_of(check: str) -> str:
    """The digest of what a check's component wishes."""
    return check.partition("\n")[0].removeprefix("# wish ")


def sent_text(text: str, after: str = "") -> str:
    """What goes over the line: one brace group, so that a transfer that is cut runs nothing at all, and
    no command in it can swallow the rest from standard input. `after` runs when the script succeeded."""
    end = f'status=$?\n[ "$status" -eq 0 ] || exit "$status"\n{after}'
    return f"{{\n{text}{end}}} < /dev/null\n"


def stamp_text(name: str, trigger: str) -> str:
    """Keeps the trigger on the host as the stamp of a successful apply; an undo takes it away."""
    keep = f"mkdir -p '{STAMPS}'\ncat > '{STAMPS}/{name}' <<'END_OF_STAMP'\n{trigger}\nEND_OF_STAMP\n"
    forget = f"rm -f '{STAMPS}/{name}'\nrmdir '{STAMPS}' '{HOME}' 2>/dev/null || true\n"
    return f'case "${{1:-}}" in\nremove | keep)\n{forget};;\n*)\n{keep};;\nesac\n'


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
    drift: str | None = None,
    secrets: Mapping[str, str] | None = None,
) -> command.remote.Command:
    """A Command that runs `script arguments…` as root, again whenever script, arguments or triggers change.

    `undo` are the arguments of the run at destroy; not to be used with triggers, since a replacement would
    undo what it has just done. With `drift`, the name of the component's check, the trigger of what was
    observed is part of the text, so the script runs again when it moves, and leaves it as its stamp.
    `secrets` are data blocks like `data`; with any of them the whole text is kept encrypted in the state.
    Standard output becomes the resource's `stdout`; what the script says on standard error is shown live.
    """
    trigger = None if drift is None else access.triggers.by_name.get(drift, "")
    after = "" if drift is None or trigger is None else stamp_text(drift, trigger)
    if drift is not None and access.triggers.away and pulumi.runtime.is_dry_run():
        # Nothing is known of a host that is away: its old triggers stand.
        opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(ignore_changes=["stdin"]))
    text = sent_text(script_text(script, {**(data or {}), **(secrets or {})}, parts), after)
    # `sh -s` reads the script from standard input; a delete has the same standard input as the create.
    return command.remote.Command(
        name,
        connection=access.connection,
        create=_call(access, arguments),
        delete=None if undo is None else _call(access, undo),
        stdin=pulumi.Output.secret(text) if secrets else text,
        triggers=list(triggers) or None,
        logging=command.remote.Logging.STDERR,
        add_previous_output_in_env=False,
        opts=opts,
    )
