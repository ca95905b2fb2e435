"""The shortest edits from one list of scalars to another, by index."""

from __future__ import annotations

from typing import Any

from pulumi.provider.experimental.provider import PropertyDiffKind


def list_changes(old: list[Any], new: list[Any]) -> dict[int, PropertyDiffKind]:
    """What happens at each index; an index that loses one value and gains another is updated."""
    changes: dict[int, PropertyDiffKind] = {}

    def note(index: int, kind: PropertyDiffKind) -> None:
        changes[index] = PropertyDiffKind.UPDATE if index in changes else kind

    length = _edit_lengths(old, new)
    i = j = 0
    while i < len(old) or j < len(new):
        if i < len(old) and (j == len(new) or length[i][j] == 1 + length[i + 1][j]):
            # Removing is preferred to inserting, keeping to both where it is shorter.
            if j < len(new) and old[i] == new[j] and length[i + 1][j + 1] + 1 < 1 + length[i + 1][j]:
                i, j = i + 1, j + 1
                continue
            note(i, PropertyDiffKind.DELETE)
            i += 1
        elif j < len(new) and (i == len(old) or length[i][j] == 1 + length[i][j + 1]):
            note(j, PropertyDiffKind.ADD)
            j += 1
        else:
            i, j = i + 1, j + 1
    return changes


def _edit_lengths(old: list[Any], new: list[Any]) -> list[list[int]]:
    """How many steps, kept values included, lead from each pair of positions to the end."""
    length = [[0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in range(len(old), -1, -1):
        for j in range(len(new), -1, -1):
            if i == len(old):
                length[i][j] = len(new) - j
            elif j == len(new):
                length[i][j] = len(old) - i
            else:
                steps = [1 + length[i + 1][j], 1 + length[i][j + 1]]
                if old[i] == new[j]:
                    steps.append(length[i + 1][j + 1])
                length[i][j] = min(steps)
    return length
