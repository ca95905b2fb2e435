"""One container launch as it was written: image, settings, and what reaches vLLM."""

from dataclasses import dataclass, field
from typing import Literal

Form = Literal[
    "image_entrypoint",
    "vllm_serve_in_command",
    "module_in_command",
    "entrypoint_override",
    "shell_wrapped",
    "script",
    "other_program",
]


class UnreadableError(ValueError):
    """The text is no launch; names the place and the word in the way."""

    def __init__(self, message: str, word: str = "", line: int = 0, column: int = 0) -> None:
        place = f"line {line}, column {column}: " if line else ""
        super().__init__(f"{place}{message}" + (f": {word}" if word else ""))
        self.word, self.line, self.column = word, line, column


@dataclass(frozen=True)
class Port:
    """One published port; `address` is "" where every interface is meant."""

    address: str
    text: str


@dataclass(frozen=True)
class Ulimit:
    """One resource limit, as written."""

    name: str
    value: str


@dataclass(frozen=True)
class ContainerSettings:
    """What the container engine is asked for. Sizes are bytes; None means not set."""

    gpus: str | None = None
    runtime: str | None = None
    ipc: str | None = None
    network: str | None = None
    privileged: bool = False
    shm_bytes: int | None = None
    memory_bytes: int | None = None
    memory_swap_bytes: int | None = None
    cpus: float | None = None
    restart: str | None = None
    ports: tuple[Port, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    volumes: tuple[str, ...] = ()
    ulimits: tuple[Ulimit, ...] = ()
    user: str | None = None
    health_check: bool = False
    removed_on_exit: bool = False
    bad_sizes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Program:
    """What runs in the container: the arguments of vLLM and how they get there.

    `problem` says why the container would not start vLLM with them as written. `known` is False where the
    arguments are built by something that is not in the text.
    """

    form: Form
    arguments: tuple[str, ...]
    problem: str | None = None
    known: bool = True


@dataclass(frozen=True)
class Launch:
    """A launch read from text. `assignments` are variables the same script sets."""

    kind: Literal["docker", "podman", "compose", "arguments"]
    image: str
    settings: ContainerSettings
    program: Program
    service: str | None = None
    assignments: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    default_address: str = ""
