"""Launches in every wrapping people give them."""

import pytest

from sizing.audit.judge import judge
from sizing.audit.launch import Launch, UnreadableError
from sizing.audit.read import read_launch
from sizing.flags import check_arguments, flag_table

LINE = "docker run --gpus all -p 8000:8000 vllm/vllm-openai:v0.32.0 org/m --port 8000"
WANTED = ("org/m", "--port", "8000")


def arguments(text: str) -> tuple[str, ...]:
    return read_launch(text).program.arguments


@pytest.mark.parametrize(
    "text",
    [
        LINE,
        f"sudo -E {LINE}",
        f"$ {LINE}",
        f"root@gpu:~# {LINE}",
        f"# {LINE}\n",
        f"ExecStart=/usr/bin/{LINE}\n",
        f"\t@{LINE}\n",
        f"CID=$({LINE})\necho $CID\n",
        f'CMD="{LINE}"\n$CMD\n',
        f"ssh gpu '{LINE}'",
        f"if true; then {LINE}; fi",
        f"{LINE} > vllm.log 2>&1 &",
        f"{LINE} >& vllm.log &",
        f"It's how we start it:\n\n```bash\n{LINE}\n```\n\nThat's all.\n",
        f"Here's the line:\n{LINE}\nIt doesn't need more.\n",
        LINE.replace("docker run", "docker container run"),
        LINE.replace("docker run", "docker --context gpu run"),
        LINE.replace("docker run", "/usr/local/bin/nerdctl run"),
        LINE.replace("docker run --gpus all", "podman --cgroup-manager cgroupfs run --device nvidia.com/gpu=all"),
        LINE.replace(" --gpus", " \\\n  --gpus").replace(" org/m", " \\\n  org/m"),
        LINE.replace(" --gpus", " \\\n>   --gpus").replace(" org/m", " \\\n>   org/m"),
        LINE.replace(" --gpus", " `\n  --gpus").replace(" org/m", " `\n  org/m"),
        LINE.replace(" --gpus", " ^\r\n  --gpus").replace(" org/m", " ^\r\n  org/m"),
        LINE.replace("-p 8000:8000", "-itd -p8000:8000 --pids-limit -1 --rm=true -e=A=b"),
        f"docker stop x\n{LINE.replace('vllm/vllm-openai:v0.32.0 org/m --port 8000', 'redis')}\n{LINE}",
        'alias d="docker run -it --rm "\n' + LINE,
        LINE.replace("vllm/vllm-openai:v0.32.0", "--entrypoint vllm me/image serve"),
        LINE.replace("vllm/vllm-openai:v0.32.0", "--entrypoint '' vllm/vllm-openai vllm serve"),
        LINE.replace("vllm/vllm-openai:v0.32.0", "me/image vllm serve"),
        LINE.replace("vllm/vllm-openai:v0.32.0", "nvcr.io/nvidia/vllm:26.01-py3 vllm serve"),
        LINE.replace("vllm/vllm-openai:v0.32.0", "me/image python3 -m vllm.entrypoints.openai.api_server"),
        LINE.replace("vllm/vllm-openai:v0.32.0", "--entrypoint python3 me/image -m vllm.entrypoints.openai.api_server"),
        "docker run --gpus all me/image bash -lc 'pip install x && A=1 exec vllm serve org/m --port 8000'",
        "docker run --gpus all --entrypoint /bin/sh me/image -c \"vllm serve org/m --port 8000 | tee log\"",
        "vllm serve org/m --port 8000",
        "> " + LINE.replace(" org/m", " \\\n>   org/m") + "\n\nand so on\n",
        f"> Or so:\n> ```sh\n> {LINE}\n> ```\n",
        f"C:\\Users\\me>{LINE}",
        f"PS C:\\Users\\me> {LINE}",
        f"!{LINE}",
        f"Start it with\n```{LINE}```\n",
        LINE.replace("docker run", "$DOCKER run"),
        LINE.replace("docker run", '"${CONTAINER_ENGINE}" run'),
        LINE.replace("docker run", "$(PODMAN) run"),
        f"cmd=({LINE}\n)\n" + '"${cmd[@]}"\n',
        "cat > x.service <<EOF\nExecStart=/usr/bin/" + LINE.replace(" org/m", " \\\\\n  org/m") + "\nEOF\n",
        LINE.replace("docker run", "docker run --entrypoint sleep vllm/vllm-openai inf\ndocker run"),
        f"```\ndocker run vllm/vllm-openai python3 -c 'import torch'\n```\n```\n{LINE}\n```\n",
        f"```\ndocker run --gpus all --name\n```\n```\n{LINE}\n```\n",
        LINE.replace("--gpus all", "$GPU_FLAGS"),
        LINE.replace("-p 8000:8000", '%MOUNTS% "${DOCKER_ARGS[@]}" {{ extra }}'),
        "GPU=()\n" + LINE.replace("--gpus all", '--gpus all "${GPU[@]}"'),
    ],
)  # fmt: skip
def test_the_same_arguments_in_every_wrapping(text: str) -> None:
    assert arguments(text) == WANTED


