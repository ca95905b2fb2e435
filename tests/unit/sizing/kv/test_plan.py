"""The planner by hand, for models and devices outside the recorded rows too."""

import pytest

from sizing.geometry import ModelGeometry, read_config
from sizing.kv import Device, KvFlags, Refused, plan_kv
from sizing.kv.loaded import loaded_weight_bytes
from tests.unit.sizing.kv.models import (
    A10G,
    A100,
    B200,
    GEMMA3,
    H100,
    L4,
    MISTRAL,
    MISTRAL_CONFIG,
    MISTRAL_V01,
    PHI4,
    T4,
)

MIB = 2**20


def refused(geometry: ModelGeometry, where: Device, flags: KvFlags) -> Refused:
    with pytest.raises(Refused) as refusal:
        plan_kv(geometry, where, flags)
    return refusal.value


def test_mistral_needs_one_block_more_than_its_context() -> None:
    plan = plan_kv(MISTRAL, A10G, KvFlags(max_model_len=32768))

    assert plan.kv_bytes_per_token == 131_072
    assert plan.pool.block_bytes == 2 * MIB
    assert plan.least_bytes == (2048 + 1) * 2 * MIB == 4_297_064_448


def test_one_byte_less_is_refused_with_what_would_fit() -> None:
    plan = plan_kv(MISTRAL, A10G, KvFlags(max_model_len=32768))

    assert plan.capacity(plan.least_bytes).context_tokens == 32768
    with pytest.raises(Refused, match="32,752 tokens") as refusal:
        plan.capacity(plan.least_bytes - 1)
    assert refusal.value.stage == "kv_cache_config"
    assert refusal.value.longest_tokens == 32752


def test_fp8_halves_a_token_exactly() -> None:
    half = plan_kv(MISTRAL, A10G, KvFlags(kv_cache_dtype="fp8"))

    assert half.kv_bytes_per_token == 65_536
    assert half.backends == ("FLASHINFER",)


def test_four_gib_hold_two_fp8_sequences() -> None:
    held = plan_kv(MISTRAL, A10G, KvFlags(kv_cache_dtype="fp8")).capacity(4 * 2**30)

    assert (held.blocks, held.tokens, held.concurrency) == (4096, 65536, 2.0)


def test_a_short_window_saves_nothing_at_a_short_context() -> None:
    full, sliding = (plan_kv(m, L4, KvFlags(max_model_len=4096, block_size=32)) for m in (MISTRAL, MISTRAL_V01))

    assert sliding.least_bytes == 545_259_520
    assert sliding.least_bytes - full.least_bytes == sliding.pool.block_bytes


def test_gemma_3_splits_into_six_groups_of_eight() -> None:
    plan = plan_kv(GEMMA3, L4, KvFlags(kv_cache_dtype="fp8", max_model_len=32768, max_num_batched_tokens=16384))

    assert [(g.layers, g.page.group.kind) for g in plan.pool.groups] == [(8, "sliding")] * 5 + [(8, "full")]
    assert plan.least_bytes == (5 * 2049 + 2048 + 1) * 524_288 == 6_445_596_672


def test_gemma_3_on_turing_runs_in_float32() -> None:
    plan = plan_kv(GEMMA3, T4, KvFlags(max_model_len=4096))

    assert plan.dtype == "float32"
    assert plan.pool.block_bytes == 8 * 16 * 8 * 512 * 4
    assert loaded_weight_bytes(GEMMA3, "float32", (7, 5)) == 2 * loaded_weight_bytes(GEMMA3, "bfloat16", (8, 6))


def test_gemma_3_weights_as_vllm_creates_them() -> None:
    assert loaded_weight_bytes(GEMMA3, "bfloat16", (8, 6)) == 23_532_068_352


def test_phi_4_is_refused_beyond_its_context() -> None:
    refusal = refused(PHI4, A10G, KvFlags(max_model_len=32768))

    assert refusal.stage == "config"
    assert "32,768" in str(refusal)
    assert "16,384" in str(refusal)


@pytest.mark.parametrize(
    ("where", "seqs", "tokens"), [(A10G, 256, 2048), (A100, 256, 2048), (H100, 1024, 8192), (B200, 1024, 16384)]
)
def test_batch_defaults_follow_the_memory_and_the_name(where: Device, seqs: int, tokens: int) -> None:
    plan = plan_kv(MISTRAL, where, KvFlags())

    assert (plan.max_num_seqs, plan.max_num_batched_tokens) == (seqs, tokens)


def test_batched_tokens_below_the_sequences_lower_a_default_and_refuse_a_setting() -> None:
    assert plan_kv(MISTRAL, A10G, KvFlags(max_num_batched_tokens=100)).max_num_seqs == 100
    assert "max_num_seqs" in str(refused(MISTRAL, A10G, KvFlags(max_num_batched_tokens=100, max_num_seqs=101)))


