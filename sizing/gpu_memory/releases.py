"""What a vLLM release does while it decides how much memory is left for the KV cache.

Each field was read from the published package of the releases named beside it (`v1/worker/gpu_worker.py`,
`v1/worker/gpu_model_runner.py`, `v1/worker/gpu/`, `v1/sample/ops/topk_topp_sampler.py`, `config/vllm.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal

Sampler = Literal["sort", "flashinfer", "triton", "gumbel"]
Release = tuple[int, int]

# Build dates of the published packages: a start without a version ran at most the release before its date.
BUILT: tuple[tuple[Release, date], ...] = (
    ((0, 6), date(2024, 9, 4)),
    ((0, 7), date(2025, 1, 27)),
    ((0, 8), date(2025, 3, 18)),
    ((0, 9), date(2025, 5, 27)),
    ((0, 10), date(2025, 7, 24)),
    ((0, 11), date(2025, 10, 3)),
    ((0, 12), date(2025, 12, 3)),
    ((0, 13), date(2025, 12, 19)),
    ((0, 14), date(2026, 1, 18)),
    ((0, 15), date(2026, 1, 29)),
    ((0, 16), date(2026, 2, 25)),
    ((0, 17), date(2026, 3, 7)),
    ((0, 18), date(2026, 3, 20)),
    ((0, 19), date(2026, 4, 2)),
    ((0, 20), date(2026, 4, 24)),
    ((0, 21), date(2026, 5, 15)),
    ((0, 22), date(2026, 6, 1)),
    ((0, 23), date(2026, 6, 15)),
    ((0, 24), date(2026, 6, 29)),
    ((0, 25), date(2026, 7, 11)),
    ((0, 26), date(2026, 7, 25)),
    ((0, 27), date(2026, 8, 10)),
    ((0, 28), date(2026, 8, 25)),
    ((0, 30), date(2026, 9, 22)),
    ((0, 32), date(2026, 10, 17)),
    ((0, 33), date(2026, 11, 1)),
)
NEWEST: Release = BUILT[-1][0]
# Architectures each release gives to its second model runner ("V2"); from 0.25 every dense model joins,
# from 0.29 every model. Before 0.24 only when not quantised.
SECOND_RUNNER: dict[Release, frozenset[str]] = {
    (0, 22): frozenset({"Qwen3ForCausalLM"}),
    (0, 23): frozenset({"LlamaForCausalLM", "MistralForCausalLM", "Qwen3ForCausalLM"}),
    (0, 24): frozenset(
        {
            "Qwen3ForCausalLM",
            "DeepseekV2ForCausalLM",
            "Qwen2MoeForCausalLM",
            "GraniteMoeForCausalLM",
            "LlamaForCausalLM",
            "MistralForCausalLM",
        }
    ),
    (0, 25): frozenset({"DeepseekV2ForCausalLM", "Qwen2MoeForCausalLM", "GraniteMoeForCausalLM"}),
}


def parse_release(text: str) -> Release | None:
    """(minor, patch-free) release of a version string: '0.28.1rc1.dev50+g…' is (0, 28); None if there is none."""
    found = re.match(r"\s*v?(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else None


def newest_before(day: date) -> Release:
    """The newest release built up to `day`; the oldest known one for earlier days."""
    return next((release for release, built in reversed(BUILT) if built <= day), (0, 5))


@dataclass(frozen=True, slots=True)
class Engine:
    """The engine of one release, for one model."""

    release: Release
    first_engine: bool  # the engine before V1, gone in 0.11
    second_runner: bool  # the model runner that vLLM's source calls V2
    sampler: Sampler

    @property
    def default_utilization(self) -> float:
        return 0.92 if self.release >= (0, 20) else 0.90

    @property
    def subtracts_graphs(self) -> bool:
        """0.20 turned the estimate on for the first runner; the second one returned 0 until 0.29."""
        if self.first_engine:
            return False
        return self.release >= ((0, 29) if self.second_runner else (0, 20))

    @property
    def keeps_moe_workspace(self) -> bool:
        """From 0.13 the experts' buffers live in one workspace that stays allocated through the sampler."""
        return self.release >= (0, 13)

    @property
    def scatters_images(self) -> bool:
        """0.11 and 0.12 copy each profiled image's embeddings into a buffer of the whole encoder budget."""
        return (0, 11) <= self.release <= (0, 12)

    @property
    def benchmarks_kernels(self) -> bool:
        """A cold compile benchmarks its kernels on random inputs as large as the embedding table."""
        return self.release >= (0, 20)

    @property
    def charges_card(self) -> bool:
        """V1 in 0.8 took everything in use on the card off the budget, CUDA contexts and other processes too."""
        return not self.first_engine and self.release == (0, 8)

    @property
    def counts_consumed(self) -> bool:
        """From 0.27 what stays allocated is measured on the device, fragments included."""
        return self.release >= (0, 27)


def uses_second_runner(release: Release, architecture: str, quantized: bool, mixture: bool) -> bool:
    if release >= (0, 29):
        return True
    if release >= (0, 25):
        return not mixture or architecture in SECOND_RUNNER[(0, 25)]
    known = architecture in SECOND_RUNNER.get(release, frozenset())
    return known and (release >= (0, 24) or not (quantized or mixture))


def sampler_of(release: Release, second_runner: bool, flashinfer: bool) -> Sampler:
    """The top-k/top-p path the profile run takes.

    `flashinfer`: the FlashInfer package is installed and not switched off. V1 took it when it found it up to
    0.11, needed an opt-in from 0.12 and takes it by default again from 0.21; without it a sort did the work
    until 0.16 and a Triton kernel does since 0.17. NVIDIA's own images opt in.
    """
    if second_runner:
        return "gumbel"
    if flashinfer:
        return "flashinfer"
    return "triton" if release >= (0, 17) else "sort"


def engine_of(
    release: Release,
    architecture: str,
    *,
    quantized: bool,
    mixture: bool,
    first_engine: bool | None = None,
    flashinfer: bool | None = None,
) -> Engine:
    """`first_engine` None: V0 before 0.8. `flashinfer` None: the default from 0.21, and in the container image of
    0.9 and 0.10; 0.8 and 0.11 are taken without it, which leaves less for the KV cache."""
    old = release < (0, 8) if first_engine is None else first_engine
    second = not old and uses_second_runner(release, architecture, quantized, mixture)
    usual = (0, 9) <= release <= (0, 10) or release >= (0, 21)
    present = usual if flashinfer is None else flashinfer
    sampler: Sampler = "sort" if old else sampler_of(release, second, present)
    return Engine(release, old, second, sampler)
