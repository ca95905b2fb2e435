"""docker:index/network:Network, after the Terraform docker provider 4.5.0."""

from __future__ import annotations

from toolchain.plugins.docker.schema.attribute import (
    Attribute,
    Block,
    Resource,
    boolean,
    map_of_strings,
    output,
    set_of,
    string,
)
from toolchain.plugins.docker.schema.label import LABEL

IPAM_CONFIG: Block = {
    "subnet": string(force_new=True),
    "ip_range": string(force_new=True),
    "gateway": string(force_new=True),
    "aux_address": map_of_strings(force_new=True),
}

ATTRIBUTES: dict[str, Attribute] = {
    "name": string(required=True, force_new=True, autoname=True),
    "labels": set_of(LABEL, force_new=True),
    "driver": string(computed=True, force_new=True),
    "options": map_of_strings(computed=True, force_new=True),
    "internal": boolean(computed=True, force_new=True),
    "attachable": boolean(force_new=True),
    "ingress": boolean(force_new=True),
    "ipv6": boolean(force_new=True),
    "ipam_driver": string(default="default", force_new=True),
    "ipam_options": map_of_strings(force_new=True),
    "ipam_config": set_of(IPAM_CONFIG, computed=True, force_new=True, pulumi_name="ipamConfigs"),
    "scope": output(string()),
}

NETWORK = Resource("docker:index/network:Network", "docker_network", ATTRIBUTES, updatable=False)
