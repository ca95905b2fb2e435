"""Writes the flag table of a vLLM release: `python -m toolchain.flags.generate 0.32.0`.

Downloads the published package, unpacks it without its compiled files beside a plain torch, lets the release's
own parser describe itself on a STAND-IN GPU, and writes `sizing/flags/tables/VERSION.json` and
`sizing/flags/details/VERSION.json`. Takes about 6 GB in the user's cache and some minutes the first time.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TABLES = HERE.parents[1] / "sizing" / "flags" / "tables"
DETAILS = TABLES.parent / "details"
PLATFORMS = ("manylinux_2_35_x86_64", "manylinux_2_31_x86_64", "manylinux_2_28_x86_64", "manylinux1_x86_64")
# What only computes on a GPU; the parser never imports it.
NOT_NEEDED = re.compile(
    r"(torchaudio|torchvision|torchcodec|triton|PyNvVideoCodec|flashinfer|apache-tvm|tilelang|nvidia-|nvtx|"
    r"fastsafetensors|instanttensor|quack-|tokenspeed|humming|numba|gguf|xformers|ray)",
    re.IGNORECASE,
)


def main(arguments: list[str]) -> int:
    """Exit status: 0, or 1 where `--check` finds a difference."""
    parser = argparse.ArgumentParser(prog="python -m toolchain.flags.generate", description=__doc__)
    parser.add_argument("version", help="a vLLM release, for example 0.32.0")
    parser.add_argument("--check", action="store_true", help="compare with the files here instead of writing")
    options = parser.parse_args(arguments)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gpuhost"
    package = _unpacked(options.version, cache / f"vllm-python-{options.version}")
    python = _environment(package, cache)
    print(f"Asking vLLM {options.version}'s parser what it takes", flush=True)
    answer = _description(python, package)
    written = {
        TABLES / f"{options.version}.json": _table(options.version, answer),
        DETAILS / f"{options.version}.json": {
            "vllm_version": options.version,
            "environment": answer["environment"],
            "config_keys": answer["config_keys"],
            "known_values": answer["known_values"],
        },
    }
    return sum(_settle(path, content, check=options.check) for path, content in written.items()) and 1


def _settle(path: Path, content: dict[str, Any], *, check: bool) -> int:
    text = json.dumps(content, indent=1)
    same = path.exists() and path.read_text("utf-8") == text
    if not check and not same:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    print(f"{path.parent.name}/{path.name}: {'unchanged' if same else 'differs' if check else 'written'}")
    return int(check and not same)


def _table(version: str, answer: dict[str, Any]) -> dict[str, Any]:
    schema = json.loads((HERE / "schema.json").read_text("utf-8"))
    return {
        "schema": schema,
        "vllm_version": version,
        "method": "the release's own make_arg_parser, run on the unzipped upstream wheel (no .so) with a stub "
        f"CUDA SM 8.6 platform and CPU torch {answer['torch']}, Python {answer['python']}"
        + "".join(f"; module {name} replaced by a stub" for name in answer["absent"]),
        "parser_module": answer["parser_module"],
        "parser_rules": answer["parser_rules"],
        "n_options": len(answer["options"]),
        "positionals": answer["positionals"],
        "options": answer["options"],
    }


def _unpacked(version: str, target: Path) -> Path:
    """The package's Python files; downloaded once."""
    if target.exists():
        print(f"Using vLLM {version} from the cache")
        return target
    scratch = target.with_name(target.name + f".part-{os.getpid()}")
    scratch.mkdir(parents=True)
    print(f"Downloading vLLM {version} (about 330 MB)", flush=True)
    platforms = [word for name in PLATFORMS for word in ("--platform", name)]
    try:
        _run(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
             "--python-version", "3.11", *platforms, "--dest", str(scratch), f"vllm=={version}")  # fmt: skip
        (wheel,) = scratch.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(scratch, [name for name in archive.namelist() if not name.endswith(".so")])
        wheel.unlink()
        scratch.rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target


def _environment(package: Path, cache: Path) -> Path:
    """The interpreter of a virtual environment with what the release's Python code imports."""
    (metadata,) = package.glob("vllm-*.dist-info/METADATA")
    lines = re.findall(r"^Requires-Dist: ([^;\n]+)(;.*)?$", metadata.read_text("utf-8"), re.MULTILINE)
    wanted = [name.strip() + marker for name, marker in lines if "extra ==" not in marker]
    torch = next(name for name in wanted if re.match(r"torch\s*[=<>]", name))
    others = [name for name in wanted if name != torch and not NOT_NEEDED.match(name)]
    home = cache / f"vllm-imports-{package.name.removeprefix('vllm-python-')}"
    python = home / "bin" / "python"
    if not (home / "complete").exists():
        print(f"Installing {torch} and {len(others)} packages into the cache (minutes, about 6 GB)", flush=True)
        venv.create(home, with_pip=True, clear=True)
        _run(str(python), "-m", "pip", "install", "--quiet", torch)
        _run(str(python), "-m", "pip", "install", "--quiet", *others)
        (home / "complete").touch()
    return python


def _description(python: Path, package: Path) -> dict[str, Any]:
    environment = os.environ | {"PYTHONPATH": str(package), "VLLM_NO_USAGE_STATS": "1"}
    done = subprocess.run(
        [str(python), str(HERE / "describe.py"), str(package / "vllm")],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"The release's code did not load:\n{done.stderr[-4000:]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False)
    if done.returncode:
        raise SystemExit(f"failed with {done.returncode}: {' '.join(command)}")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
