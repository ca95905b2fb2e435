"""Known host shapes, one YAML file each: adding a machine is adding a file."""

from functools import cache
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field

from hosts.spec import GpuSpec, HostName, Integer, LimitCeilings, Number, Spec

_FOLDER = Path(__file__).parent


class Shape(Spec):
    """A machine type: what it has, and where the figures come from."""

    name: HostName
    about: str
    source: str
    cpus: Annotated[Integer, Field(ge=1)]
    memory_gib: Annotated[Number, Field(ge=2)]
    gpu: GpuSpec | None = None
    limits: LimitCeilings = LimitCeilings()

    def hardware(self) -> dict[str, object]:
        """The fields a host takes over."""
        return {"cpus": self.cpus, "memory_gib": self.memory_gib, "gpu": self.gpu, "limits": self.limits}


@cache
def shapes() -> dict[str, Shape]:
    """Every known shape by name.

    Raises ValueError where a file is not a shape or its name is not the file's.
    """
    found: dict[str, Shape] = {}
    for path in sorted(_FOLDER.glob("*.yaml")):
        shape = Shape.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        if shape.name != path.stem:
            raise ValueError(f"{path.name} describes '{shape.name}': the file must carry the shape's name")
        found[shape.name] = shape
    return found


def shape_named(name: str) -> Shape:
    """The shape of that name; ValueError names the known ones."""
    try:
        return shapes()[name]
    except KeyError:
        raise ValueError(f"is no shape in hosts/catalogue; known: {', '.join(shapes())}") from None
