# SPDX-License-Identifier: Apache-2.0
"""Lines that go on below, and columns beside each other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from replay.report.screen import PLAIN, Line
from replay.report.wrap import side_by_side, wrapped


def texts(line: Line, width: int | None, indent: int = 2) -> list[str]:
    """Give a line as it is broken."""
    return ["".join(text for text, _ in part) for part in wrapped(line, width, indent)]


def test_lines_are_broken_between_words() -> None:
    """What goes on is indented."""
    line = [("first ", "bold"), ("one two three", PLAIN), (" four", PLAIN)]
    assert texts(line, 15) == ["first one two", "  three four"]
    assert texts(line, 14, 9) == ["first one two", "  three four"]
    assert texts(line, None) == texts(line, 24) == ["first one two three four"]


def test_a_word_that_is_too_long_is_cut() -> None:
    """And goes on with the next line; an indent leaves some room."""
    assert texts([("abcdefghijklmnopq", PLAIN)], 14, 4) == ["abcdefghijklmn", "  opq"]
    assert texts([("ab cdefghijklmnopqrs", PLAIN)], 14, 1) == ["ab", " cdefghijklmno", " pqrs"]


@given(st.text(st.characters(codec="utf-8", categories=("L", "N", "Zs")), max_size=120),
       st.integers(14, 60), st.integers(0, 30))  # fmt: skip
def test_nothing_is_lost_and_nothing_is_wider(text: str, width: int, indent: int) -> None:
    """Whatever the text."""
    found = texts([(text, PLAIN)], width, indent)
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(cell_len(line) <= width for line in found)


def test_columns_share_the_width() -> None:
    """Where both need more; a short one leaves its room to the other."""
    rows: list[tuple[Line, Line, Line, int]] = [
        ([("!", "red")], [("one two three four five", PLAIN)], [("six seven eight", PLAIN)], 2),
        ([("=", "green")], [("x", PLAIN)], [("y", PLAIN)], 0),
    ]

    def drawn(width: int | None) -> list[str]:
        return ["".join(text for text, _ in line).rstrip() for line in side_by_side(rows, width)]

    assert drawn(None) == ["!  one two three four five  six seven eight",
                           "=  x                        y"]  # fmt: skip
    assert drawn(40) == ["!  one two three four    six seven eight", "     five",
                         "=  x                     y"]  # fmt: skip
    assert all(len(line) <= 29 for line in drawn(29))
    assert drawn(5) == drawn(29)
