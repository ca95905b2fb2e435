"""The settings of a start that move memory."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class StartOptions(BaseModel):
    """None means: what vLLM takes where the flag is absent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gpu_memory_utilization: float | None = Field(default=None, gt=0, le=1)
    max_model_len: int | None = Field(default=None, ge=1)
    max_num_batched_tokens: int | None = Field(default=None, ge=1)
    max_num_seqs: int | None = Field(default=None, ge=1)
    tensor_parallel: int = Field(default=1, ge=1)
    kv_element_bytes: int = Field(default=2, description="1 for fp8, 2 for fp16/bf16, 4 for float32")
    enforce_eager: bool = False
    max_cudagraph_capture_size: int | None = None
    cpu_offload_gib: float = 0.0
    lora_slots: int = 0
    lora_rank: int = 16
    offline: bool = Field(default=False, description="the LLM class instead of the server: larger default batch")
    compile_cache: Literal["cold", "warm"] = "cold"
    flashinfer: bool | None = Field(default=None, description="FlashInfer's sampler: present, switched off, unknown")
    first_engine: bool | None = Field(default=None, description="the V0 engine; None: by release")
    block_tokens: int = 16
