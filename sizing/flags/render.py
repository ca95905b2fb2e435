"""Writes the command line of `vllm serve`: canonical spellings, stable order, and nothing without effect."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from sizing.flags.fitness import Attention, Device, Target, target_for, unfit
from sizing.flags.table import FlagOption, flag_table
from sizing.flags.values import convert

# What vLLM decides after parsing when nothing is said, where that depends on the device alone.
DECIDED_LATER: Mapping[Device, Mapping[str, object]] = {
    "cuda": {
        "async_scheduling": True,
        "block_size": 16,
        "enable_chunked_prefill": True,
        "enable_prefix_caching": True,
    },
    "cpu": {"block_size": 128, "enable_chunked_prefill": True, "enable_prefix_caching": True},
}


@dataclass(frozen=True)
class LeftOut:
    """A value that is not on the command line, and why."""

    name: str
    value: object
    reason: str


@dataclass(frozen=True)
class Rendered:
    """The arguments after `vllm serve`, and what was not written."""

    arguments: tuple[str, ...]
    left_out: tuple[LeftOut, ...]


def render_args(
    values: Mapping[str, object],
    version: str,
    compute_capability: str | None,
    device: Device,
    *,
    attention: Attention = "standard",
    mistral_tokenizer: bool = False,
    defaults: Mapping[str, object] | None = None,
) -> tuple[str, ...]:
    """The arguments after `vllm serve`; see `render`."""
    target = target_for(
        version,
        compute_capability,
        device,
        attention=attention,
        mistral_tokenizer=mistral_tokenizer,
    )
    return render(values, version, target, defaults).arguments


def render(
    values: Mapping[str, object],
    version: str,
    target: Target,
    defaults: Mapping[str, object] | None = None,
) -> Rendered:
    """Arguments for `values`, by dest (`max_model_len`); `model` becomes the positional one in front.

    None means unset. `defaults` adds what the caller knows vLLM will decide by itself on this host, such as
    max_num_seqs. Raises UnknownVersionError, and ValueError for a value the release's parser would refuse.
    """
    table = flag_table(version)
    decided = dict(DECIDED_LATER[target.device]) | dict(defaults or {})
    given = {name: value for name, value in values.items() if value is not None}
    arguments: list[str] = []
    left_out: list[LeftOut] = []
    if "model" in given:
        arguments.append(str(given["model"]))
    for name in sorted(given.keys() - {"model"}):
        value = given[name]
        option = table.by_dest.get(name)
        reason = (
            unfit(name, given, target)
            or (f"vLLM {table.vllm_version} has no such option" if option is None else None)
            or ("is the default" if option and is_default(option, value, decided) else None)
        )
        if reason is None and option is not None:
            arguments += _written(option, value)
        else:
            left_out.append(LeftOut(name, value, reason or ""))
    return Rendered(tuple(arguments), tuple(left_out))


def render_environment(environment: Mapping[str, str], version: str, target: Target) -> dict[str, str]:
    """The variables that have an effect on this release and device, sorted.

    Left out are thread counts, which vLLM sets better itself, those of the media fetcher on a text model, and
    VLLM_* names the release does not read. Raises UnknownVersionError.
    """
    known = flag_table(version).environment
    return {
        name: environment[name]
        for name in sorted(environment)
        if name != "OMP_NUM_THREADS"
        and (name != "VLLM_MEDIA_LOADING_THREAD_COUNT" or target.multimodal)
        and (name in known or not name.startswith("VLLM_"))
    }


def is_default(option: FlagOption, value: object, decided: Mapping[str, object]) -> bool:
    """Whether saying `value` changes nothing: the parser's default, or what vLLM decides by itself."""
    default = decided.get(option.dest) if option.default is None else option.default
    if isinstance(value, tuple):
        value = list(value)
    # True == 1 in Python: a switch is not a count.
    return default == value and isinstance(default, bool) == isinstance(value, bool)


def _written(option: FlagOption, value: object) -> list[str]:
    if option.kind == "switch":
        return [option.name] if value else []
    if option.kind == "boolean-optional":
        return [option.set_true[0] if value else option.set_false[0]]
    many = option.nargs in {"+", "*"} and isinstance(value, list | tuple)
    texts = [_text(item) for item in value] if many else [_text(value)]  # type: ignore[attr-defined]
    for text in texts:
        try:
            convert(option, text)
        except ValueError as error:
            raise ValueError(f"{option.dest}: {error}") from error
    return [option.name, *texts]


def _text(value: object) -> str:
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, sort_keys=True, separators=(",", ":"))
    return str(value)
