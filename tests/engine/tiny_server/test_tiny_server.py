"""The STAND-IN server behaves as the tests that use it expect: surface, cache arithmetic, misbehaviour, image."""

# ruff: noqa: S310 - every URL is this file's own, on loopback

import gzip
import json
import os
import re
import socket
import subprocess
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hosts.lock import read_image_lock

HERE = Path(__file__).parent
TIMEOUT_S = 10


def build(*behaviour: str) -> Path:
    made = subprocess.run(["sh", str(HERE / "build.sh"), *behaviour], check=True, capture_output=True, text=True)
    return Path(made.stdout.strip())


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program out of the image's layer."""
    folder = tmp_path_factory.mktemp("image")
    with tarfile.open(build() / "image.tar") as archive:
        manifest = archive.extractfile("manifest.json")
        assert manifest is not None
        (layer,) = json.load(manifest)[0]["Layers"]
        packed = archive.extractfile(layer)
        assert packed is not None
        with tarfile.open(fileobj=gzip.GzipFile(fileobj=packed)) as tar:
            program = tar.extractfile("./usr/local/bin/vllm")
            assert program is not None
            (folder / "vllm").write_bytes(program.read())
    (folder / "vllm").chmod(0o755)
    return folder / "vllm"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    config = {"num_hidden_layers": 2, "num_key_value_heads": 2, "head_dim": 32, "max_position_embeddings": 32768}
    (tmp_path / "model/config.json").write_text(json.dumps(config))
    return tmp_path / "model"


class Server:
    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.base = f"http://127.0.0.1:{port}"

    def is_healthy(self) -> bool:
        try:
            return bool(urllib.request.urlopen(f"{self.base}/health", timeout=2).status == 200)
        except OSError:
            return False

    def await_healthy(self) -> float:
        started = time.monotonic()
        while not self.is_healthy():
            assert self.process.poll() is None, self.process.communicate()[1]
            assert time.monotonic() - started < TIMEOUT_S
            time.sleep(0.02)
        return time.monotonic() - started

    def get(self, path: str, key: str = "") -> str:
        request = urllib.request.Request(f"{self.base}{path}", headers={"Authorization": f"Bearer {key}"})
        body: bytes = urllib.request.urlopen(request, timeout=2).read()
        return body.decode()

    def post(self, path: str, content: dict[str, Any]) -> dict[str, Any]:
        request = urllib.request.Request(f"{self.base}{path}", json.dumps(content).encode())
        answer: dict[str, Any] = json.load(urllib.request.urlopen(request, timeout=2))
        return answer


Serve = Callable[..., Server]


@pytest.fixture
def serve(binary: Path, model: Path) -> Iterator[Serve]:
    started: list[subprocess.Popen[str]] = []

    def start(*flags: str, fail: str = "") -> Server:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = int(free.getsockname()[1])
        command = [str(binary), "serve", str(model), "--host", "127.0.0.1", "--port", str(port), *flags]
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "FAIL": fail},
        )
        started.append(process)
        return Server(process, port)

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_it_is_up_at_once_and_ends_on_sigterm(serve: Serve) -> None:
    server = serve()
    assert server.await_healthy() < 1
    server.process.terminate()
    assert server.process.wait(TIMEOUT_S) == 0


def test_models_and_chat_speak_the_served_name(serve: Serve) -> None:
    server = serve("--served-model-name", "tiny", "--max-model-len", "2k", "--unknown-flag", "x")
    server.await_healthy()
    (listed,) = json.loads(server.get("/v1/models"))["data"]
    assert (listed["id"], listed["max_model_len"]) == ("tiny", 2000)
    chat = {"model": "tiny", "messages": [{"role": "user", "content": "say this again"}]}
    answer = server.post("/v1/chat/completions", chat)
    assert answer["choices"][0]["message"]["content"] == "say this again"
    assert answer["usage"]["completion_tokens"] == 3
    with pytest.raises(urllib.error.HTTPError, match="404"):
        server.post("/v1/chat/completions", {**chat, "model": "other"})
    assert 'vllm:request_success_total{engine="0",model_name="tiny"} 1.0' in server.get("/metrics")


