"""The KV cache of one server, exactly as vLLM 0.32.0 and 0.33.0 lay it out on one GPU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sizing.geometry import KvGroup, ModelGeometry
from sizing.kv.backends import Backend, Layer, Selection, select, standard_backends
from sizing.kv.backends_latent import latent_backends
from sizing.kv.batch import batch_limits
from sizing.kv.cuda_graphs import capture_sizes
from sizing.kv.dtype import ELEMENT_BYTES, running_dtype
from sizing.kv.pages import Page, Pool, ceil_div, pool_groups
from sizing.kv.refused import Refused
from sizing.kv.request import Device, KvFlags

GIB: Final = 2**30
DEFAULT_BLOCK: Final = 16
BATCHES_IN_FLIGHT: Final = 2  # asynchronous scheduling, on by default
# Lowest compute capability vLLM allows for a packing, where it is above the lowest supported GPU.
METHOD_CAPABILITY: Final = {"gpt_oss_mxfp4": (8, 0)}


@dataclass(frozen=True, slots=True)
class KvPlan:
    """What is decided before memory is known. `context_tokens` is the longest for an automatic length."""

    geometry: ModelGeometry
    flags: KvFlags
    device: Device
    dtype: str
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
    refuse_unplanned(geometry)
    method = geometry.quantization.vllm_name if geometry.quantization else None
    if method and device.compute_capability < METHOD_CAPABILITY.get(method, (0, 0)):
        needed = ".".join(map(str, METHOD_CAPABILITY[method]))
        raise Refused(
            "config",
            f"{method} weights need compute capability {needed}; {device.name} has "
            f"{'.'.join(map(str, device.compute_capability))}",
        )
    dtype = running_dtype(geometry, device.compute_capability)
    context = resolved_context(geometry, flags)
    seqs, batched = batch_limits(flags, device, context)
    graphs = (
        ()
        if flags.enforce_eager
        else capture_sizes(seqs, batched, device.compute_capability[0], gpt_oss=geometry.model_type == "gpt_oss")
    )
    selections = tuple(selection(geometry, group, device, flags, dtype, flashmla_built) for group in geometry.kv_groups)
    plan = KvPlan(
        geometry=geometry,
        flags=flags,
        device=device,
        dtype=dtype,
        context_tokens=context,
        automatic_context=flags.max_model_len == "auto",
        max_num_seqs=seqs,
        max_num_batched_tokens=batched,
        cudagraph_sizes=graphs,
        selections=selections,
        backends=(),
        layout="",
        block_tokens=0,
        pool=Pool((), BATCHES_IN_FLIGHT * batched),
    )
    return with_pool(plan, tuple(check_selection(plan, s) for s in selections))


def refuse_unplanned(geometry: ModelGeometry) -> None:
    if geometry.recurrent is not None:
        raise Refused(
            "config",
            f"{geometry.architecture} keeps a recurrent state beside its keys and values; "
            "how vLLM aligns the two is not planned here",
        )
    if not geometry.kv_groups:
        raise Refused("config", f"{geometry.architecture} has no layer that keeps keys and values")


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


def selection(
    geometry: ModelGeometry, group: KvGroup, device: Device, flags: KvFlags, dtype: str, flashmla_built: bool
) -> Selection:
    latent = group.kind == "latent"
    layer = Layer(
        capability=device.compute_capability,
        head_dim=group.head_dim,
        dtype=dtype,
        kv_dtype=flags.kv_cache_dtype,
        block_size=flags.block_size,
        latent=latent,
        sinks=geometry.attention_sinks,
        sliding=group.kind == "sliding",
        image_prefix=geometry.bidirectional_images,
        softcap=geometry.attention_softcap,
        qk_nope=geometry.qk_nope_head_dim,
    )
    candidates: tuple[Backend, ...] = (
        latent_backends(
            device.compute_capability,
            geometry.attention_heads,
            flags.kv_cache_dtype,
            group.head_dim,
            flashmla_built=flashmla_built,
        )
        if latent
        else standard_backends(device.compute_capability)
    )
    return select(candidates, layer)


def check_selection(plan: KvPlan, chosen: Selection) -> str:
    """The first valid backend; Refused when there is none, or when it fails as it is built."""
    capability = ".".join(map(str, plan.device.compute_capability))
    if not chosen.valid:
        why = "; ".join(f"{name}: {', '.join(reasons)}" for name, reasons in chosen.rejected.items())
        raise Refused(
            "attention_backend_init",
            f"no attention backend serves this on {plan.device.name} (compute capability {capability}): {why}",
            plan,
        )
    first = chosen.valid[0]
    if (
        first.startswith("TRITON")
        and plan.flags.kv_cache_dtype.startswith("fp8")
        and (plan.device.compute_capability < (8, 9))
    ):
        raise Refused(
            "attention_backend_init",
            f"kv_cache_dtype is {plan.flags.kv_cache_dtype}; {first}, the only "
            f"backend left on {plan.device.name} (compute capability {capability}), takes fp8 from "
            "compute capability 8.9 on: leave kv_cache_dtype unset",
            plan,
        )
    return first


def with_pool(plan: KvPlan, backends: tuple[str, ...]) -> KvPlan:
    """The plan with block size, layout and pool, which follow from the backends."""
    names = tuple(dict.fromkeys(backends))
    block = plan.flags.block_size or (32 if "FLASHINFER_MLA" in names else DEFAULT_BLOCK)
    element = 1 if plan.flags.kv_cache_dtype.startswith("fp8") else ELEMENT_BYTES[plan.dtype]
    pages = tuple(
        Page(group, window_block(block, backend) if group.kind == "sliding" else block, element)
        for group, backend in zip(plan.geometry.kv_groups, backends, strict=True)
    )
    layers = [(plan.geometry.kv_groups[i], pages[i]) for i in plan.geometry.kv_pattern]
    head_major = plan.flags.kv_offloading_size is not None or (
        "FLASHINFER" in names and (plan.device.compute_capability[0] == 10)
    )
    return KvPlan(
        geometry=plan.geometry,
        flags=plan.flags,
        device=plan.device,
        dtype=plan.dtype,
        context_tokens=plan.context_tokens,
        automatic_context=plan.automatic_context,
        max_num_seqs=plan.max_num_seqs,
        max_num_batched_tokens=plan.max_num_batched_tokens,
        cudagraph_sizes=plan.cudagraph_sizes,
        selections=plan.selections,
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


def gib(size_bytes: int) -> float:
    return size_bytes / GIB


__all__ = ["Capacity", "KvPlan", "ceil_div", "gib", "plan_kv"]
