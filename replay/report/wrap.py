# SPDX-License-Identifier: Apache-2.0
"""Lines that go on below where they are too long, and two columns beside each other."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len, set_cell_size

from replay.report.screen import PLAIN, Line, Piece

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LEAST_ROOM: Final = 12
"""Cells that a line keeps for text however far it is indented."""
_GAP: Final = "  "


def wrapped(line: Line, width: int | None, indent: int) -> Iterator[Line]:
    """Break a line between words; what goes on below is indented. Without a width as it is."""
    if width is None or sum(cell_len(text) for text, _ in line) <= width:
        yield line
        return
    indent = min(indent, max(width - _LEAST_ROOM, 0))
    found: Line = []
    used = 0
    for text, style in _words(line):
        if used + cell_len(text.rstrip()) > width and used > indent:
            yield _stripped(found)
            found, used = [(" " * indent, PLAIN)], indent
        rest = text if used > indent or not found else text.lstrip()
        for part in _parts(rest, width - used, width - indent):
            if part is None:
                yield found
                found, used = [(" " * indent, PLAIN)], indent
                continue
            found.append((part, style))
            used += cell_len(part)
    yield found


def _words(line: Line) -> Iterator[Piece]:
    """Give each word with the blanks after it, and blanks that begin a piece."""
    for text, style in line:
        for match in re.finditer(r"\S+\s*|^\s+", text):
            yield match[0], style


def _parts(text: str, room: int, whole: int) -> Iterator[str | None]:
    """Cut a word that is longer than a line; None stands for a new line."""
    while cell_len(text.rstrip()) > room:
        part = set_cell_size(text, room).rstrip()
        yield part
        yield None
        text, room = text[len(part) :], whole
    yield text


def side_by_side(rows: Sequence[tuple[Line, Line, Line, int]], width: int | None) -> Iterator[Line]:
    """Lay out rows of a mark, a left and a right text, each with the indent of what goes on.

    Both columns are as wide as they need to be or, where that is too much, share the width.
    """
    marks = max((_length(mark) for mark, *_ in rows), default=0)
    left = max((_length(text) for _, text, _, _ in rows), default=0)
    right = max((_length(text) for _, _, text, _ in rows), default=0)
    if width is not None and marks + left + right + 2 * len(_GAP) > width:
        room = max(width - marks - 2 * len(_GAP), 2 * _LEAST_ROOM)
        left = min(left, max(room - right, room // 2))
        right = min(right, room - left)
    for mark, here, there, indent in rows:
        columns = wrapped(here, left, indent), wrapped(there, right, indent)
        begin = mark
        for one, other in zip_longest(*columns):
            yield [*_padded(begin, marks), *_padded(one or [], left), *(other or [])]
            begin = []


def _stripped(line: Line) -> Line:
    """Take away the blanks at the end."""
    return [*line[:-1], (line[-1][0].rstrip(), line[-1][1])]


def _length(line: Line) -> int:
    return sum(cell_len(text) for text, _ in line)


def _padded(line: Line, width: int) -> Line:
    return [*line, (" " * max(width - _length(line), 0) + _GAP, PLAIN)]
