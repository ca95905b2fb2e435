"""Errors that the engine shows as they are."""

from __future__ import annotations


class CommandError(Exception):
    """A failed operation; its text is the whole message."""


class NotImplementedHereError(CommandError):
    """Something that this stand-in does not do."""
