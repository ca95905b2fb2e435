"""One host as a stack deployed it: the promises of the outputs beside the ways to look."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from testinfra.host import Host

from facts.docker_daemon import DockerDaemon
from facts.gpu import Gpus
from facts.model_files import ModelFiles
from facts.nvidia_toolkit import NvidiaToolkit
from facts.server_container import ServerContainer
from facts.vllm_endpoint import VllmEndpoint


@dataclass(frozen=True)
class Deployed:
    """`outputs` is the host's entry in the stack's `hosts` output; `api_key` is the one the server asks for, if any.

    Example: `deployed.container.cgroup.cpus == deployed.planned("cpus")`
    """

    name: str
    outputs: Mapping[str, Any]
    host: Host
    api_key: str = field(default="", repr=False)

    @property
    def expected(self) -> Mapping[str, Any]:
        """Settings that are not numbers of the plan."""
        found: Mapping[str, Any] = self.outputs["expected"]
        return found

    def planned(self, name: str) -> Any:
        """The planned value of that name."""
        return self.outputs["plan"][name]["value"]

    def promises(self, name: str, fact: float) -> bool:
        """Whether the fact is what the plan said: inside its range, or equal where it gave none."""
        sized = self.outputs["plan"][name]
        low, high = sized.get("low", sized["value"]), sized.get("high", sized["value"])
        return bool(low * (1 - 1e-4) <= fact <= high * (1 + 1e-4))

    @cached_property
    def container(self) -> ServerContainer:
        """The serving container."""
        return ServerContainer(self.host, self.outputs["container"])

    @cached_property
    def docker(self) -> DockerDaemon:
        """Docker Engine."""
        return DockerDaemon(self.host)

    @cached_property
    def gpus(self) -> Gpus:
        """The host's GPUs and their driver."""
        return Gpus(self.host)

    @cached_property
    def toolkit(self) -> NvidiaToolkit:
        """NVIDIA's container toolkit."""
        return NvidiaToolkit(self.host)

    @cached_property
    def model(self) -> ModelFiles:
        """The model's volume."""
        return ModelFiles(self.host, self.expected["model_volume"])

    @cached_property
    def endpoint(self) -> VllmEndpoint:
        """The server from here."""
        return VllmEndpoint(self.outputs["endpoint"], self.api_key)

    def endpoint_for(self, api_key: str) -> VllmEndpoint:
        """The server as a client with another key, or with none, sees it."""
        return VllmEndpoint(self.outputs["endpoint"], api_key)
