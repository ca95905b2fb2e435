"""The tiny model is the same everywhere, is what its config says, and knows its sentence."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from toolchain.tiny_model import manifest, text, tokenizer, weights
from toolchain.tiny_model.make import Made, make


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("models") / "tiny-mistral")


def test_another_process_makes_the_same_bytes(made: Made, tmp_path: Path) -> None:
    other = tmp_path / "tiny-mistral"
    subprocess.run(
        [sys.executable, "-m", "toolchain.tiny_model", str(other)],
        check=True,
        cwd=Path(__file__).parents[4],
        env={**os.environ, "PYTHONHASHSEED": "1"},
    )
    assert (tmp_path / "tiny-mistral.lock.json").read_text() == made.manifest.read_text()
    assert manifest.describe(other, "tiny-mistral") == json.loads(made.manifest.read_text())


def test_a_second_run_changes_nothing_and_a_damaged_file_is_made_again(tmp_path: Path) -> None:
    first = make(tmp_path / "model")
    assert first.changed
    assert not make(tmp_path / "model").changed
    (tmp_path / "model" / "config.json").write_text("{}")
    assert make(tmp_path / "model").changed
    assert manifest.describe(tmp_path / "model", "model") == json.loads(first.manifest.read_text())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "model.lock.json"]


def test_manifest_lists_every_file_sorted_with_its_real_size(made: Made) -> None:
    recorded = json.loads(made.manifest.read_text())
    paths = [file["path"] for file in recorded["files"]]
    assert paths == sorted(path.name for path in made.directory.iterdir())
    assert recorded["total_bytes"] == sum(path.stat().st_size for path in made.directory.iterdir())


def test_tensors_have_the_shapes_the_config_announces(made: Made) -> None:
    config = json.loads((made.directory / "config.json").read_text())
    tensors = load_file(made.directory / "model.safetensors")
    hidden, head_dim = config["hidden_size"], config["head_dim"]
    assert tensors["model.embed_tokens.weight"].shape == (config["vocab_size"], hidden)
    for layer in range(config["num_hidden_layers"]):
        attention = f"model.layers.{layer}.self_attn"
        heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
        assert tensors[f"{attention}.q_proj.weight"].shape == (heads * head_dim, hidden)
        assert tensors[f"{attention}.k_proj.weight"].shape == (kv_heads * head_dim, hidden)
    assert {tensor.dtype.name for tensor in tensors.values()} == {config["torch_dtype"]}
    assert len(tensors) == 3 + 9 * config["num_hidden_layers"]


def test_tokenizer_gives_back_any_text(made: Made) -> None:
    loaded = Tokenizer.from_file(str(made.directory / "tokenizer.json"))
    strange = "Grüße, 世界 \n\t [x] 123 🙂"
    assert loaded.decode(loaded.encode(strange).ids, skip_special_tokens=True) == strange
    assert loaded.encode("[INST] hi[/INST]").tokens[:2] == ["<s>", "[INST]"]
    assert loaded.get_vocab_size() == tokenizer.VOCABULARY_SIZE


def test_greedy_decoding_says_the_answer_and_ends(made: Made) -> None:
    loaded = Tokenizer.from_file(str(made.directory / "tokenizer.json"))
    tensors = load_file(made.directory / "model.safetensors")
    end = tokenizer.CONTROL_TOKENS.index(tokenizer.END)
    token = tokenizer.CONTROL_TOKENS.index(tokenizer.END_INSTRUCTION)
    said: list[int] = []
    while len(said) < 100:
        token = most_likely_after(token, tensors)
        if token == end:
            break
        said.append(token)
    assert loaded.decode(said) == text.ANSWER


def most_likely_after(token: int, tensors: dict[str, NDArray[np.float16]]) -> int:
    """The next token of the model without its layers, which add little: last norm, then the output matrix."""
    embedding = tensors["model.embed_tokens.weight"][token].astype(np.float32)
    normed = embedding / np.sqrt(np.mean(embedding**2))
    return int(np.argmax(tensors["lm_head.weight"].astype(np.float32) @ normed))


def test_an_answer_that_repeats_a_token_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    trained = tokenizer.train()
    monkeypatch.setattr(weights, "ANSWER", "Hello from a model, a model")
    with pytest.raises(ValueError, match=r"more than once.*reword"):
        weights.successors(trained)
