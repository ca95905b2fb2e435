"""What a model is, read from its config.json: parameters, weight bytes, what each layer keeps of a token."""

from sizing.geometry.errors import UnsupportedModel
from sizing.geometry.model import Experts, KvGroup, ModelGeometry, Quantization
from sizing.geometry.path import from_path
from sizing.geometry.read import read_config

__all__ = ["Experts", "KvGroup", "ModelGeometry", "Quantization", "UnsupportedModel", "from_path", "read_config"]
