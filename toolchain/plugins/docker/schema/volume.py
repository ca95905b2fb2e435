"""docker:index/volume:Volume, after the Terraform docker provider 4.5.0."""

from __future__ import annotations

from toolchain.plugins.docker.schema.attribute import (
    Attribute,
    Block,
    Kind,
    Resource,
    list_of,
    map_of_strings,
    output,
    set_of,
    string,
)
from toolchain.plugins.docker.schema.label import LABEL
from toolchain.plugins.docker.schema.validators import one_of

CLUSTER: Block = {
    "id": Attribute(Kind.STRING, computed=True),
    "scope": string(default="single", force_new=True, validate=one_of("single", "multi")),
    "sharing": string(default="none", force_new=True, validate=one_of("none", "readonly", "onewriter", "all")),
    "type": string(default="block", force_new=True, validate=one_of("mount", "block")),
    "topology_preferred": string(default="", force_new=True),
    "topology_required": string(default="", force_new=True),
    "required_bytes": string(force_new=True),
    "limit_bytes": string(force_new=True),
    "group": string(default="", force_new=True),
    "availability": string(default="active", validate=one_of("active", "pause", "drain")),
}

ATTRIBUTES: dict[str, Attribute] = {
    "name": string(computed=True, force_new=True, autoname=True),
    "labels": set_of(LABEL, force_new=True),
    "driver": string(computed=True, force_new=True),
    "driver_opts": map_of_strings(force_new=True),
    "mountpoint": output(string()),
    "cluster": list_of(CLUSTER, force_new=True, max_items=1),
}

VOLUME = Resource("docker:index/volume:Volume", "docker_volume", ATTRIBUTES)
