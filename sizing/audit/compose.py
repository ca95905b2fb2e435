"""Reads compose files, whole or as pasted fragments, with anchors, merge keys and interpolation."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from sizing.audit.docker_settings import port_of
from sizing.audit.expansion import interpolated
from sizing.audit.images import image_of
from sizing.audit.launch import ContainerSettings, Launch, Port, Ulimit, UnreadableError
from sizing.audit.program import program
from sizing.audit.shell import compose_words
from sizing.audit.sizes import size_bytes

LOOKS_LIKE_COMPOSE = re.compile(r"^\s*(services|image|command|entrypoint)\s*:", re.MULTILINE)
_SERVICE_KEYS = {"image", "command", "build", "entrypoint", "extends"}


class _Loader(yaml.SafeLoader):
    """Every scalar stays the text it is written as (0.90 is no 0.9), but merge keys work and null is null."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.endswith((":merge", ":null"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
# `!reset` and `!override` of override files: the value counts, the tag does not.
_Loader.add_multi_constructor(
    "!",
    lambda loader, _, node: (
        loader.construct_mapping(node, deep=True)
        if isinstance(node, yaml.MappingNode)
        else loader.construct_sequence(node, deep=True)
        if isinstance(node, yaml.SequenceNode)
        else loader.construct_scalar(node)
    ),
)


