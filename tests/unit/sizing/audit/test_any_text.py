"""Whatever is on standard input, the audit answers or names the place; it never breaks."""

from hypothesis import given, settings
from hypothesis import strategies as st

from hosts.catalogue import shapes
from sizing.audit.judge import judge
from sizing.audit.launch import UnreadableError
from sizing.audit.read import read_launch

WORDS = """
docker podman run -d -it --gpus all --gpus= -p 8000:8000 --shm-size 8g --memory x --cpus=2 --ipc=host --restart
vllm/vllm-openai vllm/vllm-openai:v0.32.0 nvcr.io/nvidia/vllm:1 m --model --max-model-len 32k auto -1 -tp 2
--kv-cache-dtype fp8 --api-key --foo=1 -O3 -cc.mode 3 serve vllm bash -c 'a " b' $X ${Y:-z} ${ $( ` # > < && | ; ( )
{ } <k> -- - = services: image: command: entrypoint: environment: [ ] & * << >-
"""
PIECES = st.sampled_from([*WORDS.split(), "\\\n", "\n", "\n  ", "\t"])
MIXED = st.lists(PIECES, max_size=25).map(" ".join)
RUN_LINES = MIXED.map(lambda words: f"docker run --gpus all vllm/vllm-openai:v0.32.0 {words}")
SERVICES = MIXED.map(lambda words: f"services:\n  llm:\n    image: vllm/vllm-openai\n    command: {words}\n")
TEXTS = st.one_of(st.text(max_size=200), MIXED, RUN_LINES, SERVICES)


@settings(max_examples=400, deadline=None)
@given(text=TEXTS, version=st.sampled_from(["0.20.2", "0.32.0", "0.33.0"]), host=st.sampled_from([None, *shapes()]))
def test_any_text(text: str, version: str, host: str | None) -> None:
    try:
        launch = read_launch(text)
    except UnreadableError:
        return
    answer = judge(launch, version, shapes()[host] if host else None).as_json()
    assert answer["parses"] in {True, False, None}
