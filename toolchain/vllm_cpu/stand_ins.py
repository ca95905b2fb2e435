"""STAND-INs for the CUDA libraries that the published torch build links and a CPU server never calls.

The package index has one x86-64 build of torch, and it is linked against 4 GB of CUDA libraries. The dynamic
linker insists on finding their names and symbols; nothing else of them is used without a GPU. So each library
that a kept file needs is replaced by one of a few kilobytes that defines the symbols asked for:

* C interfaces (CUDA runtime, CUPTI, cuDNN, NCCL, cuFile) answer every call with error 100, which the CUDA
  runtime calls "no CUDA-capable device is detected": torch then reports no GPU.
* libtorch_cuda, C++ without such a convention, stops the process with the name of the symbol called.

vLLM, torch's CPU library and its Python binding stay what was published. Needs binutils (as, ld, nm).
"""

import argparse
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

NO_DEVICE = 100  # cudaErrorNoDevice
VTABLE_SLOTS = 64
RETURNS_TEXT = ("cudaGetErrorName", "cudaGetErrorString")

# What torch's Python binding calls while it is imported, whether there is a GPU or not (torch 2.13.0).
CALLED_AT_IMPORT = {
    # c10d::get_gil_checker(): a variable to store a function in.
    "_ZN4c10d15get_gil_checkerEv": "lea variable(%rip), %rax\n ret",
    # c10d::ProcessGroupNCCL::Options::Options(bool): the default of an argument; 0xf8 bytes, all zero, and
    # as its class the base class Backend::Options from libtorch_cpu.
    "_ZN4c10d16ProcessGroupNCCL7OptionsC1Eb": """\
mov %rdi, %rdx
 xor %eax, %eax
 mov $0x1f, %ecx
 rep stosq
 mov _ZTVN4c10d7Backend7OptionsE@GOTPCREL(%rip), %rax
 add $16, %rax
 mov %rax, (%rdx)
 ret""",
}


@dataclass(frozen=True)
class Library:
    soname: str
    symbol: str  # what its symbols look like, where they carry no version
    versioned: bool = False  # its symbols carry the soname as their version


C_LIBRARIES = (
    Library("libcudart.so.13", r"cuda[A-Z]\w+|__cuda\w+", versioned=True),
    Library("libcupti.so.13", r"cupti[A-Z]\w+", versioned=True),
    Library("libcudnn.so.9", r"cudnn[A-Z]\w+", versioned=True),
    Library("libnccl.so.2", r"p?nccl[A-Z]\w+"),
    Library("libcufile.so.0", r"cuFile[A-Z]\w+"),
)
TORCH_CUDA = "libtorch_cuda.so"
# Nothing kept links these; what it uses of their symbols, the stand-in for libtorch_cuda defines.
BESIDE_TORCH_CUDA = ("libtorch_cuda_linalg.so", "libtorch_nvshmem.so", "libcaffe2_nvrtc.so")


def symbols(library: Path, *, defined: bool) -> set[str]:
    """The dynamic symbols a library defines or asks for, with their version as nm prints it."""
    which = "--defined-only" if defined else "--undefined-only"
    listing = subprocess.run(["nm", "-D", which, str(library)], check=True, capture_output=True, text=True)
    return {line.split()[-1] for line in listing.stdout.splitlines()}


def assembly_of_c(names: list[str]) -> str:
    lines = [".text", 'text: .asciz "STAND-IN: no CUDA device"']
    for name in names:
        answer = "lea text(%rip), %rax" if name in RETURNS_TEXT else f"mov ${NO_DEVICE}, %eax"
        lines.append(f".globl {name}\n.type {name}, @function\n{name}: {answer}\n ret\n.size {name}, . - {name}")
    return "\n".join(lines) + "\n"


