"""Hosts, models and goals to plan with: the published configs of the other tests, and machines of many sizes."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from hosts.catalogue import shape_named, shapes
from hosts.spec import GpuSpec, HostSpec
from hosts.stack import Goal
from sizing.geometry import ModelGeometry, UnsupportedModel, from_path, read_config

PROJECT = Path(__file__).parents[3]
ORACLE = Path(__file__).parent / "kv" / "data" / "vllm_oracle.json"
PUBLISHED = Path(__file__).parent / "geometry" / "data" / "model_configs.json"
GUIDE_MODEL = PROJECT / "sizing" / "models" / "mistral-7b-instruct-v0.3-awq.json"

CARDS = (
    ("A10G", 22.06, "8.6"),
    ("L4", 22.03, "8.9"),
    ("NVIDIA GeForce RTX 3090", 23.56, "8.6"),
    ("NVIDIA GeForce RTX 4090", 23.52, "8.9"),
    ("RTX 5090", 31.36, "12.0"),
    ("A100-SXM4-40GB", 39.39, "8.0"),
    ("A100-SXM4-80GB", 79.25, "8.0"),
    ("L40S", 44.42, "8.9"),
    ("NVIDIA H100 80GB HBM3", 79.18, "9.0"),
    ("NVIDIA H200", 139.8, "9.0"),
    ("NVIDIA B200", 178.4, "10.0"),
    ("Tesla T4", 14.56, "7.5"),
)


def host(shape: str, **changed: object) -> HostSpec:
    """A shape of the catalogue, with changes."""
    return HostSpec.model_validate({"name": "host"} | dict(shape_named(shape).hardware()) | changed)


@cache
def guide_model() -> ModelGeometry:
    return from_path(GUIDE_MODEL)


@cache
def models() -> Mapping[str, ModelGeometry]:
    """Every published config here that can be read."""
    configs: dict[str, Any] = dict(json.loads(ORACLE.read_text())["models"])
    configs |= {case["id"]: case["config"] for case in json.loads(PUBLISHED.read_text())["cases"]}
    found = {}
    for name, config in configs.items():
        try:
            found[name] = read_config(config)
        except UnsupportedModel:
            continue
    return found


def model(name: str) -> ModelGeometry:
    return models()[name]


@st.composite
def gpus(draw: st.DrawFn) -> GpuSpec:
    """A known card, sometimes a slice of it."""
    name, memory_gib, capability = draw(st.sampled_from(CARDS))
    share = draw(st.sampled_from((1.0, 0.97, 0.5)))
    count = draw(st.sampled_from((1, 2, 3, 4, 8)))
    return GpuSpec(
        name=name, memory_gib=max(4.0, round(memory_gib * share, 2)), compute_capability=capability, count=count
    )


@st.composite
def hosts(draw: st.DrawFn) -> HostSpec:
    """A machine of the catalogue, or one of any size, with or without GPUs and ceilings."""
    if draw(st.integers(0, 4)) == 0:
        return host(draw(st.sampled_from(sorted(shapes()))))
    limits = {
        "nofile": draw(st.none() | st.integers(1024, 1 << 20)),
        "memlock_kib": draw(st.none() | st.integers(64, 1 << 24)),
        "stack_kib": draw(st.none() | st.integers(1024, 1 << 18)),
    }
    return HostSpec.model_validate(
        {
            "name": "host",
            "cpus": draw(st.integers(1, 256)),
            "memory_gib": round(draw(st.floats(2, 2048)), 2),
            "gpu": draw(st.none() | gpus()),
            "limits": limits,
        }
    )


@st.composite
def goals(draw: st.DrawFn, most_tokens: int) -> Goal:
    """A goal within the model's context, with any of the optional figures."""
    context = draw(st.integers(16, most_tokens) | st.sampled_from((2048, 8192, 32768)))
    context = min(context, most_tokens)
    prompt = draw(st.none() | st.integers(1, context - 1))
    output = draw(st.none() | st.integers(1, context - (prompt or context // 2)))
    return Goal.model_validate(
        {
            "context_tokens": context,
            "parallel_requests": draw(st.integers(1, 64) | st.integers(1, 2000)),
            "requests_per_second": draw(st.none() | st.floats(0.01, 1000)),
            "ttft_s": draw(st.none() | st.floats(0.01, 100)),
            "latency_s": draw(st.none() | st.floats(0.01, 1000)),
            "prompt_tokens": prompt,
            "output_tokens": output,
            "shared_prefix_tokens": draw(st.integers(0, prompt or 0)),
            "profile": draw(st.sampled_from(("basic", "full", "latency", "throughput"))),
        }
    )
