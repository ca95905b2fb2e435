"""Models and devices for the planner's tests."""

from typing import Any

from sizing.geometry import read_config
from sizing.kv import Device

GIB = 2**30


def device(name: str, capability: str, gib: float) -> Device:
    major, minor = capability.split(".")
    return Device(name=name, compute_capability=(int(major), int(minor)), memory_bytes=int(gib * GIB))


T4 = device("T4", "7.5", 14.6)
A10G = device("A10G", "8.6", 22.3)
L4 = device("L4", "8.9", 22.0)
A100 = device("A100 80GB", "8.0", 79.2)
H100 = device("H100 80GB", "9.0", 79.2)
B200 = device("B200", "10.0", 178.4)
ALL = (T4, A10G, L4, A100, H100, B200)

MISTRAL_CONFIG: dict[str, Any] = {
    "architectures": ["MistralForCausalLM"],
    "model_type": "mistral",
    "torch_dtype": "bfloat16",
    "vocab_size": 32768,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "max_position_embeddings": 32768,
    "sliding_window": None,
}
GEMMA3_CONFIG: dict[str, Any] = {
    "architectures": ["Gemma3ForCausalLM"],
    "model_type": "gemma3_text",
    "torch_dtype": "bfloat16",
    "vocab_size": 262208,
    "hidden_size": 3840,
    "intermediate_size": 15360,
    "num_hidden_layers": 48,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 256,
    "sliding_window": 1024,
    "max_position_embeddings": 131072,
}
PHI4_CONFIG: dict[str, Any] = {
    "architectures": ["Phi3ForCausalLM"],
    "model_type": "phi3",
    "torch_dtype": "bfloat16",
    "vocab_size": 100352,
    "hidden_size": 5120,
    "intermediate_size": 17920,
    "num_hidden_layers": 40,
    "num_attention_heads": 40,
    "num_key_value_heads": 10,
    "max_position_embeddings": 16384,
}
MISTRAL = read_config(MISTRAL_CONFIG)
MISTRAL_V01 = read_config({**MISTRAL_CONFIG, "vocab_size": 32000, "sliding_window": 4096})
GEMMA3 = read_config(GEMMA3_CONFIG)
PHI4 = read_config(PHI4_CONFIG)
