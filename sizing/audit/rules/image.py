"""The image, the GPU it needs, and whether vLLM is what it starts."""

import re

from sizing.audit.finding import Case, Findings, fatal, fine, harmful


def image_findings(case: Case) -> Findings:
    """How the program is started, the tag, the device, the model's place."""
    program, image = case.launch.program, case.image
    if program.problem:
        severity = fatal if program.known else harmful
        yield severity("command", program.problem, _start(case))
    for warning in case.launch.warnings:
        yield harmful("command", warning, "a backslash as the last character of every line but the last")
    if not case.contained:
        return
    if image.moving:
        yield harmful(
            f"image {image.reference}",
            f"{'has no tag' if image.tag is None else 'the tag moves'}: options come and go with every release",
            f"{image.name}:v{case.version}@sha256:…",
        )
    told = image.vllm_version
    if told is not None and told != case.version:
        yield fine(
            f"image {image.reference}",
            f"says {told}; judged by the options of {case.version}",
            f"--vllm {told} where there is a table",
        )
    yield from _gpu(case)
    yield from _model(case)


def _start(case: Case) -> str:
    if case.image.starts == "vllm":
        return "only the arguments of `vllm serve` after the image: MODEL --option …"
    return "begin the command with: vllm serve MODEL"


def _gpu(case: Case) -> Findings:
    settings = case.settings
    if case.image.accelerator != "cuda":
        return
    if case.host is not None and case.host.gpu is None:
        yield fatal(
            f"image {case.image.reference}", f"is a CUDA image and '{case.host.name}' has no GPU", "a CPU image"
        )
        return
    if settings.gpus is None and settings.runtime != "nvidia":
        yield fatal(
            "--gpus",
            "no GPU is handed to the container: vLLM stops with 'Failed to infer device type'",
            "--gpus all" if case.launch.kind != "podman" else "--device nvidia.com/gpu=all",
        )
    wanted = case.number("tensor_parallel_size") or 1
    if case.host is not None and case.host.gpu is not None and wanted > case.host.gpu.count:
        yield fatal(
            case.spelled("tensor_parallel_size"),
            f"'{case.host.name}' has {case.host.gpu.count} GPU",
            "drop it",
        )


def _model(case: Case) -> Findings:
    model = case.model
    if not case.launch.program.known or case.report.malformed:
        return
    if not model:
        if "config" not in case.report.values:
            yield harmful("model", "none is named: vLLM serves its default, Qwen/Qwen3-0.6B", "name the model first")
        return
    targets = [_target(volume) for volume in case.settings.volumes]
    if any("$" in target for target in targets) or "$" in model or case.image.starts != "vllm":
        return
    if model.startswith("/") and not any(
        model == target or model.startswith(target.rstrip("/") + "/") for target in targets
    ):
        yield fatal(
            model,
            "no volume is mounted there, so the folder does not exist in the container",
            "mount it: -v DIR:/models:ro",
        )


def _target(volume: str) -> str:
    named = re.search(r"(?:target|dst|destination)=([^,]+)", volume)
    if named:
        return named.group(1)
    parts = volume.split(":")
    return parts[1] if len(parts) > 1 else parts[0]
