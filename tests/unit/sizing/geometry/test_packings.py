"""Each packing by the layout its tool writes, computed by hand for a Mistral 7B or a single layer."""

from typing import Any

import pytest

from sizing.geometry import UnsupportedModel, read_config
from tests.unit.sizing.geometry.configs import DEEPSEEK_V3, FP8_BLOCKS, MISTRAL, with_packing

LAYERS = 32
SHAPES = [(4096, 4096), (4096, 1024), (4096, 1024), (4096, 4096), (4096, 14336), (4096, 14336), (14336, 4096)]
UNPACKED = 2 * (2 * 32768 * 4096 + (2 * LAYERS + 1) * 4096)  # both tables and the norms in two bytes


def packed_bytes(**packing: Any) -> int:
    return read_config(with_packing(MISTRAL, **packing)).weight_bytes


def test_awq_of_mistral_is_the_size_of_its_published_files() -> None:
    assert packed_bytes(quant_method="awq", bits=4, group_size=128, zero_point=True, version="gemm") == 4_163_379_200


def test_awq_leaves_named_modules_alone() -> None:
    everything = packed_bytes(quant_method="awq", bits=4, group_size=128)
    without_down = packed_bytes(quant_method="awq", bits=4, group_size=128, modules_to_not_convert=["down_proj"])

    packed_down = 14336 * 4096 // 2 + 112 * 4096 // 2 + 112 * 4096 * 2
    assert without_down - everything == LAYERS * (14336 * 4096 * 2 - packed_down)


