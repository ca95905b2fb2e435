"""Findings beyond the guide's."""

import pytest

from hosts.catalogue import Shape, shape_named
from sizing.audit.judge import judge
from sizing.audit.read import read_launch

HOST = shape_named("guide-21g-8c-32g")
IMAGE = "vllm/vllm-openai:v0.32.0"


def found(text: str, host: Shape | None = HOST, version: str = "0.32.0") -> dict[tuple[str, str], str]:
    """Severity and setting to evidence and correction."""
    verdict = judge(read_launch(text), version, host)
    return {(f.severity.value, f.setting): f"{f.evidence} -> {f.correction}" for f in verdict.findings}


def run(options: str = "", arguments: str = "m", image: str = IMAGE) -> str:
    return f"docker run --gpus all {options} {image} {arguments}\n"


@pytest.mark.parametrize(
    ("text", "severity", "setting", "says"),
    [
        (run("--cpus 16"), "fatal", "--cpus=16", "has 8 CPUs"),
        (run("--memory 20g"), "harmful", "--memory=20g", "--memory-swap"),
        (run("--memory 64g --memory-swap 64g"), "harmful", "--memory=64g", "limits nothing"),
        (run("--memory many"), "fatal", "--memory many", "no size"),
        (run("--rm --restart always"), "fatal", "--rm", "refuses"),
        (run("--privileged"), "harmful", "--privileged", "need no privilege"),
        (run("--network host -p 8000:8000"), "redundant", "-p 8000:8000", "discarded"),
        (run("--network host"), "harmful", "--network host", "every interface"),
        (run("-p 0.0.0.0:8000:8000"), "harmful", "-p 0.0.0.0:8000:8000", "/invocations"),
        (run("-e VLLM_SERVER_DEV_MODE=1"), "harmful", "VLLM_SERVER_DEV_MODE=1", "administrative"),
        (run("-e VLLM_USE_V1=0"), "redundant", "VLLM_USE_V1=0", "reads no such variable"),
        (run("-e VLLM_ATTENTION_BACKEND=X"), "redundant", "VLLM_ATTENTION_BACKEND=X", "--attention-backend"),
        (run("-e MAX_MODEL_LEN=4096"), "harmful", "MAX_MODEL_LEN=4096", "--max-model-len"),
        (run("-e HF_TOKEN=hf_abcdefghijk"), "harmful", "HF_TOKEN", "docker inspect"),
        (run("-e CUDA_VISIBLE_DEVICES=all"), "fatal", "CUDA_VISIBLE_DEVICES=all", "no GPU"),
        ("A=1 " + run(), "harmful", "command", "A in front"),
        (run(arguments="m --api-key k1"), "harmful", "--api-key", "process list"),
        (run(arguments="m --trust-remote-code"), "harmful", "--trust-remote-code", "Python code"),
        (run(arguments="m --gpu-mem 0.5"), "harmful", "--gpu-mem", "--gpu-memory-utilization"),
        (run(arguments="m --seed 1 --seed 2"), "harmful", "--seed", "more than once"),
        (run(arguments="--model m"), "redundant", "--model", "first argument"),
        (run(arguments="--port 8000"), "harmful", "model", "Qwen/Qwen3-0.6B"),
        (run(arguments="/models/m"), "fatal", "/models/m", "no volume"),
        (run(arguments="m -tp 2"), "fatal", "-tp 2", "has 1 GPU"),
        (run(arguments="m --enable-auto-tool-choice"), "fatal", "--enable-auto-tool-choice", "TypeError"),
        (run(arguments="m --swap-space 4"), "fatal", "--swap-space", "--kv-offloading-size"),
        (run(arguments="m --api-key"), "fatal", "--api-key", "expected at least one"),
        (run(arguments="m --limit-mm-per-prompt image=1"), "fatal", "--limit-mm-per-prompt image=1", '{"image": 1}'),
        (run(arguments="m --max-modle-len 4"), "fatal", "--max-modle-len", "did you mean --max-model-len?"),
        (run(arguments="m --kv-offloading-size 8"), "fatal", "--kv-offloading-size 8.0", "--shm-size=9g"),
        (run("--shm-size=32g", "m --kv-offloading-size 30"), "harmful", "--kv-offloading-size 30.0", "at most 20"),
        (run("--shm-size=9g --memory=9g", "m --kv-offloading-size 8"), "harmful", "--kv-offloading-size 8.0", "OOM"),
        (run("--shm-size=16g"), "redundant", "--shm-size=16g", "1g"),
        (run(image="vllm/vllm-openai"), "harmful", "image vllm/vllm-openai", "no tag"),
        (run(image="vllm/vllm-openai:v0.8.5"), "fine", "image vllm/vllm-openai:v0.8.5", "says 0.8.5"),
    ],
)  # fmt: skip
def test_finding(text: str, severity: str, setting: str, says: str) -> None:
    assert says in found(text)[severity, setting]


def test_a_launch_as_it_should_be_has_nothing_worse_than_fine() -> None:
    text = (
        "docker run -d --gpus all --shm-size=1g -p 127.0.0.1:8000:8000 -v /opt/models:/models:ro --memory=20g "
        "--memory-swap=20g -e HF_HUB_OFFLINE=1 -e VLLM_NO_USAGE_STATS=1 --restart on-failure:5 "
        "vllm/vllm-openai:v0.32.0 /models/m --served-model-name m --max-model-len 32768 --max-num-seqs 32 "
        "--max-num-queued-reqs 128\n"
    )
    assert {severity for severity, _ in found(text)} <= {"fine"}


def test_more_gpus_than_one_need_shared_memory() -> None:
    big = HOST.model_copy(update={"gpu": HOST.gpu.model_copy(update={"count": 2})})  # type: ignore[union-attr]
    assert ("fatal", "--shm-size") in found(run(arguments="m -tp 2"), big)
    assert ("fatal", "--shm-size") not in found(run("--shm-size=1g", "m -tp 2"), big)
    assert ("fatal", "--shm-size") not in found(run("--ipc=host", "m -tp 2"), big)


def test_a_cuda_image_cannot_start_without_a_gpu_and_a_cpu_image_can() -> None:
    sandbox = shape_named("sandbox")
    assert ("fatal", f"image {IMAGE}") in found(run(), sandbox)
    cpu = "docker run --shm-size=1g public.ecr.aws/q9t5s3a7/vllm-cpu-release-repo:v0.32.0 m"
    assert not [key for key in found(cpu, sandbox) if key[0] == "fatal"]
    assert ("fatal", "--block-size 16") in found(cpu + " --block-size 16", sandbox)


def test_the_restart_loop_is_told_only_where_the_start_fails() -> None:
    assert ("harmful", "--restart always") not in found(run("--restart always"))
    assert ("harmful", "--restart always") in found(run("--restart always", "m --foo"))


def test_the_image_says_which_release_judges_where_none_is_named() -> None:
    verdict = judge(read_launch(run(image="vllm/vllm-openai:v0.27.1-ubuntu2404")))
    assert verdict.version == "0.26.0"
    assert judge(read_launch(run(image="vllm/vllm-openai:latest"))).version == "0.33.0"


def test_no_finding_shows_a_key() -> None:
    text = run("-e HF_TOKEN=hf_hidden1 -e VLLM_API_KEY=hidden2", "m --api-key hidden3 --hf-token hf_hidden4")
    assert "hidden" not in str(found(text))
