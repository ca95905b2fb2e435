"""Published checkpoints by the fields that size them, against total_size of the index beside each config."""

from typing import Any

import pytest

from sizing.geometry import read_config

FIELDS = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads")


def config(architecture: str, model_type: str, sizes: tuple[int, ...], vocab: int, **more: Any) -> dict[str, Any]:
    named = dict(zip(FIELDS, sizes, strict=True))
    dtype = {} if "dtype" in more else {"torch_dtype": more.pop("torch_dtype", "bfloat16")}
    written = {"transformers_version": more.pop("written_by", "4.45.0")}
    return {
        "architectures": [architecture],
        "model_type": model_type,
        **named,
        "vocab_size": vocab,
        **dtype,
        **written,
        **more,
    }


def llama(sizes: tuple[int, ...], vocab: int, **more: Any) -> dict[str, Any]:
    return config("LlamaForCausalLM", "llama", sizes, vocab, **more)


def qwen3_5(sizes: tuple[int, ...], values: int, **more: Any) -> dict[str, Any]:
    layers = ["full_attention" if i % 4 == 3 else "linear_attention" for i in range(sizes[2])]
    return config(
        "Qwen3_5ForCausalLM",
        "qwen3_5_text",
        sizes,
        248320,
        attn_output_gate=True,
        head_dim=256,
        layer_types=layers,
        linear_conv_kernel_dim=4,
        linear_key_head_dim=128,
        linear_num_key_heads=16,
        linear_num_value_heads=values,
        linear_value_head_dim=128,
        mtp_num_hidden_layers=1,
        **more,
    )


def nested_qwen3_5(text: dict[str, Any], written_by: str = "4.57.0.dev0", **more: Any) -> dict[str, Any]:
    inner = {name: value for name, value in text.items() if name not in ("architectures", "transformers_version")}
    outer = {"architectures": ["Qwen3_5ForConditionalGeneration"], "model_type": "qwen3_5"}
    tied = text.get("tie_word_embeddings", False)
    return {**outer, "text_config": inner, "tie_word_embeddings": tied, "transformers_version": written_by, **more}


QWEN3_5_TOWER = {
    "deepstack_visual_indexes": [],
    "depth": 27,
    "hidden_size": 1152,
    "in_channels": 3,
    "intermediate_size": 4304,
    "num_heads": 16,
    "num_position_embeddings": 2304,
    "out_hidden_size": 4096,
    "patch_size": 16,
    "spatial_merge_size": 2,
    "temporal_patch_size": 2,
}
MLX_3 = {"group_size": 64, "bits": 3}
MLX_8 = {"group_size": 64, "bits": 8, "mode": "affine"}
INT8 = {"quant_method": "bitsandbytes", "load_in_8bit": True, "load_in_4bit": False}
NF4 = {
    "quant_method": "bitsandbytes",
    "load_in_4bit": True,
    "bnb_4bit_quant_type": "nf4",
    "bnb_4bit_use_double_quant": True,
}
PHI_MOE = {"num_local_experts": 16, "num_experts_per_tok": 2, "lm_head_bias": True, "attention_bias": True}
QWEN2_VL_TOWER = {"depth": 32, "embed_dim": 1280, "mlp_ratio": 4, "num_heads": 16, "hidden_size": 3584}
SMALL = (2048, 6144, 24, 8, 2)

