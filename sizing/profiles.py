"""The guide's two starting points and two more: which of the feasible plans is preferred."""

from collections.abc import Mapping
from dataclasses import dataclass

from hosts.stack import Profile


@dataclass(frozen=True)
class Preference:
    """What a profile prefers among plans that all fit the host; none of it overrides the arithmetic.

    `batch_tokens`: steps to try, the first that costs no more than a twentieth of the KV cache is taken; None is
    vLLM's own. `smallest_batch`: take the smaller of the first and vLLM's own.
    """

    about: str
    meet_parallel: bool = False  # more GPUs, or an fp8 KV cache where the GPU computes in fp8, for the goal's requests
    fill_batch: bool = False  # as many sequences as the KV cache holds, instead of the goal's
    several_api_servers: bool = False
    offload: bool = False
    batch_tokens: tuple[int | None, ...] = (None,)
    smallest_batch: bool = False


PREFERENCES: Mapping[Profile, Preference] = {
    Profile.BASIC: Preference("vLLM's own defaults, the fewest GPUs, the model's own KV type"),
    Profile.FULL: Preference(
        "CPUs and RAM are used too: several API servers, a prefix cache in RAM, fp8 KV where it is needed and native",
        meet_parallel=True,
        several_api_servers=True,
        offload=True,
    ),
    Profile.LATENCY: Preference(
        "short steps: a long prompt delays running answers by 2048 tokens of work at most",
        meet_parallel=True,
        batch_tokens=(2048,),
        smallest_batch=True,
    ),
    Profile.THROUGHPUT: Preference(
        "long steps and a full batch, several API servers, fp8 KV where it is needed and native",
        meet_parallel=True,
        fill_batch=True,
        several_api_servers=True,
        batch_tokens=(8192, 4096, None),
    ),
}
MOST_API_SERVERS = 4
CPUS_PER_API_SERVER = 4


def api_servers(preference: Preference, cpus: int) -> int:
    """One, or one for each four CPUs: engine, worker and tokenizers want cores of their own."""
    return max(1, min(MOST_API_SERVERS, cpus // CPUS_PER_API_SERVER)) if preference.several_api_servers else 1
