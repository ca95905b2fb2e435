"""A label, as Container, Volume and Network carry it."""

from __future__ import annotations

from toolchain.plugins.docker.schema.attribute import Block, string

LABEL: Block = {
    "label": string(required=True, force_new=True),
    "value": string(required=True, force_new=True),
}
