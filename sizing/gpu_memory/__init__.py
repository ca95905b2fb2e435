"""Predicts what a vLLM start does with a GPU's memory, and whether it starts."""

from sizing.gpu_memory.budget import GpuBudget, Range, gpu_budget, predict, safe_utilization
from sizing.gpu_memory.options import StartOptions

__all__ = ["GpuBudget", "Range", "StartOptions", "gpu_budget", "predict", "safe_utilization"]