@pytest.mark.parametrize(("bits", "group"), [(4, 128), (8, 32), (3, -1), (2, 64)])
def test_gptq_words_scales_zeros_and_order(bits: int, group: int) -> None:
    expected = UNPACKED
    for inputs, outputs in SHAPES:
        groups = 1 if group == -1 else inputs // group
        words = inputs * bits // 32 * outputs * 4
        expected += LAYERS * (words + groups * outputs * bits // 32 * 4 + groups * outputs * 2 + inputs * 4)

    assert packed_bytes(quant_method="gptq", bits=bits, group_size=group, sym=True) == expected


def test_autogptq_stores_a_bias_with_every_packed_layer() -> None:
    plain = {"quant_method": "gptq", "bits": 4, "group_size": 128}
    biases = LAYERS * sum(outputs for _, outputs in SHAPES) * 2

    assert packed_bytes(**plain, model_file_base_name="model") - packed_bytes(**plain) == biases


def test_fp8_blocks_have_a_float_scale_each() -> None:
    scales = LAYERS * sum((inputs // 128) * (outputs // 128) for inputs, outputs in SHAPES)
    weights = LAYERS * sum(inputs * outputs for inputs, outputs in SHAPES)

    assert packed_bytes(**FP8_BLOCKS) == UNPACKED + weights + 4 * scales


def test_fp8_of_deepseek_v3_is_the_size_of_its_published_tensors() -> None:
    # The hub counts 41,555,600 float32, 3,918,786,560 bfloat16 and 680,571,043,840 float8 elements.
    published = read_config(with_packing(DEEPSEEK_V3, **FP8_BLOCKS))

    assert published.weight_bytes == 41_555_600 * 4 + 3_918_786_560 * 2 + 680_571_043_840
    assert published.parameters == 684_489_845_504


def test_fp8_of_qwen_has_scales_in_the_checkpoint_dtype() -> None:
    qwen = {**MISTRAL, "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "head_dim": 128}
    scales = LAYERS * sum((inputs // 128) * (outputs // 128) for inputs, outputs in SHAPES)
    wide = read_config(with_packing({**qwen, "model_type": "other"}, **FP8_BLOCKS)).weight_bytes

    assert wide - read_config(with_packing(qwen, **FP8_BLOCKS)).weight_bytes == 2 * scales


def test_static_fp8_has_a_scale_for_the_inputs_too() -> None:
    weights = LAYERS * sum(inputs * outputs for inputs, outputs in SHAPES)

    assert packed_bytes(quant_method="fp8", activation_scheme="static") == UNPACKED + weights + LAYERS * 7 * 8


def test_bitsandbytes_int8_has_a_scale_a_row_and_a_format_byte() -> None:
    weights = LAYERS * sum(inputs * outputs + 4 * outputs + 1 for inputs, outputs in SHAPES)

    assert packed_bytes(quant_method="bitsandbytes", load_in_8bit=True) == UNPACKED + weights


def test_bitsandbytes_four_bit_has_statistics_a_code_and_its_state_as_text() -> None:
    expected = UNPACKED
    for inputs, outputs in SHAPES:
        state = f'{{"quant_type": "nf4", "blocksize": 64, "dtype": "bfloat16", "shape": [{outputs}, {inputs}]}}'
        expected += LAYERS * (inputs * outputs // 2 + inputs * outputs // 64 * 4 + 16 * 4 + len(state))
    packing = {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}

    assert packed_bytes(**packing) == expected
    assert read_config(with_packing(MISTRAL, **packing)).caveats == ()


def test_nested_statistics_leave_a_byte_a_layer_open_and_say_so() -> None:
    packing = {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_use_double_quant": True}

    assert any("four-bit state" in caveat for caveat in read_config(with_packing(MISTRAL, **packing)).caveats)


def scheme(packing: str, ignore: list[str] | None = None, **weights: Any) -> dict[str, Any]:
    group = {"targets": ["Linear"], "weights": weights, "input_activations": None}
    return {
        "quant_method": "compressed-tensors",
        "format": packing,
        "config_groups": {"group_0": group},
        "ignore": ignore if ignore is not None else ["lm_head"],
    }


def test_a_group_that_names_modules_comes_before_one_for_every_linear_layer() -> None:
    groups = scheme("pack-quantized", num_bits=4, group_size=128, strategy="group")
    named = {"num_bits": 4, "group_size": 32, "strategy": "group"}
    groups["config_groups"]["group_1"] = {"targets": [r"re:.*down_proj"], "weights": named}
    extra = LAYERS * 4096 * (14336 // 32 - 14336 // 128) * 2

    plain = packed_bytes(**scheme("pack-quantized", num_bits=4, group_size=128, strategy="group"))
    assert packed_bytes(**groups) - plain == extra


def test_compressed_tensors_int4_has_words_scales_and_the_shape() -> None:
    expected = UNPACKED
    for inputs, outputs in SHAPES:
        expected += LAYERS * (inputs * outputs // 2 + inputs // 128 * outputs * 2 + 16)

    assert packed_bytes(**scheme("pack-quantized", num_bits=4, group_size=128, strategy="group")) == expected


def test_compressed_tensors_asymmetric_adds_packed_zeros() -> None:
    settings: dict[str, Any] = {"num_bits": 4, "group_size": 128, "strategy": "group"}
    zeros = LAYERS * sum(inputs // 128 * outputs // 8 * 4 for inputs, outputs in SHAPES)

    symmetric = packed_bytes(**scheme("pack-quantized", **settings, symmetric=True))
    assert packed_bytes(**scheme("pack-quantized", **settings, symmetric=False)) == symmetric + zeros


@pytest.mark.parametrize("packing", ["int-quantized", "float-quantized"])
def test_compressed_tensors_eight_bit_has_a_scale_a_channel(packing: str) -> None:
    expected = UNPACKED + LAYERS * sum(inputs * outputs + 2 * outputs for inputs, outputs in SHAPES)

    assert packed_bytes(**scheme(packing, num_bits=8, strategy="channel")) == expected


def test_compressed_tensors_nvfp4_has_a_scale_for_sixteen_weights() -> None:
    expected = UNPACKED + LAYERS * sum(inputs * outputs // 2 + inputs * outputs // 16 + 4 for inputs, outputs in SHAPES)

    assert packed_bytes(**scheme("nvfp4-pack-quantized", num_bits=4, group_size=16, strategy="group")) == expected


def test_compressed_tensors_ignores_by_pattern() -> None:
    settings: dict[str, Any] = {"num_bits": 8, "strategy": "channel"}
    ignored = packed_bytes(**scheme("int-quantized", ["lm_head", "re:.*down_proj"], **settings))
    packed = packed_bytes(**scheme("int-quantized", **settings))

    assert ignored - packed == LAYERS * (14336 * 4096 - 2 * 4096)


def test_modelopt_fp8_has_two_scales_a_layer() -> None:
    weights = LAYERS * sum(inputs * outputs for inputs, outputs in SHAPES)

    packing = {"quant_method": "modelopt", "quant_algo": "FP8"}
    assert packed_bytes(**packing) == UNPACKED + weights + LAYERS * 7 * 8


def test_mlx_packs_tables_too() -> None:
    elements = 2 * 32768 * 4096 + LAYERS * sum(inputs * outputs for inputs, outputs in SHAPES)
    norms = 2 * (2 * LAYERS + 1) * 4096

    assert packed_bytes(bits=4, group_size=64) == elements // 2 + elements // 64 * 4 + norms


@pytest.mark.parametrize(
    ("packing", "named"),
    [
        ({"quant_method": "quip"}, "quip"),
        ({"quant_method": "gptq", "bits": 5}, "bits is 5"),
        ({"quant_method": "awq", "bits": "four"}, "bits is 'four'"),
        ({"quant_method": "fp8", "weight_block_size": [128]}, "weight_block_size"),
        ({"quant_method": "gptq", "bits": 4, "group_size": 0}, "group_size is 0"),
        (scheme("marlin-24", num_bits=4), "marlin-24"),
        (scheme("int-quantized", ["re:(a+)+b"], num_bits=8), "(a+)+b"),
    ],
)
def test_an_unknown_packing_is_refused_by_name(packing: dict[str, Any], named: str) -> None:
    with pytest.raises(UnsupportedModel) as refusal:
        read_config(with_packing(MISTRAL, **packing))

    assert named in str(refusal.value)
