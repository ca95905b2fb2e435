"""compressed-tensors (llm-compressor) and NVIDIA ModelOpt: packed integers, FP8 and NVFP4 by module group."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sizing.geometry.fields import Fields
from sizing.geometry.inventory import Kind, Tensor
from sizing.geometry.model import Quantization
from sizing.geometry.quantization.names import exact_names, name_parts
from sizing.geometry.quantization.stored import Packing, Stored, packed, unpacked, up

FORMATS = (
    "pack-quantized",
    "int-quantized",
    "float-quantized",
    "naive-quantized",
    "nvfp4-pack-quantized",
    "mxfp4-pack-quantized",
)


@dataclass(frozen=True, slots=True)
class Scheme:
    """How one group's weights lie in the file."""

    matches: Callable[[str], bool]  # by the module's name
    every_linear: bool  # by its class
    format: str
    bits: int
    strategy: str
    group: int
    block: tuple[int, ...]
    symmetric: bool
    reordered: bool
    static_inputs: bool

    def parts(self, outputs: int, inputs: int, scale_bytes: int) -> list[int]:
        """Bytes of each tensor one matrix becomes."""
        if self.format == "nvfp4-pack-quantized":
            inputs_scale = [4] if self.static_inputs else []
            return [outputs * up(inputs, 2), outputs * up(inputs, self.group or 16), 4, *inputs_scale]
        if self.format == "mxfp4-pack-quantized":
            return [outputs * up(inputs, 2), outputs * up(inputs, self.group or 32)]
        scales = self.scales(outputs, inputs)
        if self.format == "pack-quantized":
            words = outputs * up(inputs * self.bits, 32) * 4
            zeros = [] if self.symmetric else [up(outputs * self.bits, 32) * (scales // outputs) * 4]
            order = [inputs * 4] if self.reordered else []
            return [words, scales * scale_bytes, 2 * 8, *zeros, *order]
        zeros = [] if self.symmetric else [scales]
        inputs_scale = [scale_bytes] if self.static_inputs else []
        return [outputs * inputs, scales * scale_bytes, *zeros, *inputs_scale]

    def scales(self, outputs: int, inputs: int) -> int:
        if self.strategy == "tensor":
            return 1
        if self.strategy == "block" and len(self.block) == 2:
            return up(outputs, self.block[0]) * up(inputs, self.block[1])
        if self.strategy in ("group", "tensor_group") and self.group > 0:
            return outputs * up(inputs, self.group)
        return outputs


class CompressedTensors(Packing):
    """`config_groups` say which modules are packed how; `ignore` says which are not."""

    def __init__(self, q: Fields) -> None:
        default = q.text("format", "dense")
        groups = q.optional_section("config_groups") or Fields({}, q.name("config_groups"))
        self.schemes = [
            read_scheme(groups.section(name), default)
            for name, value in groups.values.items()
            if isinstance(value, Mapping)
        ]
        self.rest = next((s for s in self.schemes if s.every_linear), None)  # a module's name beats its class
        self.ignored = exact_names(q.texts("ignore"))
        for scheme in self.schemes:
            if scheme.format not in FORMATS:
                raise q.refuse("format", scheme.format, "one of " + ", ".join(FORMATS))
        self.kv_scales = q.optional_section("kv_cache_scheme") is not None
        first = self.schemes[0] if self.schemes else None
        self.quantization = Quantization(
            method="compressed-tensors",
            bits=first.bits if first else None,
            group_size=first.group if first and first.group > 0 else None,
            format=first.format if first else default,
            vllm_name="compressed-tensors",
            kv_cache_fp8=self.kv_scales,
        )

    def store(self, tensor: Tensor, element_bytes: int) -> Stored:
        plain = unpacked(tensor, element_bytes)
        if tensor.kind not in (Kind.LINEAR, Kind.ROUTER, Kind.TOWER) or tensor.stacked or self.ignored(tensor.name):
            return plain
        scheme = next((s for s in self.schemes if s.matches(tensor.name)), self.rest)
        if scheme is None:
            return plain
        outputs, inputs = tensor.shape
        stored = packed(tensor, element_bytes, *scheme.parts(outputs, inputs, element_bytes))
        if self.kv_scales and tensor.name.endswith(("k_proj", "v_proj")):
            stored += Stored(element_bytes, 1)
        return stored


def read_scheme(group: Fields, default_format: str) -> Scheme:
    weights = group.optional_section("weights") or Fields({}, group.name("weights"))
    inputs = group.optional_section("input_activations")
    targets = group.texts("targets") or ("Linear",)
    named = exact_names([t for t in targets if t != "Linear"])
    order = weights.raw("actorder")
    return Scheme(
        matches=named,
        every_linear="Linear" in targets,
        format=group.text("format", default_format) or default_format,
        bits=weights.count("num_bits", default=16, most=16),
        strategy=weights.text("strategy", "tensor"),
        group=weights.count("group_size", default=0, least=-1),
        block=weights.counts("block_structure", least=1),
        symmetric=weights.flag("symmetric", True),
        reordered=order in ("group", True),
        static_inputs=(inputs is not None and inputs.raw("dynamic") is False)
        or (inputs is not None and inputs.raw("dynamic") == "local"),
    )


class ModelOpt(Packing):
    """NVIDIA's FP8 and NVFP4: float32 scales for weights and inputs, an e4m3 scale for each 16 NVFP4 weights."""

    def __init__(self, q: Fields) -> None:
        inner = q.optional_section("quantization") or q
        self.algorithm = inner.text("quant_algo", "FP8").upper()
        if self.algorithm not in ("FP8", "NVFP4"):
            raise inner.refuse("quant_algo", self.algorithm, "FP8 or NVFP4")
        self.skipped = name_parts((*inner.texts("exclude_modules"), *q.texts("ignore")))
        self.kv_scales = inner.raw("kv_cache_quant_algo", "kv_cache_scheme") is not None
        four = self.algorithm == "NVFP4"
        self.group = inner.count("group_size", default=16)
        self.quantization = Quantization(
            method="modelopt",
            bits=4 if four else 8,
            group_size=self.group if four else None,
            format=self.algorithm,
            vllm_name="modelopt_fp4" if four else "modelopt",
            kv_cache_fp8=inner.text("kv_cache_quant_algo").upper() == "FP8",
        )

    def store(self, tensor: Tensor, element_bytes: int) -> Stored:
        if (
            tensor.kind is not Kind.LINEAR
            or tensor.stacked
            or tensor.name.endswith("lm_head")
            or (self.skipped(tensor.name))
        ):
            return unpacked(tensor, element_bytes)
        outputs, inputs = tensor.shape
        if self.algorithm == "FP8":
            stored = packed(tensor, element_bytes, outputs * inputs, 4, 4)
        else:
            stored = packed(tensor, element_bytes, outputs * up(inputs, 2), outputs * up(inputs, self.group), 4, 4)
        if self.kv_scales and tensor.name.endswith(("k_proj", "v_proj")):
            stored += Stored(4, 1)
        return stored