SERVICE = """\
    image: vllm/vllm-openai:v0.32.0
    deploy: {resources: {reservations: {devices: [{driver: nvidia, count: 1, capabilities: [gpu]}]}}}
"""


@pytest.mark.parametrize(
    "command",
    [
        "command: org/m --port 8000",
        "command: >-\n      org/m\n      --port 8000\n",
        "command: |\n      org/m\n      --port 8000\n",
        'command: ["org/m", "--port", "8000"]',
        "command: [org/m, --port, 8000] # a comment",
        "command:\n      - ${MODEL:-org/m}\n      # - --other\n      - --port\n      - ${PORT:-8000}",
        'entrypoint: ["vllm", "serve"]\n    command: org/m --port 8000',
        'entrypoint: ["vllm"]\n    command: serve org/m --port 8000',
        "entrypoint: python3 -m vllm.entrypoints.openai.api_server\n    command: org/m --port 8000",
        'entrypoint: ["/bin/sh", "-c"]\n    command:\n      - |\n        exec vllm serve org/m \\\n        --port 8000',
        'entrypoint: ["bash", "-c", "vllm serve org/m --port $${PORT:-8000}"]',
        'entrypoint: /bin/bash\n    command: -c "apt-get update && vllm serve org/m --port 8000"',
        'entrypoint: []\n    command: vllm serve org/m --port 8000',
    ],
)  # fmt: skip
def test_compose_services(command: str) -> None:
    launch = read_launch(f"services:\n  proxy:\n    image: nginx\n  llm:\n{SERVICE}    {command}\n")
    assert launch.service == "llm"
    assert launch.program.arguments == WANTED
    assert launch.settings.gpus


def test_a_service_may_come_without_its_file_or_name_and_extend_another() -> None:
    assert arguments("  llm:\n    image: vllm/vllm-openai\n    command: org/m --port 8000\n") == WANTED
    assert arguments("image: vllm/vllm-openai\ncommand: org/m --port 8000\n") == WANTED
    extended = f"services:\n  base:\n{SERVICE}  llm:\n    extends: {{service: base}}\n    command: org/m --port 8000\n"
    assert read_launch(extended, "llm").program.arguments == WANTED
    assert read_launch(extended, "llm").settings.gpus == "1"


def test_anchors_merge_and_scalars_stay_as_written() -> None:
    text = (
        "x-a: &a {ipc: host}\nx-b: &b\n  image: vllm/vllm-openai:v0.32.0\nservices:\n  llm:\n"
        "    <<: [*a, *b]\n    command: [--gpu-memory-utilization, 0.90, --seed, 010, --x, yes]\n"
    )
    launch = read_launch(text)
    assert launch.settings.ipc == "host"
    assert launch.program.arguments == ("--gpu-memory-utilization", "0.90", "--seed", "010", "--x", "yes")


def test_a_masked_key_is_a_comment_to_yaml() -> None:
    folded = read_launch("services:\n  llm:\n    image: vllm/vllm-openai\n    command: m --api-key #### --port 1\n")
    assert folded.program.arguments == ("m", "--api-key")
    listed = read_launch(
        "services:\n  llm:\n    image: vllm/vllm-openai\n    command:\n      - --api-key\n      - ####\n"
    )
    assert listed.program.arguments == ("--api-key",)
    assert "is empty" in (listed.program.problem or "")


