"""The KV cache vLLM would build: blocks, groups, capacity, attention backend, and every refusal before it."""

from sizing.kv.plan import Capacity, KvPlan, plan_kv
from sizing.kv.refused import Refused
from sizing.kv.request import Device, KvFlags

__all__ = ["Capacity", "Device", "KvFlags", "KvPlan", "Refused", "plan_kv"]
