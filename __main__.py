"""Reads the stack's configuration, plans each host, builds it, and exports what was promised."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pulumi

from components.access import Triggers, ssh_command, sudo_for
from components.gpu_host import GpuHost, GpuHostArgs, checks
from components.host_script import wish_of
from components.outputs import host_outputs
from components.stack_secrets import read_secrets, warnings_of
from components.wiring import host_args
from facts.memory import recall, remember
from facts.probe import Check, HostObservation, observe
from hosts.connection import resolve
from hosts.load import validate_config
from hosts.lock import ImageLock, ModelLock, lock_files, read_image_lock, read_model_lock
from hosts.problems import ConfigError
from hosts.stack import StackConfig
from sizing.geometry import from_path
from sizing.plan import plan

FOLDER = Path(__file__).parent


def main() -> None:
    """The whole program: nothing is created before everything is read and planned."""
    stack = configuration()
    geometry = from_path(resolve(FOLDER, stack.model.config_file))
    plans = [
        plan(
            entry.spec(),
            geometry,
            stack.goal,
            stack.server.vllm_version,
            served_name=stack.model.name,
            port=stack.server.port,
            overrides=stack.server.overrides,
            strict=stack.goal.strict,
        )
        for entry in stack.hosts
    ]
    model_lock, image_lock = locks(stack)
    secrets = read_secrets(pulumi.Config("gpuhost"), pulumi.get_stack())
    for warning in warnings_of(secrets, stack.model.hub):
        pulumi.warn(warning)
    exported = {}
    wished = {
        entry.name: host_args(stack, entry, planned, FOLDER, model_lock, image_lock, secrets)
        for entry, planned in zip(stack.hosts, plans, strict=True)
    }
    seen = look_at(wished)
    for entry, planned in zip(stack.hosts, plans, strict=True):
        args = wished[entry.name]
        for warning in (*planned.warnings, *said_of(seen[entry.name])):
            pulumi.warn(f"{entry.name}: {warning}")
        host = GpuHost(entry.name, args, triggers_of(entry.name, seen[entry.name]))
        exported[entry.name] = host_outputs(entry, planned, args, host)
    pulumi.export("hosts", exported)


def look_at(wished: Mapping[str, GpuHostArgs]) -> dict[str, HostObservation]:
    """Every host as it is, one SSH round trip each, all at once."""

    def look(name: str) -> HostObservation:
        ssh = wished[name].ssh
        asked = [Check(part, text, wish_of(text)) for part, text in checks(name, wished[name]).items()]
        return observe(ssh_command(name, ssh, FOLDER), asked, sudo=sudo_for(ssh))

    with ThreadPoolExecutor(max_workers=32) as pool:
        return dict(zip(wished, pool.map(look, wished), strict=True))


def triggers_of(name: str, seen: HostObservation) -> Triggers:
    """The observation as the components take it; of a host that is away, what was last known."""
    kept = FOLDER / ".gpuhost" / "seen" / pulumi.get_stack() / f"{name}.json"
    if seen.away is not None:
        return Triggers(recall(kept), away=True)
    triggers = {part: seen.trigger(part) for part in seen.checks}
    stamps = {part: check.stamp for part, check in seen.checks.items() if check.stamp is not None}
    remember(kept, stamps if pulumi.runtime.is_dry_run() else triggers)
    return Triggers(triggers)


def said_of(seen: HostObservation) -> list[str]:
    """What a person should know of the observation."""
    if seen.away is not None:
        return [f"could not be looked at, its last known state stands: {seen.away}"]
    drift = [f"{part}: {line} (up puts it right)" for part, lines in seen.drift.items() for line in lines]
    return drift + [line for part, check in seen.checks.items() if part.endswith("-key") for line in check.news]


def configuration() -> StackConfig:
    """The stack's typed configuration."""
    config = pulumi.Config("gpuhost")
    data = {
        key: config.get_object(key)
        for key in ("hosts", "model", "goal", "server", "docker", "nvidia", "kernel")
        if config.get(key)
    }
    return validate_config(data, FOLDER / f"Pulumi.{pulumi.get_stack()}.yaml")


def locks(stack: StackConfig) -> tuple[ModelLock, ImageLock | None]:
    """What the model and the image must hash to. A preview goes on without a lock and says so; `up` does not."""
    image, model = stack.server.image, stack.model
    image_lock = None
    if image.archive is not None:
        image_lock = read_image_lock(resolve(FOLDER, image.archive).with_suffix(".json"))
    path, config_file = resolve(FOLDER, model.lock_file), resolve(FOLDER, model.config_file)
    missing = []
    if not image.pinned:
        missing.append(f"server.image.reference: '{image.reference}' names no digest; add '@sha256:…'")
    if not path.is_file():
        missing.append(f"model.lock: '{path.name}' does not exist; '{how_to_lock(stack)}' makes it")
    if missing and not pulumi.runtime.is_dry_run():
        raise ValueError("; ".join(missing))
    for sentence in missing:
        pulumi.warn(f"{sentence} (needed before up)")
    lock = read_model_lock(path) if path.is_file() else lock_files(config_file.parent, [Path(config_file.name)])
    return lock, image_lock


def how_to_lock(stack: StackConfig) -> str:
    """The command that makes the model's lock."""
    hub = stack.model.hub
    if hub is not None:
        return f"python -m hosts.lock hub {hub.repository} {hub.revision}"
    return "python -m hosts.lock " + ("archive FILE" if stack.model.archive else "DIRECTORY")


try:
    main()
except (ConfigError, ValueError, OSError) as error:
    raise pulumi.RunError(str(error)) from error