def read_compose(text: str) -> list[Launch] | None:
    """Every service that runs something, in the order of the file; None where the text is no compose file.

    Raises UnreadableError where it looks like one and is broken.
    """
    try:
        documents = list(yaml.load_all(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        if not LOOKS_LIKE_COMPOSE.search(text):
            return None
        mark = error.problem_mark
        lines = text.splitlines()
        word = lines[mark.line].strip() if mark and mark.line < len(lines) else ""
        raise UnreadableError(
            f"not valid YAML ({error.problem})", word, mark.line + 1 if mark else 0, mark.column + 1 if mark else 0
        ) from error
    except yaml.YAMLError:
        return None
    services = [entry for document in documents for entry in _services(document)]
    if not services:
        return None
    return [_launch(name, service) for name, service in services]


def _services(document: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not isinstance(document, dict):
        return
    found = document.get("services", document)
    if not isinstance(found, dict):
        return
    if isinstance(found.get("image"), str):  # the body of one service, pasted without its name
        yield "service", _interpolated(found, {})
        return
    for name, service in found.items():
        if isinstance(service, dict) and _SERVICE_KEYS & service.keys() and not str(name).startswith("x-"):
            yield str(name), _interpolated(_extended(service, found, ()), {})


def _extended(service: Mapping[str, Any], others: Mapping[str, Any], seen: tuple[str, ...]) -> Mapping[str, Any]:
    """The service with what `extends` names in the same file under it."""
    extends = service.get("extends")
    name = str(extends.get("service") if isinstance(extends, dict) else extends or "")
    base = others.get(name)
    elsewhere = isinstance(extends, dict) and "file" in extends
    if elsewhere or not isinstance(base, dict) or name in seen:
        return service
    merged = dict(_extended(base, others, (*seen, name)))
    for key, value in service.items():
        present = merged.get(key)
        if isinstance(present, dict) and isinstance(value, dict):
            merged[key] = present | value
        elif isinstance(present, list) and isinstance(value, list) and key not in {"command", "entrypoint"}:
            merged[key] = [*present, *value]
        else:
            merged[key] = value
    return merged


def _interpolated(value: Any, done: dict[int, Any]) -> Any:
    """A copy with every scalar interpolated; what an anchor shares is copied once, so a file cannot explode."""
    if isinstance(value, str):
        return interpolated(value)
    if id(value) not in done:
        if isinstance(value, dict):
            done[id(value)] = {key: _interpolated(item, done) for key, item in value.items()}
        elif isinstance(value, list):
            done[id(value)] = [_interpolated(item, done) for item in value]
        else:
            return value
    return done[id(value)]


def _launch(name: str, service: Mapping[str, Any]) -> Launch:
    image = image_of(str(service.get("image") or f"(built) {name}"))
    entrypoint, broken_entrypoint = _words(service.get("entrypoint"))
    command, broken_command = _words(service.get("command"))
    problem = broken_entrypoint or broken_command
    return Launch(
        kind="compose",
        image=image.reference,
        settings=_settings(service),
        program=program(image, entrypoint, command or [], problem),
        service=name,
    )


def _words(value: Any) -> tuple[list[str] | None, str | None]:
    """An entrypoint or command as arguments (None where none is given), and why compose refuses it."""
    if value is None:
        return None, None
    if isinstance(value, list):
        # `- ####` is a comment, so the item is null: compose wants text.
        empty = None in value
        problem = "an item of the list is empty (what follows # is a comment): compose refuses the file"
        return [str(item) for item in value if item is not None], problem if empty else None
    words, unterminated = compose_words(str(value))
    return words, "a quote in the string is never closed: compose refuses the file" if unterminated else None


def _settings(service: Mapping[str, Any]) -> ContainerSettings:
    bad: list[str] = []

    def size(name: str, value: Any) -> int | None:
        if value is None or "$" in str(value):
            return None
        found = size_bytes(str(value))
        if found is None:
            bad.append(f"{name}: {value}")
        return found

    limits = _at(service, "deploy", "resources", "limits") or {}
    cpus = str(service.get("cpus") or (limits.get("cpus") if isinstance(limits, dict) else "") or "")
    memory = service.get("mem_limit") or (limits.get("memory") if isinstance(limits, dict) else None)
    return ContainerSettings(
        gpus=_gpus(service),
        runtime=_text(service.get("runtime")),
        ipc=_text(service.get("ipc")),
        network=_text(service.get("network_mode")),
        privileged=str(service.get("privileged", "")).lower() in {"true", "yes"},
        shm_bytes=size("shm_size", service.get("shm_size")),
        memory_bytes=size("memory", memory),
        memory_swap_bytes=size("memswap_limit", service.get("memswap_limit")),
        cpus=float(cpus) if re.fullmatch(r"\d+(\.\d+)?", cpus) else None,
        restart=_text(service.get("restart")),
        ports=tuple(_ports(service.get("ports"))),
        environment=_environment(service.get("environment")),
        volumes=tuple(str(item) for item in _list(service.get("volumes"))),
        ulimits=tuple(_ulimits(service.get("ulimits"))),
        user=_text(service.get("user")),
        health_check="healthcheck" in service,
        bad_sizes=tuple(bad),
    )


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _gpus(service: Mapping[str, Any]) -> str | None:
    if service.get("gpus"):
        return str(service["gpus"])
    for device in _list(_at(service, "deploy", "resources", "reservations", "devices")):
        capabilities = str(_at(device, "capabilities") or "")
        if "gpu" in capabilities or _at(device, "driver") in {"nvidia", "cdi"}:
            return str(_at(device, "count") or _at(device, "device_ids") or "all")
    for device in _list(service.get("devices")):
        if re.search(r"nvidia|/dev/(kfd|dri)", str(device)):
            return str(device)
    return None


def _ports(value: Any) -> Iterator[Port]:
    for item in _list(value):
        if isinstance(item, dict):
            address = str(item.get("host_ip") or "")
            if item.get("published") is not None:
                yield Port(address, f"{item['published']}:{item.get('target')}")
        else:
            yield port_of(str(item))


def _environment(value: Any) -> dict[str, str]:
    if isinstance(value, dict):
        return {str(key): "" if item is None else str(item) for key, item in value.items()}
    return {str(item).partition("=")[0]: str(item).partition("=")[2] for item in _list(value) if item}


def _ulimits(value: Any) -> Iterator[Ulimit]:
    if isinstance(value, dict):
        for name, limit in value.items():
            yield Ulimit(str(name), str(limit.get("soft") if isinstance(limit, dict) else limit))
