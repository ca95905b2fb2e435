"""The KV cache of one server, exactly as vLLM 0.32.0 and 0.33.0 lay it out on one GPU."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from sizing.geometry import ModelGeometry
from sizing.kv.backends import Selection
from sizing.kv.batch import batch_limits
from sizing.kv.cuda_graphs import capture_sizes
from sizing.kv.dtype import ELEMENT_BYTES, running_dtype
from sizing.kv.pages import Page, Pool, pool_groups
from sizing.kv.refused import Refused
from sizing.kv.request import Device, KvFlags
from sizing.kv.selection import failing, reason, selections
from sizing.kv.served import refuse_unserved

GIB: Final = 2**30
DEFAULT_BLOCK: Final = 16
BATCHES_IN_FLIGHT: Final = 2  # asynchronous scheduling, on by default
# Backends whose kernels need larger blocks than the default.
PREFERRED_BLOCK: Final = {"FLASHINFER_MLA": 32, "TRITON_FLASHINFER": 64}


@dataclass(frozen=True, slots=True)
class KvPlan:
    """What is decided before memory is known. `context_tokens` is the longest for an automatic length."""

    geometry: ModelGeometry
    flags: KvFlags
    device: Device
    dtype: str
    kv_dtype: str
    context_tokens: int
    automatic_context: bool
    max_num_seqs: int
    max_num_batched_tokens: int
    cudagraph_sizes: tuple[int, ...]
    selections: tuple[Selection, ...]
    backends: tuple[str, ...]
    layout: str
    block_tokens: int
    pool: Pool

    @property
    def least_bytes(self) -> int:
        """The smallest KV cache at which the full context is accepted."""
        return self.pool.least_bytes(self.context_tokens)

    @property
    def kv_bytes_per_token(self) -> int:
        """Bytes a token takes over all layers of all groups."""
        return sum(g.layers * g.page.size_bytes // g.page.block_tokens for g in self.pool.groups)

    def capacity(self, kv_bytes: int) -> Capacity:
        """What a KV cache of this many bytes holds. Raises Refused where vLLM would not start."""
        context = self.context_tokens
        if self.automatic_context:
            context = self.pool.longest_context(kv_bytes, context)
            if context == 0:
                raise Refused(
                    "kv_cache_config",
                    "not even one token fits into "
                    f"{kv_bytes:,} bytes of KV cache; {self.pool.least_bytes(1):,} are needed",
                    self,
                )
        if kv_bytes <= self.pool.block_bytes:
            raise Refused(
                "kv_cache_config",
                f"{kv_bytes:,} bytes leave no memory for the KV cache; "
                f"{self.pool.least_bytes(context):,} are needed for {context:,} tokens",
                self,
            )
        if kv_bytes < self.pool.least_bytes(context):
            longest = self.pool.longest_context(kv_bytes, context)
            raise Refused(
                "kv_cache_config",
                f"one request of {context:,} tokens needs "
                f"{self.pool.least_bytes(context):,} bytes of KV cache and {kv_bytes:,} are there; "
                f"the longest context that fits is {longest:,} tokens",
                self,
                longest,
            )
        blocks = kv_bytes // self.pool.block_bytes
        concurrency = blocks / self.pool.blocks(context)
        return Capacity(
            context_tokens=context,
            blocks=blocks,
            concurrency=concurrency,
            tokens=int(concurrency * context),
            blocks_by_group=self.pool.blocks_by_group(context),
        )


@dataclass(frozen=True, slots=True)
class Capacity:
    """A KV cache of a known size. `blocks` includes the one vLLM reserves; `tokens` is the figure it logs."""

    context_tokens: int
    blocks: int
    concurrency: float
    tokens: int
    blocks_by_group: tuple[int, ...]


def plan_kv(geometry: ModelGeometry, device: Device, flags: KvFlags, *, flashmla_built: bool = True) -> KvPlan:
    """Decides everything about the KV cache but its size. Raises Refused where vLLM would not start."""
    refuse_unserved(geometry, device)
    dtype = running_dtype(geometry, device.compute_capability)
    context = resolved_context(geometry, flags)
    seqs, batched = batch_limits(flags, device, context)
    major, gpt_oss = device.compute_capability[0], geometry.model_type == "gpt_oss"
    kv_dtype = resolved_kv_dtype(geometry, flags)
    plan = KvPlan(
        geometry=geometry,
        flags=flags,
        device=device,
        dtype=dtype,
        kv_dtype=kv_dtype,
        context_tokens=context,
        automatic_context=flags.max_model_len == "auto",
        max_num_seqs=seqs,
        max_num_batched_tokens=batched,
        cudagraph_sizes=() if flags.enforce_eager else capture_sizes(seqs, batched, major, gpt_oss=gpt_oss),
        selections=selections(
            geometry,
            device,
            dtype=dtype,
            kv_dtype=kv_dtype,
            block_size=flags.block_size,
            flashmla_built=flashmla_built,
        ),
        backends=(),
        layout="",
        block_tokens=0,
        pool=Pool((), BATCHES_IN_FLIGHT * batched),
    )
    broken = failing(plan.selections, device, kv_dtype)
    if broken is not None:
        raise Refused("attention_backend_init", reason(broken, device, kv_dtype), plan)
    return with_pool(plan, tuple(s.valid[0] for s in plan.selections))


def resolved_context(geometry: ModelGeometry, flags: KvFlags) -> int:
    asked = flags.max_model_len
    if asked is None or asked == "auto":
        return geometry.default_context_tokens
    if asked > geometry.context_tokens:
        raise Refused(
            "config",
            f"max_model_len is {asked:,}; {geometry.architecture} takes at most {geometry.context_tokens:,} tokens",
        )
    return asked


def resolved_kv_dtype(geometry: ModelGeometry, flags: KvFlags) -> str:
    """A checkpoint that brings scales for an fp8 cache turns it on, unless the flag says otherwise."""
    quantization = geometry.quantization
    brought = quantization is not None and quantization.kv_cache_fp8
    return "fp8" if brought and flags.kv_cache_dtype == "auto" else flags.kv_cache_dtype


def with_pool(plan: KvPlan, backends: tuple[str, ...]) -> KvPlan:
    """The plan with block size, layout and pool, which follow from the backends."""
    names = tuple(dict.fromkeys(backends))
    block = plan.flags.block_size or max(PREFERRED_BLOCK.get(name, DEFAULT_BLOCK) for name in names)
    element = 1 if plan.kv_dtype.startswith("fp8") else ELEMENT_BYTES[plan.dtype]
    pages = tuple(
        Page(group, window_block(block, backend) if group.kind == "sliding" else block, element)
        for group, backend in zip(plan.geometry.kv_groups, backends, strict=True)
    )
    layers = [(plan.geometry.kv_groups[i], pages[i]) for i in plan.geometry.kv_pattern]
    head_major = plan.flags.kv_offloading_size is not None or (
        plan.device.compute_capability[0] == 10 and any("FLASHINFER" in n and "MLA" not in n for n in names)
    )
    return replace(
        plan,
        backends=names,
        layout="LBHNC" if head_major else "LBNHC",
        block_tokens=block,
        pool=Pool(pool_groups(layers), plan.pool.in_flight_tokens),
    )


def window_block(block: int, backend: str) -> int:
    """Windowed layers take the largest block the backend's kernels run unsplit, at most the given one."""
    if backend == "FLASHINFER":
        return max((size for size in (16, 32, 64) if size <= block), default=16)
    return max(16, block // 16 * 16)
