# SPDX-License-Identifier: Apache-2.0
"""Tables with a bar in each row, made to fit the width of a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from rich.cells import cell_len

from replay.report.screen import cropped

if TYPE_CHECKING:
    from replay.report.screen import Line

BAR_CELLS: Final = 20
"""How long a bar for the whole is."""
SHORT_BAR_CELLS: Final = 8


class Table(Protocol):
    """Makes the lines of a table."""

    def __call__(self, bar_cells: int, *, brief: bool) -> list[Line]:
        """Give its lines with bars of so many cells; `brief` leaves out what may be missed."""


def fitted(table: Table, width: int | None) -> list[Line]:
    """Give a table with long bars; if that is wider than `width` with short ones, then brief.

    Lines that are still too long are cropped. None: there is room for anything.
    """
    lines = table(BAR_CELLS, brief=False)
    if width is None:
        return lines
    for brief in (False, True):
        if _width(lines) > width:
            lines = table(SHORT_BAR_CELLS, brief=brief)
    return [cropped(line, width) for line in lines]


def _width(lines: list[Line]) -> int:
    return max((sum(cell_len(text) for text, _ in line) for line in lines), default=0)
