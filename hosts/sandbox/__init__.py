"""The disposable host for development: a container that is a machine, reachable over SSH alone.

from hosts.sandbox import up
sandbox = up("dev")
sandbox.run("docker info")
"""

from hosts.sandbox.errors import SandboxError
from hosts.sandbox.lifecycle import down, get, reboot, up
from hosts.sandbox.sandbox import Limits, Sandbox

__all__ = ["Limits", "Sandbox", "SandboxError", "down", "get", "reboot", "up"]
