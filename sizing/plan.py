"""From host, model and goal to the plan: the one function everything else is for."""

from collections.abc import Mapping

from hosts.spec import HostSpec
from hosts.stack import Goal
from sizing.choices import Choices
from sizing.cpu_server import plan_on_cpu
from sizing.geometry import ModelGeometry
from sizing.gpu_server import plan_on_gpu
from sizing.request import PlanRequest
from sizing.serving import InfeasibleError, ServingPlan
from sizing.sized import Value

DEFAULT_PORT = 8000


def plan(
    host: HostSpec,
    model: ModelGeometry,
    goal: Goal,
    vllm_version: str,
    *,
    served_name: str,
    port: int = DEFAULT_PORT,
    overrides: Mapping[str, Value] | None = None,
    strict: bool = False,
) -> ServingPlan:
    """What `host` should run to serve `model` for `goal` with this vLLM release.

    Pure: the same input gives the same plan and digest. Raises InfeasibleError where the host cannot carry
    the goal or an override, with what would be feasible. A figure of the goal that is only slower than asked
    for is a verdict and a warning of the plan; with `strict` it is refused too.
    """
    if goal.context_tokens > model.context_tokens:
        raise InfeasibleError(
            f"goal.context_tokens: {goal.context_tokens} exceed the model's own {model.context_tokens}"
        )
    request = PlanRequest(host, model, goal, vllm_version, served_name, port)
    chosen = Choices(overrides or {})
    planned = plan_on_cpu(request, chosen) if host.gpu is None else plan_on_gpu(request, chosen)
    beyond = planned.outlook.refused() if strict else None
    if beyond:
        raise InfeasibleError(beyond)
    return planned
