# SPDX-License-Identifier: Apache-2.0
"""What a recording lost, as a note for any report and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from replay.report.screen import NOTABLE, PLAIN, Line, Piece
from replay.report.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.losses import Losses


def losses_json(losses: Losses) -> dict[str, object]:
    """Say for JSON whether anything may be missing from what is told."""
    return {"complete": losses.complete, "lost_records": losses.count}


def losses_lines(losses: Losses) -> Iterator[Line]:
    """Warn if anything may be missing from what is told."""
    if losses.count:
        yield [("note: ", NOTABLE), (f"{counted(losses.count, 'record')} lost", PLAIN), _LEFT]
    if not losses.complete:
        yield [("note: ", NOTABLE), ("the file was cut off", PLAIN), _LEFT]


_LEFT: Final[Piece] = (": this is of what is there", PLAIN)
