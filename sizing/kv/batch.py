"""Batch limits vLLM takes when none are given (its `EngineArgs.get_batch_defaults`, API server)."""

from __future__ import annotations

from typing import Final

from sizing.kv.refused import Refused
from sizing.kv.request import Device, KvFlags

GIB: Final = 2**30


def default_limits(device: Device) -> tuple[int, int]:
    """(sequences, batched tokens) by device memory; an A100 counts as a small one whatever its memory."""
    if device.memory_bytes >= 160 * GIB:
        return 1024, 16384
    if device.memory_bytes >= 70 * GIB and "a100" not in device.name.lower():
        return 1024, 8192
    return 256, 2048


def batch_limits(flags: KvFlags, device: Device, context_tokens: int) -> tuple[int, int]:
    """(max_num_seqs, max_num_batched_tokens) as resolved; a default yields to what is set."""
    seqs, tokens = default_limits(device)
    seqs = flags.max_num_seqs or seqs
    if flags.max_num_batched_tokens is None:
        tokens = min(tokens, seqs * context_tokens)
    else:
        tokens = flags.max_num_batched_tokens
    if flags.max_num_seqs is None:
        seqs = min(seqs, tokens)
    if tokens < seqs:
        raise Refused("config", f"max_num_batched_tokens is {tokens}; it has to be at least max_num_seqs, {seqs}")
    return seqs, tokens
