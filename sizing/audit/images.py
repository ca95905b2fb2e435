"""What is known of container images by their name: whether they start vLLM, which release, for what device."""

import re
from dataclasses import dataclass
from typing import Literal

Starts = Literal["vllm", "nothing", "unknown"]
Accelerator = Literal["cuda", "rocm", "xpu", "cpu", "tpu", "unknown"]

_REFERENCE = re.compile(r"(?P<name>[^@]*?)(?::(?P<tag>[^:/@]*))?(?:@(?P<digest>.+))?")
_VERSION = re.compile(r"v?(\d+\.\d+\.\d+(?:\.post\d+)?)(?![\d.])")
# Images whose entry point is a shell or a wrapper: the vLLM command has to be spelled out.
_BARE = re.compile(r"(^|/)(nvcr\.io/nvidia/|rocm/vllm|rocm/pytorch|vllm/vllm-tpu$|nvidia/cuda|pytorch/pytorch$)")
_MOVING = re.compile(r"^(latest|nightly|main|dev|stable|edge)(-|$)|(-|^)(latest|nightly)$")


@dataclass(frozen=True)
class Image:
    """An image reference taken apart."""

    reference: str
    name: str
    tag: str | None
    digest: str | None

    @property
    def starts(self) -> Starts:
        """Whether its own entry point is vLLM."""
        if _BARE.search(self.name):
            return "nothing"
        repository = self.name.rsplit("/", 1)[-1]
        official = repository.startswith("vllm-openai") or repository == "vllm-cpu-release-repo"
        return "vllm" if official else "unknown"

    @property
    def accelerator(self) -> Accelerator:
        """The device it is built for, as far as the name tells."""
        text = self.reference.lower()
        for word, device in (("rocm", "rocm"), ("xpu", "xpu"), ("tpu", "tpu"), ("cpu", "cpu")):
            if re.search(rf"(^|[^a-z0-9]){word}([^a-z0-9]|$)", text):
                return device  # type: ignore[return-value]
        return "cuda" if self.starts == "vllm" or "nvidia" in text else "unknown"

    @property
    def vllm_version(self) -> str | None:
        """The release its tag names, None where the tag does not say."""
        if self.tag is None or "nvcr.io" in self.name:
            return None
        match = _VERSION.match(self.tag)
        return match.group(1) if match else None

    @property
    def moving(self) -> bool:
        """Whether the same words may mean another image tomorrow."""
        return self.digest is None and (self.tag is None or bool(_MOVING.search(self.tag)))


def image_of(reference: str) -> Image:
    """Takes a reference apart: `docker.io/vllm/vllm-openai:v0.32.0@sha256:…`."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        return Image(reference, reference, None, None)
    return Image(reference, match["name"], match["tag"], match["digest"])
