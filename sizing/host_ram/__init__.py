"""Where a host's RAM goes: the system, the server's processes, what vLLM maps, and the page cache."""

from sizing.host_ram.division import RamPlan, largest, plan_host_ram, reserve_bytes
from sizing.host_ram.needs import GIB, MIB, RamNeeds

__all__ = ["GIB", "MIB", "RamNeeds", "RamPlan", "largest", "plan_host_ram", "reserve_bytes"]
