"""The KV pool of a model on a large GPU."""

from sizing.geometry import ModelGeometry
from sizing.kv import Device, KvFlags, plan_kv
from sizing.kv.pages import Pool


def pool_of(model: ModelGeometry) -> Pool:
    device = Device(name="A100", compute_capability=(8, 0), memory_bytes=80 << 30)
    return plan_kv(model, device, KvFlags(max_model_len=4096)).pool
