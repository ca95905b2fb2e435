"""Weights for a Mistral architecture: real layers of random numbers, and a memory of what follows what.

The layers add little to the residual stream, so the output of the last norm is close to the embedding of
the last token, scaled to unit RMS. Embeddings are random and nearly orthogonal; the output row of a token is
the sum of the embeddings of the tokens it may follow. So the logit of a known successor is about
``LOGIT_SCALE`` and that of any other token is noise around 0: the model says its answer, and for the rest it
babbles its text.

Numbers come from SHAKE-256 and element-wise IEEE arithmetic alone, in a fixed order, so that every machine
and every version of numpy gives the same bytes.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from toolchain.tiny_model.text import ANSWER, CORPUS
from toolchain.tiny_model.tokenizer import BEGIN, CONTROL_TOKENS, END, END_INSTRUCTION, VOCABULARY_SIZE

LAYERS = 2
HIDDEN = 256
INTERMEDIATE = 512
HEADS = 8
KV_HEADS = 2
HEAD_DIM = 32

LOGIT_SCALE = 20.0
LAYER_GAIN = 0.02  # what a layer adds, against an embedding of RMS 1
ANSWER_WEIGHT = 1.5  # the answer wins over every habit of the text

Floats = NDArray[np.float32]
Halves = NDArray[np.float16]


def uniform(seed: int, name: str, shape: tuple[int, ...], rms: float) -> Floats:
    """Numbers spread evenly around 0 with the given RMS, fixed by seed and name."""
    count = int(np.prod(shape))
    stream = hashlib.shake_256(f"{seed}/{name}".encode()).digest(2 * count)
    integers = np.frombuffer(stream, dtype="<i2").astype(np.float32)
    scale = np.float32(rms * 3**0.5 / 32768)
    return (integers * scale).reshape(shape)


def successors(tokenizer: Tokenizer) -> dict[tuple[int, int], float]:
    """How strongly a token is followed by another, at most ``ANSWER_WEIGHT``.

    Raises ValueError where the answer uses a token twice: it could not be told from memory.
    """
    begin, end, answer_now = (CONTROL_TOKENS.index(token) for token in (BEGIN, END, END_INSTRUCTION))
    answer = tokenizer.encode(ANSWER, add_special_tokens=False).ids
    repeated = [str(tokenizer.id_to_token(token)) for token, times in Counter(answer).items() if times > 1]
    if repeated:
        raise ValueError(f"ANSWER uses these tokens more than once: {', '.join(repeated)}; reword it")

    text = tokenizer.encode(CORPUS, add_special_tokens=False).ids
    pairs = Counter(pairwise(text))
    totals = Counter(text)
    weights = {pair: 0.75 + 0.25 * times / totals[pair[0]] for pair, times in sorted(pairs.items())}
    # After the end (reached with ignore_eos only) and at the beginning the answer starts again.
    chain = [answer_now, *answer, end]
    for pair in [*pairwise(chain), (end, answer[0]), (begin, answer[0])]:
        weights[pair] = ANSWER_WEIGHT
    return weights


def output_rows(embeddings: Floats, weights: Mapping[tuple[int, int], float]) -> Floats:
    """The output matrix that turns an embedding into the logits of its successors."""
    rows = np.zeros_like(embeddings)
    for (token, following), weight in weights.items():
        rows[following] += embeddings[token] * np.float32(weight * LOGIT_SCALE / HIDDEN)
    return rows


def tensors(tokenizer: Tokenizer, seed: int) -> dict[str, Halves]:
    """All tensors by the name the Mistral architecture gives them, in float16."""
    embeddings = uniform(seed, "embeddings", (VOCABULARY_SIZE, HIDDEN), 1.0)
    made: dict[str, Floats] = {
        "model.embed_tokens.weight": embeddings,
        "model.norm.weight": np.ones(HIDDEN, dtype=np.float32),
        "lm_head.weight": output_rows(embeddings, successors(tokenizer)),
    }
    shapes = {
        "self_attn.q_proj": (HEADS * HEAD_DIM, HIDDEN),
        "self_attn.k_proj": (KV_HEADS * HEAD_DIM, HIDDEN),
        "self_attn.v_proj": (KV_HEADS * HEAD_DIM, HIDDEN),
        "self_attn.o_proj": (HIDDEN, HEADS * HEAD_DIM),
        "mlp.gate_proj": (INTERMEDIATE, HIDDEN),
        "mlp.up_proj": (INTERMEDIATE, HIDDEN),
        "mlp.down_proj": (HIDDEN, INTERMEDIATE),
    }
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}"
        for norm in ("input_layernorm", "post_attention_layernorm"):
            made[f"{prefix}.{norm}.weight"] = np.ones(HIDDEN, dtype=np.float32)
        for name, shape in shapes.items():
            writes_residual = name.endswith(("o_proj", "down_proj"))
            rms = (LAYER_GAIN if writes_residual else 1.0) / shape[1] ** 0.5
            made[f"{prefix}.{name}.weight"] = uniform(seed, f"{layer}.{name}", shape, rms)
    return {name: values.astype("<f2") for name, values in made.items()}
