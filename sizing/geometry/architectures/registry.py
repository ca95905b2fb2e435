"""Which function knows which architecture name of a config.json."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sizing.geometry.architectures.decoder import Decoder
from sizing.geometry.fields import Fields

Builder = Callable[[Fields], Decoder]
BUILDERS: dict[str, Builder] = {}
B = TypeVar("B", bound=Callable[..., Decoder])


def architecture(*names: str) -> Callable[[B], B]:
    """Registers a builder under the names that `architectures[0]` of a config.json uses."""

    def register(builder: B) -> B:
        for name in names:
            if name in BUILDERS:
                raise AssertionError(f"{name} is registered twice")
            BUILDERS[name] = builder
        return builder

    return register
