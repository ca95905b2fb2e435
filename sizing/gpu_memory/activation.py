"""The peak PyTorch reaches in the profile run, above the weights.

`profile_run` feeds max_num_batched_tokens dummy tokens through the model, then samples max_num_seqs
sequences. The larger of the two peaks counts; what the first leaves allocated counts in the second too.
"""

from __future__ import annotations

from dataclasses import dataclass

from sizing.gpu_memory.gpu import Gpu
from sizing.gpu_memory.options import StartOptions
from sizing.gpu_memory.releases import Engine
from sizing.gpu_memory.shapes import ImageTower, ModelShapes

# Bytes alive for each logit at the sampler's widest point, from the order of its tensor operations.
# All hold the model's logits (2) and their float32 copy (4). sort: sorted values 4 + indices 8 + the radix
# sort's own copies of keys and 64-bit indices 20. flashinfer: masked logits 4 + probabilities 4.
# triton: probabilities 4 + exponential noise 4. gumbel: nothing more.
SAMPLER_BYTES_PER_LOGIT = {"sort": 38, "flashinfer": 14, "triton": 14, "gumbel": 6}
TRITON_BATCH = 8  # below this many sequences the Triton path sorts after all


@dataclass(frozen=True, slots=True)
class Batch:
    tokens: int
    sequences: int


@dataclass(frozen=True, slots=True)
class Activation:
    """Peak bytes by what is running; the largest decides."""

    forward_bytes: int
    sampler_bytes: int
    compile_bytes: int
    encoder_bytes: int = 0

    @property
    def peak_bytes(self) -> int:
        return max(self.forward_bytes, self.sampler_bytes, self.compile_bytes, self.encoder_bytes)

    @property
    def decided_by(self) -> str:
        if self.peak_bytes == self.encoder_bytes:
            return "the image encoder"
        if self.peak_bytes == self.compile_bytes:
            return "kernel benchmarks of a cold compile"
        return "the sampler" if self.peak_bytes == self.sampler_bytes else "the forward pass"


def batch_of(engine: Engine, gpu: Gpu, options: StartOptions) -> Batch:
    """Tokens and sequences of the profile run."""
    tokens, sequences = gpu.batch_defaults(engine.release, options.offline)
    if engine.first_engine:  # without chunked prefill a whole prompt is one step; above 32K it is chunked
        length = options.max_model_len or 2048
        chunk = 512 if engine.release < (0, 7) else 2048
        tokens = chunk if length > 32768 else max(length, 2048)
        sequences = 256
    tokens = options.max_num_batched_tokens or tokens
    wanted = options.max_num_seqs or sequences
    return Batch(tokens, min(wanted, tokens))


def chunked_first_engine(engine: Engine, options: StartOptions) -> bool:
    """V0 profiles a chunk of a longer prompt, which samples nothing."""
    return engine.first_engine and (options.max_model_len or 0) > 32768 and options.max_num_batched_tokens is None


def triton_buffer_bytes(m: ModelShapes, gpu: Gpu, sequences: int) -> int:
    """One row of float32 logits a program, kept for the life of the server (`topk_topp_triton.py`)."""
    programs = min(gpu.multiprocessors, sequences)
    rows = min(1 << (programs - 1).bit_length(), gpu.multiprocessors)
    return rows * m.vocab * 4


def moe_workspace_bytes(m: ModelShapes, options: StartOptions, tokens: int) -> int:
    """The experts' two intermediate buffers (`modular_kernel.py`), none for gpt-oss's own MXFP4 kernels."""
    e = m.experts
    if e is None or m.format.experts_only:
        return 0
    inner = e.intermediate // options.tensor_parallel
    first, second = max(2 * inner, m.hidden), max(inner, m.hidden)
    return tokens * e.per_token * (first + second) * m.element_bytes


def profiled_images(t: ImageTower | None, engine: Engine, tokens: int) -> int:
    """Images of the largest size that fill the encoder's budget. The second runner profiles none up to 0.26."""
    if t is None or (engine.second_runner and engine.release < (0, 27)):
        return 0
    return max(1, max(tokens, t.budget_tokens_per_image) // t.budget_tokens_per_image)


def image_bytes(m: ModelShapes, engine: Engine, tokens: int) -> int:
    """Dummy images and their embeddings, held until the profile run ends."""
    t = m.images
    images = profiled_images(t, engine, tokens)
    if t is None or not images:
        return 0
    budget = max(tokens, t.budget_tokens_per_image)
    width = m.hidden * m.element_bytes
    scattered = images * budget * width if engine.scatters_images and t.tokens_per_image < budget else 0
    return images * (t.tokens_per_image * width + t.pixel_bytes_per_image) + scattered


def forward_bytes(m: ModelShapes, options: StartOptions, tokens: int, workspace: int) -> int:
    """Widest point of a layer: gate and up (2I) and their product (I), with three copies of the residual."""
    tp = options.tensor_parallel
    inner = m.intermediate / tp
    if m.experts is not None:
        inner = m.experts.shared_intermediate / tp
    attention = (m.heads + 2 * m.kv_heads) * m.head_dim / tp + m.heads * m.head_dim / tp
    wide = max(3 * inner + m.format.activation_bytes * (m.intermediate / tp + m.hidden) / 2, attention)
    return round(tokens * (wide + 3 * m.hidden) * m.element_bytes) + workspace


def sampler_bytes(m: ModelShapes, engine: Engine, gpu: Gpu, batch: Batch) -> int:
    logits = batch.sequences * m.vocab
    kind = engine.sampler
    if kind == "triton" and batch.sequences < TRITON_BATCH:
        kind = "sort"
    per_logit = SAMPLER_BYTES_PER_LOGIT[kind] + (m.element_bytes - 2)
    also_native = kind == "flashinfer" and engine.release >= (0, 21)  # its fallback is warmed up as well
    buffer = triton_buffer_bytes(m, gpu, batch.sequences) if kind == "triton" or also_native else 0
    hidden = (batch.tokens + 2 * batch.sequences) * m.hidden * m.element_bytes
    return logits * per_logit + buffer + hidden


def activation_of(m: ModelShapes, engine: Engine, gpu: Gpu, options: StartOptions) -> Activation:
    batch = batch_of(engine, gpu, options)
    workspace = moe_workspace_bytes(m, options, batch.tokens)
    images = image_bytes(m, engine, batch.tokens)
    held = gpu.cublas_workspace_bytes + images
    kept = workspace if engine.keeps_moe_workspace else 0
    forward = held + forward_bytes(m, options, batch.tokens, workspace)
    sampler = 0 if chunked_first_engine(engine, options) else held + kept + sampler_bytes(m, engine, gpu, batch)
    compiled = 0
    if engine.benchmarks_kernels and options.compile_cache == "cold" and not options.enforce_eager:
        compiled = held + m.embedding_bytes // options.tensor_parallel + batch.tokens * m.hidden * m.element_bytes
    encoder = 0
    if m.images is not None:
        shown = profiled_images(m.images, engine, batch.tokens)
        each = m.images.encoder_bytes_per_image + m.images.pixel_bytes_per_image
        encoder = gpu.cublas_workspace_bytes + shown * each if shown else 0
    return Activation(forward, sampler, compiled, encoder)
