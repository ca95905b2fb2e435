"""What the geometry reader says when a checkpoint's config cannot be sized."""

from __future__ import annotations


class UnsupportedModel(ValueError):  # noqa: N818 - reads as what is the case
    """The config does not determine the model's size; the message is one sentence saying why.

    It names the field, the value found and what would be right, or the architecture that is not known.
    """
