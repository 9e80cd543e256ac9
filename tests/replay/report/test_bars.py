# SPDX-License-Identifier: Apache-2.0
"""Tables with bars, and how they are made to fit."""

from __future__ import annotations

import pytest

from replay.report.bars import BAR_CELLS, SHORT_BAR_CELLS, fitted
from replay.report.screen import DIM, PLAIN, Line


def table(bar_cells: int, *, brief: bool) -> list[Line]:
    """Give a table whose rows are the bar and what stands behind it."""
    what = "x" if brief else "/long/path/x"
    return [[("#" * bar_cells, DIM), (f" {what}", PLAIN)], [("", DIM)]]


def shown(width: int | None) -> str:
    """Give the first line of it."""
    return "".join(text for text, _ in fitted(table, width)[0])


@pytest.mark.parametrize(
    ("width", "bar_cells", "what"),
    [
        (None, BAR_CELLS, " /long/path/x"),
        (BAR_CELLS + 13, BAR_CELLS, " /long/path/x"),
        (BAR_CELLS + 12, SHORT_BAR_CELLS, " /long/path/x"),
        (SHORT_BAR_CELLS + 13, SHORT_BAR_CELLS, " /long/path/x"),
        (SHORT_BAR_CELLS + 12, SHORT_BAR_CELLS, " x"),
        (SHORT_BAR_CELLS + 2, SHORT_BAR_CELLS, " x"),
    ],
)
def test_what_is_given_up_for_room(width: int | None, bar_cells: int, what: str) -> None:
    """The length of the bars first, then words, and nothing where there is room."""
    assert shown(width) == "#" * bar_cells + what


def test_what_does_not_fit_is_cropped() -> None:
    """As a last resort."""
    assert shown(5) == "####…"


def test_an_empty_table() -> None:
    """Has no width."""
    assert fitted(lambda _cells, *, brief: [], 10) == []  # noqa: ARG005
