"""What `--kv-offloading-size` really takes of the host's RAM, by release and model.

* From 0.28: one file in /dev/shm of the size asked for, every page faulted in and pinned.
* Before 0.28: pinned tensors, one a layer and GPU; the allocator rounds each up to a power of two. A public
  measurement on 0.26 (24 tensors a GPU) saw 1.92 times the size asked for, which this rule gives.
* Models with several kinds of KV layers keep that factor in any release until one is measured to be better.
"""

from fractions import Fraction

from sizing.geometry import ModelGeometry

MAPPED_FILE = (0, 28)
HYBRID_OVERHEAD = Fraction(192, 100)
LEAST_TENSOR_BYTES = 4096


def region_bytes(asked_bytes: int, model: ModelGeometry, vllm_version: str, gpus: int = 1) -> int:
    """Bytes of RAM an offload of `asked_bytes` occupies; never less than asked for."""
    if asked_bytes <= 0:
        return 0
    found = asked_bytes
    if _release(vllm_version) < MAPPED_FILE:
        tensors = max(1, model.layers) * gpus
        found = max(tensors * _power_of_two(-(-asked_bytes // tensors)), found)
    if len(model.kv_groups) > 1:
        found = max(found, int(asked_bytes * HYBRID_OVERHEAD))
    return found


def _release(version: str) -> tuple[int, int]:
    major, minor = version.removeprefix("v").split(".")[:2]
    return int(major), int(minor)


def _power_of_two(size: int) -> int:
    return 1 << (max(size, LEAST_TENSOR_BYTES) - 1).bit_length()
