"""What vLLM 0.32 and 0.33 do not serve although its tensors are known here."""

from __future__ import annotations

from typing import Final

from sizing.geometry import ModelGeometry
from sizing.kv.refused import Refused
from sizing.kv.request import Device

# Not in those releases' model registry: removed since, or only under another name.
NOT_SERVED: Final = frozenset({
    "AquilaForCausalLM", "AquilaModel", "BaiChuanForCausalLM", "BaichuanForCausalLM", "BloomModel",
    "ChatGLMForCausalLM", "Dots1ForCausalLM", "HeliumForCausalLM", "InternLMForCausalLM", "MPTForCausalLM",
    "MiniMaxForCausalLM", "MiniMaxM1ForCausalLM", "MiniMaxText01ForCausalLM", "MptForCausalLM", "QWenLMHeadModel",
    "RWForCausalLM", "StableLMEpochForCausalLM", "XverseForCausalLM",
})  # fmt: skip
# Lowest compute capability of a packing, where it is above the lowest vLLM runs on.
LOWEST_CAPABILITY: Final = {"gpt_oss_mxfp4": (8, 0), "modelopt": (8, 0)}
GPTQ_BITS: Final = (4, 8)


def refuse_unserved(geometry: ModelGeometry, device: Device) -> None:
    """Raises Refused for what vLLM does not run at all, and for what is not planned here."""
    name = geometry.architecture
    if name in NOT_SERVED:
        raise Refused("config", f"architectures names {name}, which vLLM 0.32 and 0.33 do not serve")
    if geometry.recurrent is not None:
        raise Refused(
            "config",
            f"{name} keeps a recurrent state beside its keys and values; how vLLM aligns the two is not planned here",
        )
    if geometry.sparse_index:
        raise Refused("config", f"{name} selects tokens by an index with a cache of its own, which is not planned here")
    if not geometry.kv_groups:
        raise Refused("config", f"{name} has no layer that keeps keys and values")
    refuse_packing(geometry, device)


def refuse_packing(geometry: ModelGeometry, device: Device) -> None:
    quantization = geometry.quantization
    if quantization is None:
        return
    method = quantization.vllm_name
    if method is None:
        raise Refused("config", f"the weights are packed by {quantization.method}, which vLLM does not read")
    if method == "auto_gptq" and quantization.bits not in GPTQ_BITS:
        raise Refused("config", f"the weights are GPTQ of {quantization.bits} bits; vLLM reads 4 or 8")
    needed = LOWEST_CAPABILITY.get(method, (0, 0))
    if device.compute_capability < needed:
        has = ".".join(map(str, device.compute_capability))
        raise Refused(
            "config", f"{method} weights need compute capability {'.'.join(map(str, needed))}; {device.name} has {has}"
        )
