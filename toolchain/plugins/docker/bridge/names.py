"""Pulumi's names of Terraform attributes and back."""

from __future__ import annotations

import re
from functools import cache

from toolchain.plugins.docker.schema.attribute import Attribute, Block


def pulumi_name(block: Block | None, terraform_name: str) -> str:
    """The Pulumi name of an attribute: its own one or the camel-cased Terraform name."""
    attribute = block.get(terraform_name) if block is not None else None
    if attribute is not None and attribute.pulumi_name:
        return attribute.pulumi_name
    return _camel(terraform_name)


def terraform_name(block: Block, name: str) -> str:
    """The Terraform name of a Pulumi property; an unknown one is only snake-cased."""
    return _by_pulumi_name(_Identity(block)).get(name) or _snake(name)


def find(block: Block, name: str) -> tuple[str, Attribute | None]:
    """The Terraform name and the attribute, if there is one, of a Pulumi property."""
    terraform = terraform_name(block, name)
    return terraform, block.get(terraform)


class _Identity:
    """Makes a schema table a key of a cache: the tables are constants."""

    def __init__(self, block: Block) -> None:
        self.block = block

    def __hash__(self) -> int:
        return id(self.block)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and other.block is self.block


@cache
def _by_pulumi_name(key: _Identity) -> dict[str, str]:
    return {pulumi_name(key.block, name): name for name in key.block}


@cache
def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


@cache
def _snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()
