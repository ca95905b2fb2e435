"""What the planner is asked: the flags that decide about the KV cache, and the device."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[int, Field(ge=1, le=2**40)]
KvDtype = Literal["auto", "float16", "bfloat16", "fp8", "fp8_e4m3", "fp8_e5m2"]


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Device(Frozen):
    """One GPU as vLLM sees it."""

    name: str
    compute_capability: tuple[int, int]
    memory_bytes: Positive


class KvFlags(Frozen):
    """Options of `vllm serve` by their own names; None means not set."""

    max_model_len: Positive | Literal["auto"] | None = None
    block_size: Positive | None = None
    max_num_seqs: Positive | None = None
    max_num_batched_tokens: Positive | None = None
    kv_cache_dtype: KvDtype = "auto"
    kv_offloading_size: float | None = Field(default=None, gt=0, description="GiB")
    enforce_eager: bool = False
    gpu_memory_utilization: float = Field(default=0.92, gt=0, le=1)
