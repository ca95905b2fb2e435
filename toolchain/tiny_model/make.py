"""Make the model directory: config, tokenizer and weights, then the manifest beside it.

Same text, same seed: the same bytes on every run and every machine. Made in a temporary directory and
renamed, so a directory with a manifest beside it is always whole.
"""

import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.numpy import save

from toolchain.tiny_model import manifest, tokenizer, weights

SEED = 20240527
MAX_TOKENS = 32768
DEFAULT_DIRECTORY = Path(__file__).resolve().parents[2] / ".gpuhost" / "models" / "tiny-mistral"


@dataclass(frozen=True)
class Made:
    directory: Path
    manifest: Path
    total_bytes: int
    changed: bool


def make(directory: Path = DEFAULT_DIRECTORY) -> Made:
    """Make the model in ``directory``, replacing what is there unless it is already the same to the byte."""
    directory = directory.absolute()
    lock = directory.with_name(directory.name + ".lock.json")
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{directory.name}-", dir=directory.parent) as scratch:
        fresh = Path(scratch) / directory.name
        fresh.mkdir()
        for name, content in files().items():
            path = fresh / name
            path.write_bytes(content)
            path.chmod(0o644)
        wanted = manifest.describe(fresh, directory.name)
        changed = not directory.is_dir() or manifest.describe(directory, directory.name) != wanted
        if changed:
            shutil.rmtree(directory, ignore_errors=True)
            fresh.replace(directory)
        if not lock.is_file() or lock.read_text() != manifest.render(wanted):
            partial = Path(scratch) / lock.name
            partial.write_text(manifest.render(wanted))
            partial.replace(lock)
            changed = True
    return Made(directory, lock, wanted["total_bytes"], changed)


def files() -> dict[str, bytes]:
    """Every file of the model by name."""
    trained = tokenizer.train()
    return {
        "config.json": as_json(architecture()),
        "generation_config.json": as_json({"bos_token_id": 1, "eos_token_id": 2}),
        "model.safetensors": save(weights.tensors(trained, SEED), metadata={"format": "pt"}),
        "tokenizer.json": tokenizer.canonical_json(trained).encode(),
        "tokenizer_config.json": as_json(tokenizer.settings(MAX_TOKENS)),
    }


def architecture() -> dict[str, Any]:
    """config.json: 512 bytes of KV cache a token (2 x 2 layers x 2 KV heads x 32 x 2 bytes)."""
    return {
        "architectures": ["MistralForCausalLM"],
        "model_type": "mistral",
        "attention_dropout": 0.0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "head_dim": weights.HEAD_DIM,
        "hidden_act": "silu",
        "hidden_size": weights.HIDDEN,
        "initializer_range": 0.02,
        "intermediate_size": weights.INTERMEDIATE,
        "max_position_embeddings": MAX_TOKENS,
        "num_attention_heads": weights.HEADS,
        "num_hidden_layers": weights.LAYERS,
        "num_key_value_heads": weights.KV_HEADS,
        "rms_norm_eps": 1e-05,
        "rope_theta": 1000000.0,
        "sliding_window": None,
        "tie_word_embeddings": False,
        "torch_dtype": "float16",
        "use_cache": True,
        "vocab_size": tokenizer.VOCABULARY_SIZE,
    }


def as_json(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, indent=2) + "\n").encode()
