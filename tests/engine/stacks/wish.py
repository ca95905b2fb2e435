"""What a test's stack asks for, as its `Pulumi.<stack>.yaml` says it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hosts.sandbox import Sandbox

SERVER_PORT = 8000
# A tiny server is healthy within a second; what is planned for the real one would make tests wait.
SHORT_DEADLINE_S = 6
_SHORT = {"start_expected_s": 1, "health_deadline_s": SHORT_DEADLINE_S}


@dataclass(frozen=True)
class Wish:
    """One deployment: on these sandboxes, this image (its archive) with this model, for this goal."""

    hosts: tuple[Sandbox, ...]
    image: Path
    model: Path
    context_tokens: int = 512
    parallel_requests: int = 2
    port: int = SERVER_PORT
    source: Mapping[str, object] | None = None  # of the model, where it is not the folder itself
    overrides: Mapping[str, int] = field(default_factory=lambda: dict(_SHORT))
    # What the stack file says of the hosts beside their shape; not necessarily true.
    claims: Mapping[str, object] = field(default_factory=dict)

    def but(self, **changes: Any) -> Wish:
        """The same with some fields changed; overrides are added to those there are."""
        overrides = {**self.overrides, **changes.pop("overrides", {})}
        return replace(self, **changes, overrides=overrides)

    def config(self) -> dict[str, object]:
        """The `config:` section of the stack file."""
        return {
            "gpuhost:hosts": [_entry(host) | dict(self.claims) for host in self.hosts],
            "gpuhost:model": {"name": self.model.name, **(self.source or {"directory": str(self.model)})},
            "gpuhost:goal": {"context_tokens": self.context_tokens, "parallel_requests": self.parallel_requests},
            "gpuhost:server": {
                "vllm_version": self._vllm_version(),
                "image": {"archive": str(self.image)},
                "port": self.port,
                "overrides": dict(self.overrides),
            },
        }

    def _vllm_version(self) -> str:
        return str(json.loads(self.image.with_suffix(".json").read_text())["vllm_version"])


def _entry(host: Sandbox) -> dict[str, object]:
    return {
        "name": host.name,
        "shape": "sandbox",
        "cpus": int(host.cpus),
        "memory_gib": host.memory_gib,
        "ssh": {
            "address": host.address,
            "port": host.ssh_port,
            "user": host.user,
            "host_key_file": str(host.host_key_file),
            "private_key_file": str(host.private_key_file),
        },
        "bind_address": host.inner_address,
        "endpoint_address": host.address,
    }
