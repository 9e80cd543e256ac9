# SPDX-License-Identifier: Apache-2.0
"""Where reports go: widths, colours, ASCII, and nothing that steers a terminal."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from replay.report.screen import (
    BAD,
    COMMAND,
    DIM,
    PLAIN,
    Screen,
    aligned,
    cropped,
    printable,
)

if TYPE_CHECKING:
    import pytest

    from replay.report.screen import Line


def written(*lines: Line, encoding: str = "utf-8") -> str:
    """Give what a screen writes to a stream of this encoding."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    Screen(stream).write(lines)
    stream.flush()
    return raw.getvalue().decode(encoding)


def test_styles_are_no_part_of_a_plain_stream() -> None:
    """Text only, a line each."""
    assert written([("a", BAD), ("b", PLAIN)], []) == "ab\n\n"


def test_colours_where_they_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Styles become escape sequences, and the text between them stays."""
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    assert written([("[b]a", BAD), (" b", PLAIN)]) == "\x1b[31m[b]a\x1b[0m b\n"


def test_a_screen_without_a_terminal_has_no_width() -> None:
    """Unless one was asked for; 0 asks for none."""
    assert Screen(io.StringIO()).width is None
    assert Screen(io.StringIO(), 80).width == 80
    assert Screen(io.StringIO(), 0).width is None


def test_line_drawing_in_ascii() -> None:
    """Our own signs are replaced; those of a command are escaped, never changed to others."""
    line: Line = [("│  └─ ", DIM), ("echo …", COMMAND), (" 3 µs…", DIM)]
    assert written(line, encoding="ascii") == "|  `- echo \\u2026 3 us~\n"


@given(st.lists(st.tuples(st.text(), st.sampled_from([PLAIN, BAD, COMMAND]))))
def test_nothing_unprintable_gets_through(line: Line) -> None:
    """Whatever a trace holds, the output is one line of printable text."""
    output = written(line)
    assert output.endswith("\n")
    assert output[:-1].isprintable()


@given(st.text())
def test_printable_text_stays(text: str) -> None:
    """Only what does not print is escaped."""
    assert printable(text).isprintable()
    assert printable(text) == text or not text.isprintable()


_lines = st.lists(st.tuples(st.text("ab字├"), st.just(PLAIN)), max_size=4)


@given(_lines, st.integers(1, 20))
def test_a_cropped_line_fits(line: Line, width: int) -> None:
    """It has the width at most, and one that fitted is not changed."""
    whole = "".join(text for text, _ in line)
    text = "".join(text for text, _ in cropped(line, width))
    assert cell_len(text) <= width
    if cell_len(whole) <= width:
        assert text == whole
    else:
        assert text.endswith("…")


def test_columns() -> None:
    """Columns begin at the same cell, numbers end there."""
    rows: list[Line] = [[("a", PLAIN), ("1", PLAIN), ("x", PLAIN)],
                        [("字b", PLAIN), ("234", PLAIN), ("y", PLAIN)]]  # fmt: skip
    lines = ["".join(text for text, _ in line) for line in aligned(rows, "  ", numbers=(1,))]
    assert lines == ["  a      1  x", "  字b  234  y"]


def test_no_line_of_a_table_ends_in_spaces() -> None:
    """Where the last cells of a row are empty; those before them keep their place."""
    rows: list[Line] = [[("head", PLAIN), ("", DIM), ("x", PLAIN), ("", DIM)],
                        [("", PLAIN), ("bc", PLAIN), ("", PLAIN), ("12", PLAIN)],
                        [("", PLAIN)]]  # fmt: skip
    lines = ["".join(text for text, _ in line) for line in aligned(rows, numbers=(3,))]
    assert lines == ["head      x", "      bc     12", ""]
