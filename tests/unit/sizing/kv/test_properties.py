"""What holds for any model, device and flags: least is least, more memory is never worse, blocks add up."""

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sizing.geometry import ModelGeometry, read_config
from sizing.kv import Device, KvFlags, KvPlan, Refused, plan_kv
from tests.unit.sizing.kv.models import ALL, GEMMA3_CONFIG, MISTRAL_CONFIG

ARCHITECTURES = ["LlamaForCausalLM", "MistralForCausalLM", "Qwen3ForCausalLM", "Gemma2ForCausalLM", "Gemma3ForCausalLM"]


@st.composite
def geometries(draw: st.DrawFn) -> ModelGeometry:
    kv_heads = draw(st.sampled_from([1, 2, 4, 8]))
    config: dict[str, Any] = {
        **(GEMMA3_CONFIG if draw(st.booleans()) else MISTRAL_CONFIG),
        "architectures": [draw(st.sampled_from(ARCHITECTURES))],
        "num_hidden_layers": draw(st.integers(1, 64)),
        "num_key_value_heads": kv_heads,
        "num_attention_heads": kv_heads * draw(st.sampled_from([1, 4, 8])),
        "head_dim": draw(st.sampled_from([64, 128, 256])),
        "sliding_window": draw(st.one_of(st.none(), st.integers(16, 8192))),
        "max_position_embeddings": draw(st.integers(64, 200_000)),
    }
    return read_config(config)


@st.composite
def flag_sets(draw: st.DrawFn) -> KvFlags:
    seqs = draw(st.one_of(st.none(), st.integers(1, 2048)))
    return KvFlags(
        block_size=draw(st.sampled_from([None, 16, 32, 48, 64, 128])),
        max_num_seqs=seqs,
        max_num_batched_tokens=draw(st.one_of(st.none(), st.integers(seqs or 1, 32768))),
        kv_cache_dtype=draw(st.sampled_from(["auto", "fp8"])),
        enforce_eager=draw(st.booleans()),
    )


def planned(geometry: ModelGeometry, where: Device, flags: KvFlags) -> KvPlan:
    try:
        return plan_kv(geometry, where, flags)
    except Refused as refusal:
        assert str(refusal)  # noqa: PT017 - a refusal always says why
        assume(False)
        raise


CASES = (geometries(), st.sampled_from(ALL), flag_sets())


@settings(max_examples=300, deadline=None)
@given(*CASES)
def test_the_least_pool_is_accepted_and_a_byte_less_is_not(
    geometry: ModelGeometry, where: Device, flags: KvFlags
) -> None:
    plan = planned(geometry, where, flags)
    held = plan.capacity(plan.least_bytes)

    assert held.context_tokens == plan.context_tokens
    assert held.concurrency >= 1
    assert held.tokens >= plan.context_tokens
    with pytest.raises(Refused):
        plan.capacity(plan.least_bytes - 1)


@settings(max_examples=300, deadline=None)
@given(*CASES, st.integers(0, 2**36), st.integers(0, 2**34))
def test_more_memory_is_never_worse(
    geometry: ModelGeometry, where: Device, flags: KvFlags, spare: int, more: int
) -> None:
    plan = planned(geometry, where, flags)
    less, most = plan.capacity(plan.least_bytes + spare), plan.capacity(plan.least_bytes + spare + more)

    assert less.blocks <= most.blocks
    assert less.tokens <= most.tokens
    assert less.blocks * plan.pool.block_bytes <= plan.least_bytes + spare


@settings(max_examples=300, deadline=None)
@given(*CASES, st.integers(2, 2**20))
def test_the_automatic_length_fits_and_one_token_more_does_not(
    geometry: ModelGeometry, where: Device, flags: KvFlags, blocks: int
) -> None:
    plan = planned(geometry, where, flags.model_copy(update={"max_model_len": "auto"}))
    pool = plan.pool
    kv_bytes = blocks * pool.block_bytes
    longest = pool.longest_context(kv_bytes, plan.context_tokens)

    assert 0 <= longest <= plan.context_tokens
    if longest:
        assert pool.least_bytes(longest) <= kv_bytes
    if longest < plan.context_tokens:
        assert pool.least_bytes(longest + 1) > kv_bytes


@settings(max_examples=300, deadline=None)
@given(*CASES)
def test_every_layer_is_in_a_group_and_groups_fill_a_block(
    geometry: ModelGeometry, where: Device, flags: KvFlags
) -> None:
    plan = planned(geometry, where, flags)

    assert sum(group.layers for group in plan.pool.groups) == geometry.layers
    assert len({group.page.size_bytes for group in plan.pool.groups}) == 1
    assert all(group.layers * group.page.size_bytes <= plan.pool.block_bytes for group in plan.pool.groups)
    bare = geometry.kv_bytes_per_token(1 if plan.kv_dtype == "fp8" else element(plan))
    padded = any(group.page.padded_bytes for group in plan.pool.groups)
    assert plan.kv_bytes_per_token > bare if padded else plan.kv_bytes_per_token == bare


@settings(max_examples=300, deadline=None)
@given(*CASES)
def test_captured_batches_are_sorted_and_within_the_batch(
    geometry: ModelGeometry, where: Device, flags: KvFlags
) -> None:
    plan = planned(geometry, where, flags)
    sizes = plan.cudagraph_sizes

    assert list(sizes) == sorted(set(sizes))
    assert all(1 <= size <= plan.max_num_batched_tokens for size in sizes)
    assert bool(sizes) is not flags.enforce_eager


@settings(max_examples=200, deadline=None)
@given(*CASES)
def test_the_same_question_has_the_same_answer(geometry: ModelGeometry, where: Device, flags: KvFlags) -> None:
    assert planned(geometry, where, flags) == planned(geometry, where, flags)


def element(plan: KvPlan) -> int:
    return 4 if plan.dtype == "float32" else 2
