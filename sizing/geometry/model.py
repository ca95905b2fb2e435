"""What a model is, as far as memory is concerned. Sizes are bytes, lengths are tokens."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Dtype = Literal["float32", "float16", "bfloat16"]


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KvGroup(Frozen):
    """Layers that keep the same kind of key/value state, in the order vLLM meets them.

    `full` keeps every token, `sliding` the last `window_tokens`, `latent` one compressed vector of
    `latent_rank` + `rope_dim` elements a token (multi-head latent attention), `chunked` the current chunk
    of `window_tokens`.
    """

    kind: Literal["full", "sliding", "latent", "chunked"]
    layers: int = Field(ge=1)
    kv_heads: int = Field(ge=1)
    head_dim: int = Field(ge=1, description="elements of a key head; latent: rank + rope")
    value_head_dim: int = Field(ge=0, description="elements of a value head; latent: 0")
    window_tokens: int | None = None
    latent_rank: int | None = None
    rope_dim: int | None = None

    @property
    def elements_per_token(self) -> int:
        """Elements one token takes in one layer."""
        return self.kv_heads * (self.head_dim + self.value_head_dim)


class Quantization(Frozen):
    """How the checkpoint packs its linear layers, and the name vLLM resolves the method to."""

    method: str
    bits: int | None = None
    group_size: int | None = None
    format: str | None = None
    vllm_name: str | None = None
    kv_cache_fp8: bool = Field(default=False, description="the checkpoint brings scales for an fp8 KV cache")


class Experts(Frozen):
    """A mixture of experts: sizes of one layer, and how many layers have it."""

    count: int = Field(ge=1)
    per_token: int = Field(ge=1)
    intermediate_size: int = Field(ge=1)
    shared_intermediate_size: int = Field(default=0, ge=0)
    layers: int = Field(ge=1)


class RecurrentState(Frozen):
    """Layers that keep a fixed state a sequence instead of keys and values (linear attention, Mamba)."""

    layers: int = Field(ge=1)
    elements_per_layer: int = Field(ge=1, description="convolution and recurrent state of one sequence")


class Vision(Frozen):
    """The image tower stored in the same checkpoint."""

    hidden_size: int
    layers: int
    parameters: int


class ModelGeometry(Frozen):
    """Everything the planner needs of a checkpoint, read from its config.json alone."""

    architecture: str
    model_type: str
    hidden_size: int
    intermediate_size: int
    layers: int
    vocab_size: int
    attention_heads: int
    kv_heads: int
    head_dim: int
    kv_groups: tuple[KvGroup, ...]
    kv_pattern: tuple[int, ...] = Field(description="index into kv_groups for each layer that keeps keys and values")
    context_tokens: int = Field(description="longest context vLLM accepts without an override")
    default_context_tokens: int = Field(description="what vLLM takes when max_model_len is not set")
    parameters: int = Field(description="unpacked parameters stored in the checkpoint, tied ones once")
    weight_bytes: int = Field(description="bytes of all tensors as published in safetensors")
    tensor_count: int = Field(description="entries of the checkpoint's weight map")
    loaded_packed_bytes: int = Field(description="bytes of the served tensors whose width the dtype does not change")
    loaded_float_elements: int = Field(description="elements of the served tensors that take the running dtype")
    torch_dtype: Dtype
    dtype_stated: bool = Field(description="false when the config names no dtype and torch_dtype is the method's own")
    quantization: Quantization | None = None
    tie_word_embeddings: bool
    experts: Experts | None = None
    recurrent: RecurrentState | None = None
    vision: Vision | None = None
    attention_sinks: bool = False
    sparse_index: bool = Field(default=False, description="an index picks the tokens to attend to")
    attention_softcap: bool = False
    qk_nope_head_dim: int = Field(default=0, description="latent attention: elements of a head without rotation")
    bidirectional_images: bool = Field(default=False, description="image tokens attend to each other both ways")
    caveats: tuple[str, ...] = Field(default=(), description="what the config leaves open, one sentence each")

    @property
    def loaded_weight_bytes(self) -> int:
        """Bytes of what is served of the checkpoint, in its own dtype (next-token layers are not)."""
        return self.loaded_bytes(4 if self.torch_dtype == "float32" else 2)

    def loaded_bytes(self, element_bytes: int) -> int:
        """Bytes of what is served of the checkpoint in a running dtype of this width."""
        return self.loaded_packed_bytes + self.loaded_float_elements * element_bytes

    @property
    def latent(self) -> bool:
        return any(group.kind == "latent" for group in self.kv_groups)

    def kv_bytes_per_token(self, element_bytes: int) -> int:
        """Key/value bytes one token takes over all layers, windows ignored."""
        return sum(g.layers * g.elements_per_token * element_bytes for g in self.kv_groups)