def assembly_of_torch_cuda(names: list[str]) -> str:
    """Functions that stop the process, type information that can be compared, tables of such functions."""
    code = [".text", f"stop: {system_call(1, edi=2)}", system_call(39), system_call(62, edi="%eax", esi=6), " ud2"]
    data = ['.section .data.rel.ro,"aw"', ".balign 8"]
    texts = [".section .rodata"]
    for number, name in enumerate([*names, "a virtual function"]):
        label = name if number < len(names) else "virtual"
        if name.startswith("_ZTI"):
            texts.append(f'type{number}: .asciz "{name.removeprefix("_ZTI")}"')
            size, words = 16, f".quad _ZTVN10__cxxabiv117__class_type_infoE + 16, type{number}"
        elif name.startswith("_ZTV"):
            size, words = 8 * VTABLE_SLOTS, f".quad 0, 0\n.rept {VTABLE_SLOTS - 2}\n.quad virtual\n.endr"
        elif name in CALLED_AT_IMPORT:
            code.append(f".type {name}, @function\n{name}: {CALLED_AT_IMPORT[name]}\n.size {name}, . - {name}")
            size = 0
        else:
            texts.append(f'name{number}: .ascii "STAND-IN for {TORCH_CUDA}: called {name}\\n"\nend{number}:')
            code.append(
                f".type {label}, @function\n{label}: lea name{number}(%rip), %rsi\n"
                f" mov $end{number} - name{number}, %edx\n jmp stop\n.size {label}, . - {label}"
            )
            size = 0
        if size:
            data.append(f".type {name}, @object\n.size {name}, {size}\n{name}: {words}")
    exported = [f".globl {name}" for name in names]
    return "\n".join([*exported, *code, *data, *texts, ".bss", "variable: .zero 64"]) + "\n"


def system_call(number: int, edi: int | str | None = None, esi: int | None = None) -> str:
    """Linux system calls 1 (write), 39 (getpid) and 62 (kill), without a C library."""
    lines = []
    if edi is not None:
        lines.append(f" mov {edi if isinstance(edi, str) else f'${edi}'}, %edi")
    if esi is not None:
        lines.append(f" mov ${esi}, %esi")
    return "\n".join([*lines, f" mov ${number}, %eax\n syscall"])


def link(output: Path, assembly: str, version: str | None) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        source, binary, script = (Path(scratch) / name for name in ("s.s", "s.o", "s.map"))
        source.write_text(assembly + '.section .note.GNU-stack,"",@progbits\n')
        options = ["-shared", "--hash-style=gnu", "--build-id=none", "-soname", output.name]
        if version:
            script.write_text(f"{version} {{ global: *; }};\n")
            options += ["--version-script", str(script)]
        subprocess.run(["as", "-o", str(binary), str(source)], check=True)
        subprocess.run(["ld", *options, "-o", str(output), str(binary)], check=True)
    output.chmod(0o755)


def replace(torch_lib: Path) -> list[str]:
    """Put stand-ins into torch/lib, in place of its own CUDA library and of the packages it links."""
    dropped = [torch_lib / name for name in (TORCH_CUDA, *BESIDE_TORCH_CUDA)]
    kept = [library for library in torch_lib.glob("*.so*") if library not in dropped]
    wanted = set[str]().union(*(symbols(library, defined=False) for library in kept))
    provided = set[str]().union(*(symbols(library, defined=True) for library in kept))
    made = []

    names = set[str]().union(*(symbols(library, defined=True) for library in dropped)) & wanted - provided
    for library in dropped:
        library.unlink()
    link(torch_lib / TORCH_CUDA, assembly_of_torch_cuda(sorted(names)), None)
    made.append(f"{TORCH_CUDA} ({len(names)} symbols)")

    for stand_in in C_LIBRARIES:
        suffix = f"@{stand_in.soname}" if stand_in.versioned else ""
        pattern = re.compile(f"({stand_in.symbol}){re.escape(suffix)}")
        names = {match[1] for match in map(pattern.fullmatch, wanted - provided) if match}
        version = stand_in.soname if stand_in.versioned else None
        link(torch_lib / stand_in.soname, assembly_of_c(sorted(names)), version)
        made.append(f"{stand_in.soname} ({len(names)} symbols)")
    return made


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("torch_lib", type=Path, help="the directory torch/lib of an installed torch")
    print("STAND-INs:", ", ".join(replace(parser.parse_args(arguments).torch_lib)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