@pytest.mark.parametrize(
    ("flags", "where", "last", "count"),
    [
        (KvFlags(), A10G, 512, 51),
        (KvFlags(), B200, 1024, 83),
        (KvFlags(max_num_seqs=32), A10G, 64, 11),
        (KvFlags(max_num_seqs=100), A10G, 200, 29),
        (KvFlags(max_num_seqs=3), A10G, 4, 4),
        (KvFlags(max_num_seqs=280, max_num_batched_tokens=300), A10G, 300, 39),
    ],
)
def test_cuda_graph_sizes(flags: KvFlags, where: Device, last: int, count: int) -> None:
    sizes = plan_kv(MISTRAL, where, flags).cudagraph_sizes

    assert sizes[-1] == last
    assert len(sizes) == count
    assert sizes == tuple(sorted(set(sizes)))


def test_eager_captures_nothing() -> None:
    assert plan_kv(MISTRAL, A10G, KvFlags(enforce_eager=True)).cudagraph_sizes == ()


def test_automatic_length_is_the_longest_that_fits() -> None:
    plan = plan_kv(MISTRAL, A10G, KvFlags(max_model_len="auto"))
    held = plan.capacity(2**30)

    assert held.context_tokens == (2**30 // (2 * MIB) - 1) * 16
    assert held.blocks == 512


def test_a_pool_of_one_block_is_refused() -> None:
    plan = plan_kv(MISTRAL, A10G, KvFlags(max_model_len="auto"))

    with pytest.raises(Refused, match="not even one token"):
        plan.capacity(2 * MIB)


@pytest.mark.parametrize("where", [T4, A10G, L4, H100, B200])
def test_a_block_of_eight_has_no_backend_anywhere(where: Device) -> None:
    refusal = refused(MISTRAL, where, KvFlags(block_size=8))

    assert refusal.stage == "attention_backend_init"
    assert "block_size not supported" in str(refusal)


def test_fp8_on_turing_is_refused_with_the_way_out() -> None:
    assert "leave kv_cache_dtype unset" in str(refused(MISTRAL, T4, KvFlags(kv_cache_dtype="fp8")))


def test_heads_of_96_have_no_fp8_backend_before_8_9() -> None:
    phi3 = read_config(
        {
            **MISTRAL_CONFIG,
            "architectures": ["Phi3ForCausalLM"],
            "hidden_size": 3072,
            "num_attention_heads": 32,
            "num_key_value_heads": 32,
        }
    )

    assert "TRITON_ATTN" in str(refused(phi3, A10G, KvFlags(kv_cache_dtype="fp8")))
    assert plan_kv(phi3, L4, KvFlags(kv_cache_dtype="fp8")).backends == ("TRITON_ATTN",)


def test_wide_heads_on_blackwell_need_whole_tiles_of_flash_attention() -> None:
    rejected = plan_kv(GEMMA3, B200, KvFlags(block_size=32)).selections[0].rejected

    assert rejected["FLASH_ATTN"] == ("block_size not supported",)
    assert "FLASH_ATTN" not in plan_kv(GEMMA3, B200, KvFlags(block_size=128)).selections[0].rejected


def test_a_checkpoint_with_cache_scales_turns_fp8_on() -> None:
    scaled = read_config(
        {
            **MISTRAL_CONFIG,
            "quantization_config": {"quant_method": "modelopt", "quant_algo": "FP8", "kv_cache_quant_algo": "FP8"},
        }
    )

    assert plan_kv(scaled, H100, KvFlags()).kv_dtype == "fp8"
    assert plan_kv(scaled, H100, KvFlags(kv_cache_dtype="bfloat16")).kv_dtype == "bfloat16"


def test_what_vllm_does_not_serve_is_refused_by_name() -> None:
    mpt = {"architectures": ["MptForCausalLM"], "d_model": 64, "n_heads": 2, "n_layers": 2, "vocab_size": 512}
    mlx = {**MISTRAL_CONFIG, "quantization_config": {"bits": 4, "group_size": 64}}
    three = {**MISTRAL_CONFIG, "quantization_config": {"quant_method": "gptq", "bits": 3}}

    for config, named in ((mpt, "MptForCausalLM"), (mlx, "mlx"), (three, "3 bits")):
        assert named in str(refused(read_config(config), A10G, KvFlags()))


def test_a_block_the_kernels_cannot_split_pads_windowed_pages() -> None:
    plan = plan_kv(GEMMA3, A10G, KvFlags(block_size=48, kv_cache_dtype="fp8"))
    windowed, full = plan.pool.groups[0].page, plan.pool.groups[-1].page

    assert (windowed.block_tokens, full.block_tokens) == (32, 48)
    assert windowed.padded_bytes == windowed.size_bytes == full.size_bytes


def test_chunked_layers_hold_a_chunk_and_what_is_in_flight() -> None:
    llama4 = read_config(
        {
            **MISTRAL_CONFIG,
            "architectures": ["Llama4ForCausalLM"],
            "model_type": "llama4_text",
            "num_local_experts": 4,
            "num_experts_per_tok": 1,
            "max_position_embeddings": 1_048_576,
            "attention_chunk_size": 8192,
        }
    )
    plan = plan_kv(llama4, A10G, KvFlags(max_num_batched_tokens=4096))

    assert [(g.layers, g.page.group.kind) for g in plan.pool.groups] == [(8, "chunked")] * 3 + [(8, "full")]
    assert plan.pool.blocks_by_group(1_048_576) == (1024, 1024, 1024, 65536)
