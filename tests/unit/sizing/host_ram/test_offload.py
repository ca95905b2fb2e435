"""What an offload takes, by release and kind of model."""

import pytest

from sizing.host_ram import GIB
from sizing.host_ram.offload import region_bytes
from tests.unit.sizing.hosts_and_models import guide_model, model


@pytest.mark.parametrize("version", ["0.28.0", "0.30.0", "0.32.0", "0.33.0"])
def test_the_mapped_file_takes_what_is_asked_for(version: str) -> None:
    assert region_bytes(16 * GIB, guide_model(), version) == 16 * GIB
    assert region_bytes(9 * GIB, guide_model(), version) == 9 * GIB


@pytest.mark.parametrize("version", ["0.20.2", "0.22.1", "0.24.0", "0.26.0"])
def test_pinned_tensors_are_rounded_to_powers_of_two(version: str) -> None:
    assert region_bytes(16 * GIB, guide_model(), version) == 16 * GIB, "32 layers of exactly half a GiB"
    assert region_bytes(17 * GIB, guide_model(), version) == 32 * GIB
    assert region_bytes(12 * GIB, guide_model(), version) == 16 * GIB


def test_the_measured_factor_of_a_24_tensor_model_comes_out() -> None:
    """100 GiB a GPU in 24 tensors took 192.2 GiB: 4.17 GiB becomes 8."""
    layers = guide_model().model_copy(update={"layers": 24})
    assert region_bytes(400 * GIB, layers, "0.26.0", gpus=4) == 768 * GIB


def test_hybrid_models_keep_the_factor() -> None:
    gemma = model("Gemma-2-9B")
    assert region_bytes(100 * GIB, gemma, "0.32.0") == 192 * GIB
    assert region_bytes(100 * GIB, gemma, "0.26.0") >= 192 * GIB


def test_nothing_takes_nothing() -> None:
    assert region_bytes(0, guide_model(), "0.26.0") == 0
    assert region_bytes(1, guide_model(), "0.26.0") >= 1
