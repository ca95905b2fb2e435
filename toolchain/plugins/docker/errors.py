"""What a plugin call can fail with."""

from __future__ import annotations

from typing import Any


class PluginError(Exception):
    """A call failed; the text is what the engine shows."""


class OperationError(Exception):
    """A Docker operation failed: the message alone, without the resource."""


class PartialFailureError(Exception):
    """The resource exists but is not what it should be.

    `id` and `properties` are recorded, so that the next update or delete knows
    about it; `message` is what went wrong.
    """

    def __init__(self, message: str, resource_id: str, properties: dict[str, Any]) -> None:
        super().__init__(message)
        self.resource_id = resource_id
        self.properties = properties


def one_error(message: str) -> str:
    """A single error in the form in which the provider lists errors."""
    return f"1 error occurred:\n\t* {message}\n\n"