PUBLISHED: list[tuple[str, dict[str, Any], int]] = [
    ("CodeLlama-7B", llama((4096, 11008, 32, 32, 32), 32016, written_by="4.30.2"), 13_477_101_568),
    ("Pygmalion-7B", llama((4096, 11008, 32, 32, 32), 32000, written_by="4.28.0.dev0"), 13_476_839_424),
    ("TAIDE-Llama-3.1-8B", llama((4096, 14336, 32, 32, 8), 188256), 17_043_562_496),
    (
        "Llama-3.1-8B int8 beside float32",
        llama((4096, 14336, 32, 32, 8), 128256, torch_dtype="float32", quantization_config=INT8),
        11_188_584_672,
    ),
    ("CodeQwen1.5-7B", config("Qwen2ForCausalLM", "qwen2", (4096, 13440, 32, 32, 4), 92416), 14_500_569_088),
    (
        "R1-Distill-Qwen-14B in MLX, 3 bits",
        config(
            "Qwen2ForCausalLM",
            "qwen2",
            (5120, 13824, 48, 40, 8),
            152064,
            quantization=MLX_3,
            quantization_config=MLX_3,
        ),
        6_463_203_328,
    ),
    (
        "olmOCR-7B",
        config(
            "Qwen2VLForConditionalGeneration",
            "qwen2_vl",
            (3584, 18944, 28, 28, 4),
            152064,
            vision_config=QWEN2_VL_TOWER,
        ),
        16_582_751_232,
    ),
    (
        "InternLM2-1.8B",
        config("InternLM2ForCausalLM", "internlm2", (2048, 8192, 24, 16, 8), 92544, bias=False),
        3_778_220_032,
    ),
    (
        "Gemma-3-4B, language model alone",
        config("Gemma3ForCausalLM", "gemma3_text", (2560, 10240, 34, 8, 4), 262208, head_dim=256, sliding_window=1024),
        7_760_526_336,
    ),
    (
        "Mixtral-8x7B, two tokens added",
        config(
            "MixtralForCausalLM",
            "mixtral",
            (4096, 14336, 32, 32, 8),
            32002,
            num_local_experts=8,
            num_experts_per_tok=2,
        ),
        93_405_618_176,
    ),
    (
        "Phi-tiny-MoE",
        config("PhiMoEForCausalLM", "phimoe", (4096, 448, 32, 16, 4), 32064, head_dim=128, **PHI_MOE),
        7_510_440_576,
    ),
    (
        "Granite-3.1-1B-A400M in float32",
        config(
            "GraniteMoeForCausalLM",
            "granitemoe",
            (1024, 512, 24, 16, 8),
            49155,
            torch_dtype="float32",
            tie_word_embeddings=True,
            num_local_experts=32,
            num_experts_per_tok=8,
        ),
        5_338_513_408,
    ),
    ("Qwen3.5-2B, flat", qwen3_5(SMALL, 16, tie_word_embeddings=True, written_by="5.17.0"), 3_763_650_176),
    (
        "Qwen3.5-2B in MLX, not packed",
        nested_qwen3_5(qwen3_5(SMALL, 16, tie_word_embeddings=True, dtype="bfloat16")),
        3_763_650_752,
    ),
    (
        "Qwen3.5-9B in MLX, 8 bits",
        nested_qwen3_5(
            qwen3_5((4096, 12288, 32, 16, 4), 32, dtype="bfloat16"),
            vision_config=QWEN3_5_TOWER,
            quantization=MLX_8,
            quantization_config=MLX_8,
        ),
        10_426_433_504,
    ),
]


@pytest.mark.parametrize(
    ("published", "total_size"), [(c, n) for _, c, n in PUBLISHED], ids=[n for n, _, _ in PUBLISHED]
)
def test_the_bytes_are_those_of_the_index(published: dict[str, Any], total_size: int) -> None:
    assert read_config(published).weight_bytes == total_size


def test_nested_four_bit_statistics_are_a_byte_a_layer_off_at_most() -> None:
    llama_13b = llama((5120, 13824, 40, 40, 40), 32000, torch_dtype="float16", quantization_config=NF4)

    assert read_config(llama_13b).weight_bytes == pytest.approx(7_201_770_923, abs=40 * 7)


def test_transformers_5_stores_one_dtype_and_no_next_token_layer() -> None:
    text = qwen3_5((4096, 12288, 32, 16, 4), 32, dtype="bfloat16")
    original = read_config(nested_qwen3_5(text, vision_config=QWEN3_5_TOWER))
    anew = read_config(nested_qwen3_5(text, "5.2.0", vision_config=QWEN3_5_TOWER))
    packed = {"quant_method": "compressed-tensors", "format": "dense", "ignore": ["mtp.fc"]}
    kept = read_config(nested_qwen3_5(text, "5.2.0", vision_config=QWEN3_5_TOWER, quantization_config=packed))

    assert original.parameters == kept.parameters > anew.parameters
    assert original.weight_bytes - kept.weight_bytes == 24 * (32 + 128) * 2
