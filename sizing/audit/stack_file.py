"""The stack file that deploys what a launch was after, with the numbers left to the plan."""

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from hosts.catalogue import Shape
from hosts.spec import HostSpec
from hosts.stack import Goal, StackConfig
from sizing.audit.images import image_of
from sizing.audit.judge import Verdict
from sizing.geometry import ModelGeometry
from sizing.geometry.path import from_path
from sizing.plan import plan

# An address set aside for documentation: the launch does not say where its host is.
ADDRESS = "192.0.2.10"
MODELS = "/opt/models"
_ROOT = Path(__file__).parents[2]
_KNOWN_CONFIGS = Path("sizing/models")
DEFAULT_CONTEXT_TOKENS = 8192
MOST_SEQUENCES = 256
CPU_IMAGE = "public.ecr.aws/q9t5s3a7/vllm-cpu-release-repo"

_HEADER = """\
# What the launch was after, as a stack: the plan derives every other number.
# Yours to fill in: ssh (address, keys), and the digest of the image.
"""


def corrected_stack(verdict: Verdict, host: Shape, config: Path | None = None) -> str:
    """The text of a stack file for `host`. With the model's config.json, given or known here, the goal is what
    the host can carry; without, it is one request at a time.

    Raises ValueError where the file is no config.json or the host cannot carry one request of the context.
    """
    config = config or _known_config(verdict)
    model = None if config is None else from_path(config if config.exists() else _ROOT / config)
    data = _data(verdict, host, model, config or Path(_served_name(verdict)) / "config.json")
    StackConfig.model_validate(data)
    entries = {f"gpuhost:{name}": section for name, section in data.items()}
    return _HEADER + yaml.safe_dump({"config": entries}, sort_keys=False)


def _data(verdict: Verdict, host: Shape, model: ModelGeometry | None, config: Path) -> dict[str, Any]:
    name = _served_name(verdict)
    version = verdict.version
    image = image_of(verdict.launch.image)
    reference = verdict.launch.image if image.digest else f"{_official(image.name, host)}:v{version}"
    return {
        "hosts": [
            {
                "name": host.name,
                "shape": host.name,
                "ssh": {
                    "address": ADDRESS,
                    "host_key_file": f".gpuhost/{host.name}.pub",
                    "private_key_file": "~/.ssh/id_ed25519",
                },
                "bind_address": _bind_address(verdict),
            }
        ],
        "model": {"name": name, "host_path": _host_path(verdict), "config": str(config)},
        "goal": _goal(verdict, host, model, name),
        "server": {"vllm_version": version, "image": {"reference": reference}},
    }


def _goal(verdict: Verdict, host: Shape, model: ModelGeometry | None, name: str) -> dict[str, Any]:
    """The launch's context, and as many of its parallel requests as the host can run at full length.

    Raises ValueError where that is none.
    """
    values = verdict.report.values
    wanted = values.get("max_model_len")
    context = wanted if isinstance(wanted, int) and wanted > 0 else DEFAULT_CONTEXT_TOKENS
    context = context if model is None else min(context, model.context_tokens)
    goal: dict[str, Any] = {"context_tokens": context, "parallel_requests": 1}
    if values.keys() & {"kv_offloading_size", "api_server_count"}:
        goal["profile"] = "full"
    if model is None:
        return goal
    spec = HostSpec.model_validate({"name": host.name} | host.hardware())
    warnings = _warnings(goal, spec, model, verdict.version, name)  # raises where not even one fits
    sequences = values.get("max_num_seqs")
    low, high = 1, sequences if isinstance(sequences, int) and sequences > 0 else MOST_SEQUENCES
    while low < high:
        middle = (low + high + 1) // 2
        asked = goal | {"parallel_requests": middle}
        try:
            clean = len(_warnings(asked, spec, model, verdict.version, name)) <= len(warnings)
        except ValueError:
            clean = False
        low, high = (middle, high) if clean else (low, middle - 1)
    return goal | {"parallel_requests": low}


def _warnings(
    goal: Mapping[str, Any], host: HostSpec, model: ModelGeometry, version: str, name: str
) -> tuple[str, ...]:
    return plan(host, model, Goal.model_validate(goal), version, served_name=name).warnings


def _official(name: str, host: Shape) -> str:
    """The launch's image where it starts vLLM on such a host, else the project's own for it."""
    right = "cpu" if host.gpu is None else "cuda"
    image = image_of(name)
    if image.starts == "vllm" and image.accelerator == right:
        return name
    return CPU_IMAGE if host.gpu is None else "vllm/vllm-openai"


def _served_name(verdict: Verdict) -> str:
    given = verdict.report.values.get("served_model_name")
    name = str(given[0]) if isinstance(given, list) and given else PurePosixPath(_model(verdict)).name
    return re.sub(r"[^A-Za-z0-9._/-]+", "-", name).strip("-._/")[:96] or "model"


def _model(verdict: Verdict) -> str:
    return str(verdict.report.model or verdict.report.values.get("model") or "model")


def _known_config(verdict: Verdict) -> Path | None:
    """The config.json kept here whose name is the longest part of the model's, relative to the project."""
    name = PurePosixPath(_model(verdict)).name.lower()
    stems = [path.stem for path in (_ROOT / _KNOWN_CONFIGS).glob("*.json") if path.stem.lower() in name]
    return _KNOWN_CONFIGS / f"{max(stems, key=len)}.json" if stems else None


def _host_path(verdict: Verdict) -> str:
    """Where the model's folder lies on the host: looked up in the launch's volumes."""
    model = _model(verdict)
    for volume in verdict.launch.settings.volumes:
        source, _, rest = volume.partition(":")
        target = rest.partition(":")[0].rstrip("/")
        if source.startswith("/") and target and (model == target or model.startswith(target + "/")):
            return source.rstrip("/") + model.removeprefix(target)
    return f"{MODELS}/{PurePosixPath(model).name}"


def _bind_address(verdict: Verdict) -> str:
    """The address the launch published on, unless that was every one of them."""
    for port in verdict.launch.settings.ports:
        if re.fullmatch(r"\d+(\.\d+){3}", port.address) and port.address != "0.0.0.0":  # noqa: S104 - refused here
            return port.address
    return "127.0.0.1"
