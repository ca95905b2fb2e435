"""Ways in which a server can differ from what its stack promised, and which tests of tests/infra must say so.

Each fault names the tests that turn red, exactly these, and the words that each of their messages shows: the wish,
read from the outputs, and the fact that the fault made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# Tests that look at the running process, or ask the server: a server that is away fails them all.
_OF_THE_PROCESS = (
    "test_it_runs_as_the_declared_user",
    "test_its_root_filesystem_is_read_only",
    "test_it_has_no_capability_and_cannot_gain_one",
    "test_it_cannot_gain_privileges",
    "test_shared_memory_has_the_planned_size",
    "test_the_ipc_namespace_is_its_own",
    "test_the_ulimit_is_the_planned_one[memlock]",
    "test_the_ulimit_is_the_planned_one[nofile]",
    "test_the_ulimit_is_the_planned_one[stack]",
    "test_the_memory_limit_is_the_planned_one",
    "test_there_is_no_more_swap_than_planned",
    "test_the_cpu_limit_is_the_planned_one",
    "test_the_process_limit_is_the_planned_one",
    "test_it_is_mounted_read_only",
    "test_the_server_can_write_its_compile_cache",
)
_KV = "test_the_kv_cache_is_the_planned_one"
_OF_THE_ENDPOINT = (
    "test_it_is_healthy",
    "test_it_is_the_planned_release",
    "test_it_serves_the_model_with_the_planned_context",
    f"{_KV}[block_size-kv_block_tokens]",
    f"{_KV}[num_gpu_blocks-kv_blocks]",
    f"{_KV}[kv_cache_size_tokens-kv_tokens]",
    f"{_KV}[kv_cache_max_concurrency-kv_concurrency]",
    "test_it_answers_with_text",
)
_KV_SIZE = tuple(test for test in _OF_THE_ENDPOINT if test.startswith(_KV) and "block_size" not in test)


def _all(tests: tuple[str, ...], *words: str) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(tests, words)


@dataclass(frozen=True)
class ServerFault:
    """A server started by hand with something else than promised.

    `options` are docker's, by name: another value, or None for one that is left out. `arguments` come after the
    promised ones. `before` and `after` are run on the host around its start, with $name, $volume (a model of its own)
    and $cache. `reds` maps each test that must fail to words of its message, with `{plan[…]}` and `{expected[…]}`.
    """

    name: str
    reds: Mapping[str, tuple[str, ...]]
    options: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    behaviour: str = ""
    before: str = ""
    after: str = ""


SERVER_FAULTS = (
    ServerFault("nothing", reds={}),
    # --- which container -----------------------------------------------------------------------------------------
    ServerFault(
        "stopped",
        reds={
            "test_the_promised_container_runs": ("is_running",),
            "test_it_is_the_only_one_of_its_service": ("[] ==",),
            "test_its_port_is_bound_to_the_declared_address_alone": ("{{}} ==", "{expected[bind_address]}"),
            "test_it_runs_the_declared_arguments": ("",),
            **_all(_OF_THE_PROCESS, "is exited, not running"),
            **_all(_OF_THE_ENDPOINT, "refused"),
        },
        after="docker stop -t 0 $name",
    ),
    ServerFault(
        "a second one beside it",
        reds={"test_it_is_the_only_one_of_its_service": ("-second",)},
        after="docker run --detach --name $name-second --label gpuhost.service=$name --network none "
        "--volume $volume:$folder:ro $image $folder",
    ),
    ServerFault(
        "another image",
        reds={"test_its_image_is_the_pinned_one": ("{expected[image]}", "sha256:")},
        behaviour="slow:0",
    ),
    # --- what it may do ------------------------------------------------------------------------------------------
    ServerFault(
        "another user",
        options={"--user": ("2001:0",)},
        reds={"test_it_runs_as_the_declared_user": ("{expected[user]}", "2001:0")},
    ),
    ServerFault(
        "a root filesystem to write on",
        options={"--read-only": None},
        reds={"test_its_root_filesystem_is_read_only": ("read_only=False",)},
    ),
    ServerFault(
        "capabilities kept",
        options={"--cap-drop": None},
        reds={"test_it_has_no_capability_and_cannot_gain_one": ("== 0", "capabilities")},
    ),
    ServerFault(
        "new privileges",
        options={"--security-opt": None},
        reds={"test_it_cannot_gain_privileges": ("can_gain_privileges", "True")},
    ),
    ServerFault(
        "open to every address",
        options={"--publish": ("0.0.0.0:$port:$port",)},
        reds={"test_its_port_is_bound_to_the_declared_address_alone": ("{expected[bind_address]}", "0.0.0.0")},
    ),
    # --- how it is limited ---------------------------------------------------------------------------------------
    ServerFault(
        "less shared memory",
        options={"--shm-size": ("64m",)},
        reds={"test_shared_memory_has_the_planned_size": ("{plan[shm_mib][value]}", "67108864")},
    ),
    ServerFault(
        "the host's IPC namespace",
        options={"--ipc": ("host",)},
        reds={
            "test_the_ipc_namespace_is_its_own": ("shares_ipc_with_host", "True"),
            # Its record still shows the promised size: only a look from inside tells.
            "test_shared_memory_has_the_planned_size": ("{plan[shm_mib][value]}",),
        },
    ),
    ServerFault(
        "less locked memory",
        options={"--ulimit memlock": ("memlock=65536:65536",)},
        reds={"test_the_ulimit_is_the_planned_one[memlock]": ("{expected[ulimits][memlock][0]}", "65536")},
    ),
    ServerFault(
        "fewer open files",
        options={"--ulimit nofile": ("nofile=1024:4096",)},
        reds={"test_the_ulimit_is_the_planned_one[nofile]": ("{expected[ulimits][nofile][0]}", "1024, 4096")},
    ),
    ServerFault(
        "a smaller stack",
        options={"--ulimit stack": ("stack=8388608:8388608",)},
        reds={"test_the_ulimit_is_the_planned_one[stack]": ("{expected[ulimits][stack][0]}", "8388608")},
    ),
    ServerFault(
        "less memory",
        after="docker update --memory 1g --memory-swap 1g $name",
        reds={"test_the_memory_limit_is_the_planned_one": ("{plan[container_memory_mib][value]}", "1073741824")},
    ),
    ServerFault(
        "swap",
        after="docker update --memory-swap $((memory + 100))m $name",
        reds={"test_there_is_no_more_swap_than_planned": ("104857600", "(0 *")},
    ),
    ServerFault(
        "fewer CPUs",
        after="docker update --cpus 0.5 $name",
        reds={"test_the_cpu_limit_is_the_planned_one": ("0.5 == {plan[cpus][value]}",)},
    ),
    ServerFault(
        "more processes",
        after="docker update --pids-limit 5000 $name",
        reds={"test_the_process_limit_is_the_planned_one": ("5000 == {plan[pids_limit][value]}",)},
    ),
    # --- what it serves ------------------------------------------------------------------------------------------
    ServerFault(
        "a model file altered",
        before="echo >> $(docker volume inspect --format '{{.Mountpoint}}' $volume)/config.json",
        reds={"test_every_file_has_its_locked_hash": ("{expected[model_files][config.json][sha256]}", "config.json")},
    ),
    ServerFault(
        "a file that is not the model's",
        before="echo x > $(docker volume inspect --format '{{.Mountpoint}}' $volume)/sitecustomize.py",
        reds={"test_every_file_has_its_locked_hash": ("sitecustomize.py",)},
    ),
    ServerFault(
        "a model that the server may alter",
        options={"--volume model": ("$volume:$folder",)},
        reds={"test_it_is_mounted_read_only": ("read_only=False",)},
    ),
    ServerFault(
        "a compile cache of root's",
        before="chown 0:0 $(docker volume inspect --format '{{.Mountpoint}}' $cache)",
        reds={"test_the_server_can_write_its_compile_cache": ("{expected[user]}", "0:0")},
    ),
    ServerFault(
        "another setting in the environment",
        options={"--env HF_HUB_OFFLINE": ("HF_HUB_OFFLINE=0",)},
        reds={"test_it_has_the_declared_environment": ("HF_HUB_OFFLINE", "'0'", "'1'")},
    ),
    ServerFault(
        "usage statistics",
        options={"--env VLLM_NO_USAGE_STATS": ("VLLM_NO_USAGE_STATS=0",)},
        reds={
            "test_it_has_the_declared_environment": ("VLLM_NO_USAGE_STATS", "'0'", "'1'"),
            "test_it_reports_no_usage_statistics": ("'0' == '1'",),
        },
    ),
    ServerFault(
        "another argument",
        arguments=("--max-num-seqs", "99"),
        reds={"test_it_runs_the_declared_arguments": ("wish:", "'99'")},
    ),
    ServerFault(
        "a shorter context",
        arguments=("--max-model-len", "256"),
        reds={
            "test_it_runs_the_declared_arguments": ("wish:", "'256'"),
            "test_it_serves_the_model_with_the_planned_context": ("{plan[max_model_len][value]}", "256"),
            f"{_KV}[kv_cache_max_concurrency-kv_concurrency]": ("{plan[kv_concurrency][value]}", "fact:"),
        },
    ),
    ServerFault(
        "another name of the model",
        arguments=("--served-model-name", "other"),
        reds={
            "test_it_runs_the_declared_arguments": ("wish:", "'other'"),
            "test_it_serves_the_model_with_the_planned_context": ("{model}", "other"),
        },
    ),
    ServerFault(
        "a smaller KV cache",
        arguments=("--kv-cache-memory-bytes", "524288"),
        reds={
            "test_it_runs_the_declared_arguments": ("wish:", "'524288'"),
            **_all(_KV_SIZE, "wish:", "fact:"),
        },
    ),
    ServerFault(
        "smaller blocks of the KV cache",
        arguments=("--block-size", "64"),
        reds={
            "test_it_runs_the_declared_arguments": ("wish:", "'64'"),
            f"{_KV}[block_size-kv_block_tokens]": ("{plan[kv_block_tokens][value]}", "fact: 64"),
            f"{_KV}[num_gpu_blocks-kv_blocks]": ("{plan[kv_blocks][value]}", "fact:"),
        },
    ),
    ServerFault(
        "a key that nobody was told",
        options={"--env VLLM_API_KEY": ("VLLM_API_KEY=unknown-to-clients",)},
        reds={
            "test_it_serves_the_model_with_the_planned_context": ("401",),
            "test_it_answers_with_text": ("401",),
        },
    ),
    ServerFault(
        "not healthy",
        behaviour="never_healthy",
        reds={
            "test_its_image_is_the_pinned_one": ("{expected[image]}", "sha256:"),
            **_all(_OF_THE_ENDPOINT, "Connection"),
        },
    ),
)
