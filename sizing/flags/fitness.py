"""Why a setting must not be on the command line although the parser takes it.

Each rule answers for one option with the reason to leave it out, or None. What is known of the backends was
observed with vLLM 0.32 and 0.33; older releases are not more permissive.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

Device = Literal["cuda", "cpu"]
Attention = Literal["standard", "sinks", "mla"]
Version = tuple[int, ...]

# Methods a checkpoint's config.json carries; vLLM reads them there.
CHECKPOINT_METHODS = frozenset(
    {"awq", "awq_marlin", "auto_awq", "gptq", "gptq_marlin", "auto_gptq", "compressed-tensors", "mxfp4"}
    | {"gpt_oss_mxfp4", "modelopt", "modelopt_fp4"}
)
# The first release in which every AWQ spelling means the same and takes Marlin kernels.
AWQ_UNIFIED = (0, 24, 0)
# Smallest compute capability, as major * 10 + minor, that takes an 8-bit float KV cache.
FP8_KV_CAPABILITY: Mapping[Attention, int] = {"standard": 80, "sinks": 89, "mla": 89}
BLOCK_MULTIPLE: Mapping[Device, int] = {"cuda": 16, "cpu": 32}


@dataclass(frozen=True)
class Target:
    """What the options are for. `capability` is major * 10 + minor, None without a GPU."""

    version: Version
    device: Device
    capability: int | None
    attention: Attention = "standard"
    mistral_tokenizer: bool = False
    multimodal: bool = False


def target_for(
    version: str,
    compute_capability: str | None,
    device: Device,
    *,
    attention: Attention = "standard",
    mistral_tokenizer: bool = False,
    multimodal: bool = False,
) -> Target:
    """A Target from "0.32.0" and "8.6"; ValueError if a CUDA device has no capability."""
    if device == "cuda" and compute_capability is None:
        raise ValueError("compute_capability: a CUDA device needs one, for example '8.6'")
    capability = None
    if device == "cuda" and compute_capability is not None:
        major, _, minor = compute_capability.partition(".")
        capability = int(major) * 10 + int(minor or 0)
    numbers = tuple(int(part) for part in version.removeprefix("v").split("."))
    return Target(numbers, device, capability, attention, mistral_tokenizer, multimodal)


def unfit(dest: str, values: Mapping[str, object], target: Target) -> str | None:
    """The reason to leave `values[dest]` out, or None where it may stand."""
    rule = _RULES.get(dest)
    return rule(values[dest], values, target) if rule else None


def _kv_cache_dtype(value: object, _: Mapping[str, object], target: Target) -> str | None:
    text = str(value)
    if target.device == "cpu" or target.capability is None:
        return "NVFP4 KV needs a Blackwell GPU" if text.startswith("nvfp4") else None
    shown = f"compute capability {target.capability / 10}"
    if text.startswith("nvfp4") and target.capability < 100:
        return f"NVFP4 KV needs compute capability 10.0; this GPU has {shown}"
    needed = FP8_KV_CAPABILITY[target.attention]
    if text.startswith("fp8") and target.capability < needed:
        return f"no attention backend takes fp8 KV at {shown} for {target.attention} attention; {needed / 10} is needed"
    return None


def _block_size(value: object, _: Mapping[str, object], target: Target) -> str | None:
    multiple = BLOCK_MULTIPLE[target.device]
    if not isinstance(value, int) or value <= 0 or value % multiple:
        return f"no {target.device} backend takes block size {value}, only multiples of {multiple}"
    return None


def _calculate_kv_scales(_: object, __: Mapping[str, object], target: Target) -> str | None:
    if target.version >= (0, 28, 0):
        return "removed in 0.28.0: KV scales come from the checkpoint, else they are 1.0"
    return "deprecated: KV scales come from the checkpoint, else they are 1.0"


def _tokenizer_mode(value: object, _: Mapping[str, object], target: Target) -> str | None:
    if value == "mistral" and not target.mistral_tokenizer:
        return (
            "the checkpoint has no tekken.json or tokenizer.model.v*: vLLM finds no tokenizer, or takes a "
            "bare tokenizer.model for version 1 and writes wrong prompts"
        )
    return None


def _quantization(value: object, _: Mapping[str, object], target: Target) -> str | None:
    if value not in CHECKPOINT_METHODS:
        return None
    if value == "awq" and target.version < AWQ_UNIFIED and target.device == "cuda":
        return "forces the slow AWQ kernels before 0.24: unset, vLLM reads config.json and takes Marlin"
    if str(value).endswith("_marlin") and target.device == "cpu":
        return "Marlin kernels do not exist on CPU; vLLM reads the method from config.json"
    return "vLLM reads the method from the checkpoint's config.json"


def _disable_log_stats(value: object, _: Mapping[str, object], __: Target) -> str | None:
    return "removes every vllm:* metric from /metrics" if value else None


def _kv_offloading_size(value: object, _: Mapping[str, object], target: Target) -> str | None:
    if target.device != "cuda":
        return "KV offloading is supported on CUDA and XPU only; on CPU the start aborts"
    if not isinstance(value, int | float) or value <= 0:
        return f"an offload of {value} GiB is none"
    return None


def _kv_offloading_backend(_: object, values: Mapping[str, object], target: Target) -> str | None:
    size = values.get("kv_offloading_size")
    if size is None or _kv_offloading_size(size, values, target):
        return "has no effect without an offload size"
    return None


def _api_server_count(value: object, values: Mapping[str, object], _: Target) -> str | None:
    if value == 0:
        return "0 means headless: no API server at all"
    if value == values.get("data_parallel_size", 1):
        return "is what vLLM starts by itself"
    return None


def _dtype(value: object, _: Mapping[str, object], target: Target) -> str | None:
    if value == "bfloat16" and target.capability is not None and target.capability < 80:
        return f"bfloat16 needs compute capability 8.0; this GPU has {target.capability / 10}"
    return None


def _attention_backend(value: object, values: Mapping[str, object], target: Target) -> str | None:
    if target.capability is None:
        return "attention backends are chosen by the CPU platform itself"
    name = str(value).upper()
    if target.capability < 80 and name in {"FLASH_ATTN", "FLASHINFER"}:
        return f"{name} needs compute capability 8.0; this GPU has {target.capability / 10}"
    fp8 = str(values.get("kv_cache_dtype", "")).startswith("fp8")
    if name == "FLASH_ATTN" and fp8 and target.capability != 90:
        return "FLASH_ATTN takes fp8 KV at compute capability 9.0 only"
    return None


_RULES: dict[str, Callable[[object, Mapping[str, object], Target], str | None]] = {
    "api_server_count": _api_server_count,
    "attention_backend": _attention_backend,
    "block_size": _block_size,
    "calculate_kv_scales": _calculate_kv_scales,
    "disable_log_stats": _disable_log_stats,
    "dtype": _dtype,
    "kv_cache_dtype": _kv_cache_dtype,
    "kv_offloading_backend": _kv_offloading_backend,
    "kv_offloading_size": _kv_offloading_size,
    "quantization": _quantization,
    "tokenizer_mode": _tokenizer_mode,
}
