"""The stand-ins satisfy the dynamic linker, answer calls as a machine without a GPU would, and stop the rest."""

import ctypes
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from toolchain.vllm_cpu.stand_ins import CALLED_AT_IMPORT, assembly_of_c, assembly_of_torch_cuda, link

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("ld") is None or shutil.which("as") is None,
    reason="needs binutils on Linux",
)


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("runtime") / "libcudart.so.13"
    link(library, assembly_of_c(["cudaGetDeviceCount", "cudaGetErrorString"]), "libcudart.so.13")
    return library


@pytest.fixture(scope="module")
def torch_cuda(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("torch") / "libtorch_cuda.so"
    names = ["_ZN2at4cuda5sleepEl", "_ZTI5Thing", "_ZTV5Thing", "_ZN4c10d15get_gil_checkerEv"]
    link(library, assembly_of_torch_cuda(names), None)
    return library


def called(library: Path, name: str) -> subprocess.CompletedProcess[str]:
    """Loads the library in a process of its own, where the C++ library is, and calls a function."""
    program = (
        "import ctypes; ctypes.CDLL('libstdc++.so.6', ctypes.RTLD_GLOBAL);"
        f"print(ctypes.CDLL({str(library)!r}).{name}())"
    )
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


def test_cuda_runtime_reports_no_device(runtime: Path) -> None:
    library = ctypes.CDLL(str(runtime))
    assert library.cudaGetDeviceCount() == 100
    library.cudaGetErrorString.restype = ctypes.c_char_p
    assert library.cudaGetErrorString(100) == b"STAND-IN: no CUDA device"


def test_symbols_carry_the_version_that_torch_asks_for(runtime: Path) -> None:
    listing = subprocess.run(["nm", "-D", str(runtime)], check=True, capture_output=True, text=True).stdout
    assert "cudaGetDeviceCount@@libcudart.so.13" in listing
    dynamic = subprocess.run(["readelf", "-d", str(runtime)], check=True, capture_output=True, text=True).stdout
    assert "soname: [libcudart.so.13]" in dynamic


def test_a_call_into_torch_cuda_stops_the_process_and_names_the_symbol(torch_cuda: Path) -> None:
    result = called(torch_cuda, "_ZN2at4cuda5sleepEl")
    assert result.returncode == -signal.SIGABRT
    assert result.stderr == "STAND-IN for libtorch_cuda.so: called _ZN2at4cuda5sleepEl\n"


def test_what_torch_calls_at_import_returns(torch_cuda: Path) -> None:
    assert "_ZN4c10d15get_gil_checkerEv" in CALLED_AT_IMPORT
    result = called(torch_cuda, "_ZN4c10d15get_gil_checkerEv")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) != 0  # an address


def test_type_information_names_its_type(torch_cuda: Path) -> None:
    ctypes.CDLL("libstdc++.so.6", ctypes.RTLD_GLOBAL)
    words = (ctypes.c_void_p * 2).in_dll(ctypes.CDLL(str(torch_cuda)), "_ZTI5Thing")
    assert ctypes.string_at(words[1] or 0) == b"5Thing"
