"""The stack of a host with a GPU, as its owner would write it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from tests.engine.nvidia.nvidia_host import TOOLKIT, NvidiaHost
from tests.engine.stacks.stack import Stack
from tests.engine.stacks.wish import Wish


def gpu_config(wish: Wish, host: NvidiaHost, toolkit: str = TOOLKIT) -> Mapping[str, Any]:
    """`wish` on a machine whose Docker is to be installed, with the toolkit from the tests' mirror, deployed by
    a user who has sudo and nothing else.
    """
    config = wish.config()
    hosts: Any = config["gpuhost:hosts"]
    hosts[0]["gpu"] = {"name": "STAND-IN A10G", "memory_gib": 22.48, "compute_capability": "8.6"}
    hosts[0]["ssh"]["user"] = host.add_operator()
    source = {"url": host.repositories.url, "fingerprint": host.repositories.key.fingerprint}
    config["gpuhost:docker"] = {"policy": "install"}
    config["gpuhost:nvidia"] = {"toolkit": {"version": toolkit, "repository": source}}
    return config


def write(stack: Stack, config: Mapping[str, Any]) -> None:
    """The stack file."""
    stack.write(yaml.safe_dump({"config": dict(config)}, sort_keys=False))
