"""The planner against recorded answers of vLLM's own code: one row in, one answer out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from sizing.geometry import UnsupportedModel, read_config
from sizing.kv.loaded import loaded_weight_bytes
from sizing.kv.pages import SPEC_NAMES, PoolGroup
from sizing.kv.plan import GIB, Capacity, KvPlan, plan_kv
from sizing.kv.refused import Refused
from sizing.kv.request import Device, KvFlags
from sizing.kv.selection import failing

# Recorded rows come from a machine where FlashMLA's binary is absent.
FLASHMLA_BUILT = False
NOT_LOOKED_AT = ("api_server_count",)


def replay_oracle(row: Mapping[str, Any], models: Mapping[str, Mapping[str, object]] | None = None) -> dict[str, Any]:
    """`{"id", "refused", "result"}` for a row; its model's config is `row["config"]` or `models[row["model"]]`.

    `refused` is False or the reason; `result` has the row's keys, as far as vLLM would have come.
    """
    answer: dict[str, Any] = {"id": row.get("id"), "refused": False, "result": None}
    config = row.get("config") or (models or {}).get(row.get("model", ""), {})
    try:
        plan = plan_kv(read_config(config), device_of(row), flags_of(row), flashmla_built=FLASHMLA_BUILT)
        available = row.get("available_kv_bytes")
        if available is None:
            return answer | {"result": decided(plan) | placed(plan)}
        capacity = plan.capacity(int(available))
        return answer | {"result": decided(plan) | placed(plan) | held(plan, capacity)}
    except Refused as refusal:
        return answer | {"refused": str(refusal), "result": until(refusal)}
    except (UnsupportedModel, ValidationError) as error:
        return answer | {"refused": str(error)}


def device_of(row: Mapping[str, Any]) -> Device:
    major, minor = str(row["compute_capability"]).split(".")
    return Device(
        name=str(row["gpu"]),
        compute_capability=(int(major), int(minor)),
        memory_bytes=int(float(row["total_memory_gib"]) * GIB),
    )


def flags_of(row: Mapping[str, Any]) -> KvFlags:
    flags = {k: v for k, v in dict(row.get("flags") or {}).items() if k not in NOT_LOOKED_AT}
    if flags.get("max_model_len") == -1:
        flags["max_model_len"] = "auto"
    return KvFlags(**flags)


def until(refusal: Refused) -> dict[str, Any] | None:
    """What vLLM had resolved when it refused."""
    plan = refusal.plan
    if plan is None:
        return None
    if refusal.stage == "kv_cache_config":
        return decided(plan) | placed(plan)
    broken = failing(plan.selections, plan.device, plan.kv_dtype)
    if broken is None:
        return decided(plan)
    return decided(plan) | {
        "attention_backends_valid": list(broken.valid),
        "attention_backends_invalid": {name: list(reasons) for name, reasons in broken.rejected.items()},
    }


def decided(plan: KvPlan) -> dict[str, Any]:
    """The engine configuration."""
    flags, quantization = plan.flags, plan.geometry.quantization
    eager = flags.enforce_eager
    offload = flags.kv_offloading_size
    return {
        "max_model_len": plan.context_tokens,
        "dtype": plan.dtype,
        "max_num_seqs": plan.max_num_seqs,
        "max_num_batched_tokens": plan.max_num_batched_tokens,
        "gpu_memory_utilization": flags.gpu_memory_utilization,
        "quantization": quantization.vllm_name if quantization else None,
        "cudagraph_mode": "NONE" if eager else "FULL_AND_PIECEWISE",
        "cudagraph_capture_sizes": list(plan.cudagraph_sizes),
        "max_cudagraph_capture_size": plan.cudagraph_sizes[-1] if plan.cudagraph_sizes else 0,
        "compilation_mode": "NONE" if eager else "VLLM_COMPILE",
        "kv_cache_dtype": plan.kv_dtype,
        "chunked_prefill": True,
        "prefix_caching": True,
        "async_scheduling": True,
        "executor": "uni",
        "disable_hybrid_kv_cache_manager": False,
        "kv_connector": "OffloadingConnector" if offload else None,
        "kv_offload_bytes": float(offload * GIB) if offload else None,
    }


def placed(plan: KvPlan) -> dict[str, Any]:
    """What follows from the attention backends."""
    return {
        "weight_bytes_before_repack": loaded_weight_bytes(plan.geometry, plan.dtype, plan.device.compute_capability),
        "attention_backend": list(plan.backends),
        "attention_selection": [
            {"valid_in_order": list(s.valid), "rejected": sorted(s.rejected)} for s in plan.selections
        ],
        "kv_cache_layout": plan.layout,
        "block_size_after_model": plan.block_tokens,
        "min_kv_bytes_for_max_model_len": plan.least_bytes,
    }


def held(plan: KvPlan, capacity: Capacity) -> dict[str, Any]:
    """The cache at the row's size."""
    return {
        "max_model_len": capacity.context_tokens,
        "kv_groups": [group_row(group, plan) for group in plan.pool.groups],
        "num_gpu_blocks": capacity.blocks,
        "kv_cache_size_tokens": capacity.tokens,
        "max_concurrency": capacity.concurrency,
        "block_size": min(group.page.block_tokens for group in plan.pool.groups),
        "blocks_per_max_len_request_by_group": list(capacity.blocks_by_group),
        "pool_bytes_per_block": plan.pool.block_bytes,
        "kv_bytes_per_token_all_layers": float(plan.kv_bytes_per_token),
    }


def group_row(group: PoolGroup, plan: KvPlan) -> dict[str, Any]:
    page, kind = group.page, group.page.group
    per_token = page.size_bytes / page.block_tokens
    return {
        "layers": group.layers,
        "spec": SPEC_NAMES[kind.kind],
        "layer_spec": SPEC_NAMES[kind.kind],
        "block_size": page.block_tokens,
        "page_size_bytes_per_layer": page.size_bytes,
        "bytes_per_token_per_layer": per_token,
        "bytes_per_token_group": per_token * group.layers,
        "num_kv_heads": kind.kv_heads,
        "head_size": kind.head_dim,
        "head_size_v": kind.value_head_dim,
        "sliding_window": kind.window_tokens if kind.kind == "sliding" else None,
        "page_size_padded": page.padded_bytes,
        "dtype": "uint8" if plan.kv_dtype.startswith("fp8") else plan.dtype,
    }