@pytest.mark.parametrize(
    ("flags", "tokens"),
    [
        (["--kv-cache-memory-bytes", "64M"], 131072),  # 64 MiB / (2 x 2 layers x 2 heads x 32 x 2 bytes)
        (["--kv-cache-memory-bytes", "64m"], 124928),  # 64,000,000 bytes are 976 whole blocks of 128 tokens
        (["--kv-cache-memory-bytes", "64M", "--kv-cache-dtype", "fp8"], 262144),
        (["--kv-cache-memory-bytes=67108864", "--block-size", "32"], 131072),
    ],
)
def test_cache_has_the_tokens_that_vllm_would_have(serve: Serve, flags: list[str], tokens: int) -> None:
    server = serve(*flags)
    server.await_healthy()
    info = re.search(r'vllm:cache_config_info\{.*kv_cache_size_tokens="(\d+)".*\} 1\.0', server.get("/metrics"))
    assert info is not None
    assert int(info[1]) == tokens


def test_a_key_guards_v1_and_nothing_else(serve: Serve) -> None:
    server = serve("--api-key", "k1", "k2")
    server.await_healthy()
    with pytest.raises(urllib.error.HTTPError, match="401"):
        server.get("/v1/models")
    assert json.loads(server.get("/v1/models", "k2"))["object"] == "list"
    assert "cache_config_info" in server.get("/metrics")


def test_never_healthy_lives_and_says_so(serve: Serve) -> None:
    server = serve(fail="never_healthy")
    time.sleep(1)
    assert server.process.poll() is None
    assert not server.is_healthy()
    server.process.terminate()
    assert "FAIL=never_healthy" in server.process.communicate(timeout=TIMEOUT_S)[1]


def test_crash_ends_with_an_error(serve: Serve) -> None:
    process = serve(fail="crash").process
    assert "ERROR" in process.communicate(timeout=TIMEOUT_S)[1]
    assert process.returncode == 1


def test_slow_comes_later_and_exit_after_goes(serve: Serve) -> None:
    assert 1 <= serve(fail="slow:1").await_healthy() < 3
    leaving = serve(fail="exit_after:1")
    leaving.await_healthy()
    assert leaving.process.wait(TIMEOUT_S) == 1


def test_a_file_in_the_model_directory_tells_the_behaviour(serve: Serve, model: Path) -> None:
    (model / "FAIL").write_text("crash\n")
    assert serve().process.wait(TIMEOUT_S) == 1


@pytest.mark.parametrize(
    ("flags", "fail", "complaint"),
    [
        ([], "sometimes", 'FAIL is "sometimes"'),
        (["--kv-cache-memory-bytes", "64MiB"], "", "argument --kv-cache-memory-bytes: invalid value"),
        (["--kv-cache-memory-bytes", "1M"], "", "the KV cache holds 2048 tokens, fewer than max_model_len 32768"),
    ],
)
def test_what_vllm_would_refuse_is_refused(serve: Serve, flags: list[str], fail: str, complaint: str) -> None:
    process = serve(*flags, fail=fail).process
    assert complaint in process.communicate(timeout=TIMEOUT_S)[1]
    assert process.returncode == 1


def test_building_again_gives_the_same_archive(tmp_path: Path) -> None:
    # Another cache; Go's own stays, it holds nothing of the image.
    cache = {"XDG_CACHE_HOME": str(tmp_path), "GOCACHE": go_cache()}
    again = subprocess.run(
        ["sh", str(HERE / "build.sh")],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **cache},
    )
    assert Path(again.stdout.strip(), "image.json").read_text() == (build() / "image.json").read_text()


def go_cache() -> str:
    go = subprocess.run(["sh", str(HERE.parents[2] / "toolchain/go.sh")], check=True, capture_output=True, text=True)
    found = subprocess.run([go.stdout.strip(), "env", "GOCACHE"], check=True, capture_output=True, text=True)
    return found.stdout.strip()


@pytest.mark.docker
def test_the_image_serves_under_hardened_terms(model: Path) -> None:
    folder = build()
    lock = read_image_lock(folder / "image.json")
    subprocess.run(["docker", "load", "--quiet", "--input", str(folder / lock.archive)], check=True)
    container = subprocess.run(
        ["docker", "run", "--detach", "--init", "--read-only", "--cap-drop", "ALL", "--user", "2000:0",
         "--security-opt", "no-new-privileges", "--pids-limit", "64", "--memory", "64m", "--network", "none",
         "--volume", f"{model}:/models/tiny:ro", lock.image_id, "/models/tiny", "--served-model-name", "tiny"],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    try:
        probe = "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health')"
        for _ in range(50):
            asked = subprocess.run(["docker", "exec", container, "python3", "-c", probe], check=False)
            if asked.returncode == 0:
                break
            time.sleep(0.1)
        assert asked.returncode == 0, subprocess.run(["docker", "logs", container], check=False)
    finally:
        subprocess.run(["docker", "rm", "--force", container], check=True, capture_output=True)
