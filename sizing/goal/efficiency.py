"""How much of a card's published peak a server reaches: a fast and a slow end, each with its reason.

The range is wide on purpose. Between its ends lie the public measurements in `tests/unit/sizing/goal`; what
falls outside it cannot be argued with a better kernel or a cooler card.
"""

from dataclasses import dataclass
from typing import Literal

End = Literal["fast", "slow"]


@dataclass(frozen=True)
class Efficiency:
    """Fractions of the peak, seconds a step, and how uneven requests are (squared coefficient of variation)."""

    compute: float
    bandwidth: float
    step_s: float
    sequence_s: float
    variation: float


FAST = Efficiency(
    compute=0.75,  # large matrix products reach 70 to 80 % of the dense peak; FlashAttention 2 reports 72 % on A100
    bandwidth=0.92,  # the best streaming kernels; memory refresh and page changes take the rest
    step_s=0.0002,  # captured graphs and asynchronous scheduling hide the host's work
    sequence_s=0.0,
    variation=0.0,  # all requests alike
)
SLOW = Efficiency(
    compute=0.35,  # long contexts on SM 8.x, power-limited cards (L4 72 W, A10G 150 W), dequantisation in the kernel
    bandwidth=0.65,  # scattered KV pages, small layers, memory clocks under load
    step_s=0.002,  # scheduling, sampling and detokenising that nothing hides
    sequence_s=0.00003,
    variation=1.0,  # lengths spread like an exponential distribution
)
ENDS: dict[End, Efficiency] = {"fast": FAST, "slow": SLOW}
# Several GPUs exchange activations after every layer; over PCIe that costs, over NVLink hardly.
TENSOR_PARALLEL: dict[End, float] = {"fast": 0.97, "slow": 0.70}
PREFILL_REASON = (
    "prefill reaches 35 to 75 % of the dense FP16 peak: large products the upper end; long contexts, power limits "
    "and dequantisation the lower one"
)
DECODE_REASON = (
    "decode reads weights and KV cache at 65 to 92 % of the memory bandwidth, and a step costs 0.2 to 2 ms beside it"
)
QUEUE_REASON = (
    "prefill is a queue of one server (M/G/1, Pollaczek-Khinchine), places in the batch are one of many (M/G/c, "
    "Sakasegawa); requests are all alike at the fast end and exponentially spread at the slow one; numbers in flight "
    "follow from Little's law"
)
REASONS = (PREFILL_REASON, DECODE_REASON, QUEUE_REASON)
