"""What the options of a run line ask of the container engine."""

import re

from sizing.audit.launch import ContainerSettings, Port, Ulimit
from sizing.audit.sizes import size_bytes


def settings_of(options: dict[str, list[str]]) -> ContainerSettings:
    """The settings in options by long name; of an option given twice the last value counts, as for the engine."""

    def last(name: str) -> str | None:
        return options[name][-1] if name in options else None

    bad: list[str] = []

    def size(name: str) -> int | None:
        text = last(name)
        if text is None or "$" in text:
            return None
        found = size_bytes(text)
        if found is None:
            bad.append(f"--{name} {text}")
        return found

    environment = dict(entry.partition("=")[::2] for entry in options.get("env", []))
    devices = [name for name in options.get("device", []) if re.search(r"nvidia|/dev/(kfd|dri)", name)]
    cpus = last("cpus")
    return ContainerSettings(
        gpus=last("gpus") or (devices[0] if devices else None),
        runtime=last("runtime"),
        ipc=last("ipc"),
        network=last("network"),
        privileged=last("privileged") == "true",
        shm_bytes=size("shm-size"),
        memory_bytes=size("memory"),
        memory_swap_bytes=size("memory-swap"),
        cpus=float(cpus) if cpus and re.fullmatch(r"\d+(\.\d+)?", cpus) else None,
        restart=last("restart"),
        ports=tuple(port_of(entry) for entry in options.get("publish", [])),
        environment=environment,
        volumes=(*options.get("volume", ()), *options.get("mount", ())),
        ulimits=tuple(Ulimit(*entry.partition("=")[::2]) for entry in options.get("ulimit", [])),
        user=last("user"),
        health_check="health-cmd" in options,
        removed_on_exit=last("rm") == "true",
        bad_sizes=tuple(bad),
    )


def port_of(text: str) -> Port:
    """`127.0.0.1:8000:8000` has an address, `8000:8000` has none."""
    match = re.match(r"(\[[0-9a-fA-F:]+\]|[0-9.]+|localhost|\$\w+):[^:]*:[^:]+$", text)
    return Port(match.group(1) if match else "", text)
