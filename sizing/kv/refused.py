"""Why vLLM would not start, found before it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from sizing.kv.plan import KvPlan

Stage = Literal["config", "attention_backend_init", "kv_cache_config"]


class Refused(ValueError):  # noqa: N818 - reads as what happened
    """vLLM refuses to start; the message says why and what would be right.

    `stage` is the part of the start-up that refuses. `plan` holds what was decided before it, None when the
    configuration itself is refused. `longest_tokens` is the longest context that would fit, where known.
    """

    def __init__(
        self, stage: Stage, reason: str, plan: KvPlan | None = None, longest_tokens: int | None = None
    ) -> None:
        super().__init__(reason)
        self.stage: Stage = stage
        self.plan = plan
        self.longest_tokens = longest_tokens
