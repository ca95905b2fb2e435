"""The context a model takes, by vLLM 0.32/0.33's own rule (its `_get_and_verify_max_len`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sizing.geometry.fields import Fields

LENGTH_FIELDS = (
    "max_position_embeddings",
    "n_positions",
    "max_seq_len",
    "seq_length",
    "model_max_length",
    "max_target_positions",
    "max_sequence_length",
    "max_seq_length",
    "seq_len",
)
UNSTATED_TOKENS = 2048
# These kinds of rope scaling are published with max_position_embeddings already scaled.
ALREADY_SCALED = frozenset({"su", "longrope", "llama3", "yarn", "deepseek_yarn", "deepseek_llama_scaling"})


def rope_sections(f: Fields) -> Iterator[Fields]:
    """The rope settings, in the older (`rope_scaling`) or the newer (`rope_parameters`, maybe a layer type) form."""
    for key in ("rope_scaling", "rope_parameters"):
        section = f.optional_section(key)
        if section is None:
            continue
        nested = [name for name, value in section.values.items() if isinstance(value, Mapping)]
        for name in nested:
            yield section.section(name)
        if not nested:
            yield section


def rope_kind(section: Fields) -> str:
    value = section.raw("rope_type", "type")
    return value if isinstance(value, str) else "default"


def context_tokens(f: Fields, model_type: str) -> tuple[int, int]:
    """(longest context accepted, context taken when none is asked for)."""
    lengths = [f.count(name) for name in LENGTH_FIELDS if f.has(name)]
    longest = min(lengths) if lengths else UNSTATED_TOKENS
    if f.has("model_max_length"):
        longest = f.count("model_max_length")
    ropes = list(rope_sections(f))
    if "gemma3" not in model_type:
        factor = 1.0
        for rope in ropes:
            if rope_kind(rope) not in ALREADY_SCALED:
                factor = rope.ratio("factor", factor)
        longest = int(longest * factor)
    default = longest
    if any(rope_kind(rope) == "longrope" for rope in ropes):
        default = f.count("original_max_position_embeddings", default=longest)
    return longest, default
