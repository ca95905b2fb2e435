"""`VllmServer`: one vLLM container, switched to without losing the one before it."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_command as command
import pulumi_docker as docker

from components.access import HostAccess
from components.host_script import check_text, host_script
from components.server_container import ServerDefinition, container_args
from components.server_terms import trial_options


@dataclass(frozen=True)
class VllmServerArgs:
    """The server, how long it may take to become healthy, and what must be on the host before it."""

    definition: ServerDefinition
    health_deadline_s: int
    after: Sequence[pulumi.Resource] = ()


class VllmServer(pulumi.ComponentResource):
    """Produces, in this order:

    - a volume for vLLM's compile cache, which every later server of the host reuses;
    - the handover: the new container's terms are tried, then the old container is stopped, not removed;
    - the container `<service>-<digest8>`: a change of anything is a new container, the old one goes last;
    - the gate: healthy within the deadline, or the old container serves again and `up` fails.

    Outputs: `container` (its name, known once it is healthy), `serving` (a sentence).
    """

    ready: pulumi.Resource
    container: pulumi.Output[str]
    serving: pulumi.Output[str]

    def __init__(
        self, name: str, args: VllmServerArgs, access: HostAccess, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        server = args.definition
        super().__init__("gpuhost:index:VllmServer", name, {"digest": server.digest}, opts)
        cache = docker.Volume(
            f"{name}-cache",
            name=server.cache_volume,
            opts=access.options(self, *args.after),
        )
        handover = self._switch(f"{name}-handover", "handover", args, access, cache)
        container = docker.Container(
            f"{name}-{server.digest[:8]}",
            container_args(server),
            access.options(self, handover),
        )
        gate = self._switch(f"{name}-gate", "gate", args, access, container, drift=name)
        self.ready = gate
        self.serving = gate.stdout
        self.container = pulumi.Output.all(container.name, gate.stdout).apply(lambda known: str(known[0]))
        self.register_outputs({"container": self.container, "serving": self.serving})

    def _switch(
        self,
        name: str,
        verb: str,
        args: VllmServerArgs,
        access: HostAccess,
        after: pulumi.Resource,
        drift: str | None = None,
    ) -> command.remote.Command:
        """One of the two steps of switch.sh around the container."""
        server = args.definition
        return host_script(
            name,
            access,
            "switch.sh",
            [
                verb,
                f"service={server.service}",
                f"new={server.container_name}",
                pulumi.Output.concat("image=", server.image),
                f"address={server.bind_address}",
                f"port={server.port}",
                f"deadline={args.health_deadline_s}",
                f"grace={server.stop_grace_s}",
                f"pids={server.terms.pids_limit}",
                f"cache={server.cache_volume}",
                f"user={server.terms.user}",
            ],
            pulumi.ResourceOptions(parent=self, depends_on=[after, *args.after]),
            data={"trial": "\n".join(trial_options(server.terms))},
            triggers=[server.digest],
            drift=drift,
        )


def server_check(service: str) -> str:
    """Names each way in which the serving container is not as the last switch left it."""
    return check_text("switch.sh", [f"service={service}"])