def test_a_file_of_anchors_cannot_explode_or_recurse() -> None:
    bomb = "a: &a [x,x]\n" + "".join(
        f"{n}: &{n} [*{p},*{p},*{p},*{p}]\n" for p, n in zip("abcdefghijk", "bcdefghijkl", strict=True)
    )
    assert (
        read_launch(bomb + f"services:\n  llm:\n{SERVICE}    labels: *l\n    command: org/m --port 8000\n").service
        == "llm"
    )
    with pytest.raises(UnreadableError, match="itself"):
        read_launch(
            "services:\n  llm: &l\n    image: vllm/vllm-openai\n    x: *l\n    extends: llm\n" + "    y: " + "[" * 2000
        )


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("docker run --gpus all --model x vllm/vllm-openai", 1, "--model"),
        ("docker run \\\n  -gpus all vllm/vllm-openai", 2, "-gpus"),
        ("docker run --gpus all --name", 1, "--name"),
        ("docker run --gpus all", 1, "all"),
        ("docker run -e A='b vllm/vllm-openai", 1, ""),
        ("services:\n  llm:\n    image: a\n   command: b\n", 4, "command: b"),
        ("hello world", 1, "hello"),
        ("  \n", 0, ""),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(text: str, line: int, word: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        read_launch(text)
    assert caught.value.line == line
    assert caught.value.word == word


def test_a_missing_backslash_drops_the_rest_and_one_glued_to_a_value_does_not() -> None:
    lost = read_launch(f"{LINE}\n  --max-model-len 4096\n")
    assert lost.program.arguments == WANTED
    assert "--max-model-len 4096 never reaches the container" in lost.warnings[0]
    assert arguments(LINE.replace(" --port", "\\\n  --port")) == WANTED


def verdict_of(text: str) -> tuple[bool | None, bool | None]:
    verdict = judge(read_launch(text), "0.32.0")
    return verdict.parses, verdict.starts


@pytest.mark.parametrize(
    ("text", "parses", "starts"),
    [
        (LINE, True, True),
        (LINE.replace("org/m", "vllm serve org/m"), False, False),
        (LINE.replace("vllm/vllm-openai:v0.32.0", "nvcr.io/nvidia/vllm:26.01-py3"), True, False),
        (LINE.replace("vllm/vllm-openai:v0.32.0", "--entrypoint /app/start.sh vllm/vllm-openai"), None, None),
        (LINE.replace("vllm/vllm-openai:v0.32.0", "--entrypoint 'vllm serve' vllm/vllm-openai"), True, False),
        ("docker run --gpus all me/vllm", None, None),
        ("docker run --gpus all me/vllm bash run.sh", None, None),
        ("docker run --gpus all --entrypoint sh vllm/vllm-openai -c vllm serve m", True, False),
        (LINE + " --max-model-len $LEN $EXTRA", True, True),
        ("LEN=many\n" + LINE + " --max-model-len $LEN", False, False),
        ("ARGS=(--max-model-len 4096\n --foo 1)\n" + LINE + ' "${ARGS[@]}"', False, False),
        (LINE.replace("--gpus all ", ""), True, False),
    ],
)
def test_verdicts(text: str, parses: bool | None, starts: bool | None) -> None:
    assert verdict_of(text) == (parses, starts)


def test_what_a_script_assigns_to_options_and_image() -> None:
    text = (
        "IMAGE=vllm/vllm-openai:v0.32.0\nOPTS='--gpus all --ipc=host'\nARGS='org/m --port 8000'\n"
        "docker run $OPTS $UNKNOWN_FLAGS $IMAGE $ARGS\n"
    )
    launch = read_launch(text)
    assert (launch.image, launch.program.arguments) == ("$IMAGE", ("$ARGS",))
    assert (launch.settings.gpus, launch.settings.ipc) == ("all", "host")
    assert verdict_of(text) == (True, True)
    assert read_launch("docker run $MY_IMAGE --model m").image == "$MY_IMAGE"
    assert read_launch("docker run $X --model m").image == "$X"
    assert read_launch("docker run $X serve m").image == "$X"
    assert read_launch("docker run $X me/image:1 --model m").image == "me/image:1"


@pytest.mark.parametrize(
    ("script", "arguments_given"),
    [
        ("A='--seed 1'\n", "--seed 1"),
        ("A=\nif x; then A='--foo 1'; fi\n", ""),
        ("if x; then A='--seed 1'; else A='--foo 1'; fi\n", "--seed 1"),
        ("case $1 in --a) A='--seed 1' ;; esac\n", "--seed 1"),
        ("A='--seed 1'\nA+=' --port 2'\n", "--seed 1 --port 2"),
        ('A="--seed 1"\nA="$A --port 2"\n', "--seed 1 --port 2"),
        ("A=(--seed 1)\nA+=(--port 2)\n", "--seed 1 --port 2"),
        ("export A='--seed 1'\n", "--seed 1"),
        ("A=(vllm serve\n org/m)\n", "org/m"),
        ('A=x\n' + 'A="$A$A$A$A"\n' * 40, None),
    ],
)  # fmt: skip
def test_assignments_count_as_the_shell_runs_them(script: str, arguments_given: str | None) -> None:
    report = judge(read_launch(script + "docker run me/vllm $A"), "0.32.0").report
    if arguments_given is not None:
        assert report == check_arguments(arguments_given.split(), flag_table("0.32.0"))


def test_a_redirection_at_the_start_of_a_continued_line_is_no_prompt() -> None:
    assert arguments('docker run me/vllm bash -c "vllm serve org/m \\\n  --port 8000 \\\n  > log 2>&1"') == WANTED


def test_templates_and_batch_variables_may_stand_for_any_value() -> None:
    for variable in ("{{ port }}", "{{port}}", "%PORT%", "$PORT", "$(PORT)", "${{ env.PORT }}"):
        text = LINE.replace("--port 8000", f"--port {variable}")
        assert verdict_of(text) == (True, True)
        assert arguments(text) == ("org/m", "--port", variable)


def test_the_first_launch_of_vllm_counts() -> None:
    launch: Launch = read_launch(f"docker run redis\n{LINE}\ndocker run -d vllm/vllm-openai other/m\n")
    assert launch.image == "vllm/vllm-openai:v0.32.0"


@pytest.mark.parametrize(
    "start",
    [
        "conda run --no-capture-output -n vllm python -m vllm.entrypoints.openai.api_server --model org/m",
        "uv run --python 3.12 vllm serve org/m",
        "timeout 60 vllm serve org/m",
        "nsys profile -o out sh -c 'exec vllm serve org/m'",
    ],
)
def test_a_launcher_in_front_of_vllm_is_not_an_argument_of_it(start: str) -> None:
    assert read_launch(f"docker run --gpus all me/server {start}").program.arguments[-1] == "org/m"
    assert read_launch("docker run --gpus all me/server conda run -n vllm run.sh").program.form == "other_program"


def test_a_compose_file_that_a_script_writes_is_read() -> None:
    compose = "services:\n  vllm:\n    image: vllm/vllm-openai\n    command: org/m --port 8000\n"
    for mark, end in (("<<'YAML'", "YAML"), ("<< EOF", "EOF"), ('<<-"EOF"', "EOF")):
        script = f"set -eu\ncat > compose.yml {mark}\n{compose}{end}\ndocker compose up -d\n"
        assert arguments(script) == WANTED
    assert arguments(f"cat <<EOF > my.env\nKEY=1\nEOF\n{LINE}") == ("org/m", "--port", "8000")


@pytest.mark.parametrize("words", ["sh -c ", "timeout 5 sh -c ", "uv "])
def test_endless_wrappers_are_read_in_time_or_refused(words: str) -> None:
    try:
        outcome: str = read_launch("docker run me/vllm " + words * 3000).program.form
    except UnreadableError as error:
        outcome = str(error)
    assert outcome in {"other_program", "a shell within a shell, nested too deeply"}
