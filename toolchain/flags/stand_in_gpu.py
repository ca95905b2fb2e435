"""STAND-IN: a CUDA platform of compute capability 8.6 without a GPU, so that vLLM's own code imports.

Imported first in a process whose PYTHONPATH begins with an unpacked vLLM package without its compiled files.
Nothing computes here; only configuration and parser code runs.
"""

import importlib.abc
import importlib.machinery
import sys
import types
from typing import Any
from unittest.mock import MagicMock

CAPABILITY = (8, 6)
MEMORY_BYTES = 21 << 30
COMPILED = ("_C", "_C_stable_libtorch", "_moe_C", "_moe_C_stable_libtorch", "cumem_allocator")
# Optional readers of weight formats; the parser only needs the name to be importable.
ABSENT = ("gguf",)


def _empty(name: str) -> Any:
    module = types.ModuleType(name)
    module.__spec__ = importlib.machinery.ModuleSpec(name, None)
    sys.modules[name] = module
    return module


class _Absent(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Answers imports of ABSENT packages that really are not installed."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:  # noqa: ARG002
        found = name.partition(".")[0] in ABSENT
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if found else None

    def create_module(self, spec: Any) -> Any:
        return MagicMock(__spec__=spec, __path__=[], __name__=spec.name)

    def exec_module(self, module: Any) -> None:
        """A mock needs nothing."""


def _flash_attention() -> None:
    interface = _empty("vllm.vllm_flash_attn.flash_attn_interface")
    interface.is_fa_version_supported = lambda version: version == 2
    interface.fa_version_unsupported_reason = lambda version: None if version == 2 else "stand-in"
    for name in ("compile_flash_attn_varlen_func_from_specs", "flash_attn_varlen_func", "get_scheduler_metadata"):
        setattr(interface, name, lambda *_, **__: None)
    package = _empty("vllm.vllm_flash_attn")
    package.__path__ = []
    package.__dict__.update({k: v for k, v in vars(interface).items() if not k.startswith("__")})


def _operators() -> None:
    import torch  # type: ignore[import-not-found]
    import torch._ops  # type: ignore[import-not-found]

    torch.version.cuda = "13.0"
    real = torch._ops._OpNamespace.__getattr__

    def lenient(namespace: Any, name: str) -> Any:
        try:
            return real(namespace, name)
        except AttributeError:
            if "support" in name:  # "is X supported here?" - no
                return lambda *_, **__: False
            raise

    torch._ops._OpNamespace.__getattr__ = lenient


def _platform() -> None:
    from vllm import platforms  # type: ignore[import-not-found]
    from vllm.platforms import cuda  # type: ignore[import-not-found]
    from vllm.platforms.interface import DeviceCapability  # type: ignore[import-not-found]

    capability = DeviceCapability(*CAPABILITY)

    def has(_: Any, wanted: Any, device_id: int = 0) -> bool:  # noqa: ARG001
        return bool(capability >= wanted if isinstance(wanted, tuple) else capability.to_int() >= wanted)

    members = {
        "get_device_capability": classmethod(lambda _, device_id=0: capability),  # noqa: ARG005
        "has_device_capability": classmethod(has),
        "get_device_name": classmethod(lambda _, device_id=0: "NVIDIA A10G"),  # noqa: ARG005
        "get_device_total_memory": classmethod(lambda _, device_id=0: MEMORY_BYTES),  # noqa: ARG005
        "is_fully_connected": classmethod(lambda _, ids: False),  # noqa: ARG005
        "device_count": classmethod(lambda _: 1),
        "log_warnings": classmethod(lambda _: None),
    }
    platforms.current_platform = platforms._current_platform = type("StandIn", (cuda.CudaPlatformBase,), members)()


def install() -> None:
    """Puts the stand-in in place; call before anything else of vLLM is imported."""
    for name in COMPILED:
        _empty(f"vllm.{name}")
    sys.meta_path.append(_Absent())
    _flash_attention()
    _operators()
    _platform()
