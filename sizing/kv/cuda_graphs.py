"""Which batch sizes vLLM captures as CUDA graphs (its `_set_cudagraph_sizes`, one token a sequence)."""

from __future__ import annotations

GPT_OSS_MOST = 1024


def capture_sizes(max_num_seqs: int, batched_tokens: int, compute_major: int, *, gpt_oss: bool) -> tuple[int, ...]:
    """Ascending sizes; the last one is the largest captured batch.

    gpt-oss asks for 1024 whatever the sequences, and then max_num_seqs gets no size of its own.
    """
    ceiling = GPT_OSS_MOST if gpt_oss else min(2 * max_num_seqs, 1024 if compute_major == 10 else 512)
    largest = min(ceiling, batched_tokens)
    sizes = {n for n in (1, 2, 4) if n <= largest}
    sizes.update(range(8, min(largest + 1, 256), 8))
    sizes.update(range(256, largest + 1, 16))
    if batched_tokens <= largest:
        sizes.add(batched_tokens)
    if not gpt_oss and max_num_seqs <= min(ceiling, batched_tokens):
        sizes.add(max_num_seqs)
    return tuple(sorted(sizes))
