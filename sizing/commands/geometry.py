"""`python -m sizing geometry`: what a model is, from its directory or its config.json."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from sizing.draw.bars import readable
from sizing.geometry import ModelGeometry, from_path
from sizing.kv.dtype import ELEMENT_BYTES


def geometry_main(argv: list[str]) -> int:
    """Exit status 0; ValueError and OSError are the caller's to print."""
    parser = argparse.ArgumentParser(
        prog="python -m sizing geometry", description="Reads a model's shape from its config.json, as plans do."
    )
    parser.add_argument("path", type=Path, metavar="PATH", help="a checkpoint's directory, or its config.json")
    parser.add_argument("--json", action="store_true", help="everything that was read, as one JSON object")
    options = parser.parse_args(argv)
    model = from_path(options.path)
    if options.json:
        sys.stdout.write(json.dumps(model.model_dump(mode="json"), indent=2) + "\n")
    else:
        sys.stdout.write("\n".join(_lines(model, options.path)) + "\n")
    return 0


def _lines(model: ModelGeometry, path: Path) -> Iterator[str]:
    element = ELEMENT_BYTES[model.torch_dtype]
    quantization = model.quantization
    packed = "unquantised" if quantization is None else f"{quantization.method}, {quantization.bits or '?'} bits"
    yield f"{model.architecture} ({model.model_type})"
    yield f"  parameters       {model.parameters:,}"
    weights = f"{model.weight_bytes:,} bytes = {readable(model.weight_bytes)}"
    yield f"  weights          {weights}, {packed}, {model.torch_dtype}"
    yield f"  context          {model.context_tokens:,} tokens"
    yield f"  layers           {model.layers}, {model.attention_heads} heads, vocabulary {model.vocab_size:,}"
    per_token = model.kv_bytes_per_token(element)
    yield f"  KV cache         {per_token:,} bytes a token ({readable(per_token)}), half of that in fp8"
    for group in model.kv_groups:
        window = "" if group.window_tokens is None else f", window of {group.window_tokens:,} tokens"
        yield f"    {group.kind:<8} {group.layers} layers of {group.kv_heads} x {group.head_dim}{window}"
    if model.experts is not None:
        yield f"  experts          {model.experts.count}, {model.experts.per_token} for each token"
    for caveat in model.caveats:
        yield f"  note             {caveat}"
    yield "To plan with it, in a stack file:"
    yield f"  gpuhost:model: {{name: ..., host_path: ..., config: {path if path.is_file() else path / 'config.json'}}}"
