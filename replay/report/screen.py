# SPDX-License-Identifier: Apache-2.0
"""Where a report goes: a terminal with a width and colours, or a plain stream.

A report is lines of (text, style) pieces. Text is never read as markup, and what does not print
as itself is escaped here at the latest, so that nothing recorded can steer the terminal.
"""

from __future__ import annotations

import io
from itertools import islice
from typing import TYPE_CHECKING, Final, TextIO

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.segment import Segment, Segments

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.style import Style

Piece = tuple[str, str]
"""Text and the name of its style, one of those below."""
Line = list[Piece]

PLAIN: Final = ""
DIM: Final = "dim"
BOLD: Final = "bold"
GOOD: Final = "green"
BAD: Final = "red"
NOTABLE: Final = "yellow"
COMMAND: Final = "default"
INHERITED: Final = "dim italic"
"""The command of a process that executed nothing itself."""
_VERBATIM: Final = (COMMAND, INHERITED)
"""Command lines are shown as they are, since they may be pasted."""

ELLIPSIS: Final = "…"
_ASCII: Final = str.maketrans(
    {"├": "|", "└": "`", "│": "|", "─": "-", "µ": "u", "…": "~", "·": "-", "→": ">", "×": "x"}
)
_LINES_PER_BATCH: Final = 500


class Screen:
    """Writes lines to a stream; `width` says where reports should cut long commands, None: nowhere.

    Without a width a terminal's own is taken, and a stream that is no terminal has none; 0 is
    none, too. A stream that cannot encode UTF-8 gets its line drawing in ASCII.
    """

    def __init__(self, stream: TextIO, width: int | None = None) -> None:
        if isinstance(stream, io.TextIOWrapper):
            # A name that the stream's encoding lacks is shown escaped instead of failing.
            stream.reconfigure(errors="backslashreplace")
        self._stream = stream
        self._console = Console(file=stream, highlight=False, markup=False, emoji=False)
        self._ascii = not self._console.encoding.lower().startswith("utf")
        terminal_width = self._console.width if self._console.is_terminal else None
        self.width: int | None = (terminal_width if width is None else width) or None

    def write(self, lines: Iterable[Line]) -> None:
        """Write the lines, in batches while they are produced."""
        lines = (self._safe(line) for line in lines)
        if self._console.color_system is None:
            for line in lines:
                self._stream.write("".join(text for text, _ in line) + "\n")
            return
        while batch := list(islice(lines, _LINES_PER_BATCH)):
            segments = [segment for line in batch for segment in self._segments(line)]
            self._console.print(Segments(segments), end="", crop=False, no_wrap=True)

    def _safe(self, line: Line) -> Line:
        line = [(printable(text), style) for text, style in line]
        return [(_in_ascii(text, style), style) for text, style in line] if self._ascii else line

    def _segments(self, line: Line) -> Iterator[Segment]:
        for text, style in line:
            yield Segment(text, self._style(style))
        yield Segment.line()

    def _style(self, name: str) -> Style | None:
        return self._console.get_style(name) if name else None


def printable(text: str) -> str:
    """Give a text as one line, with what does not print escaped as in a Python string."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def cropped(line: Line, width: int) -> Line:
    """Cut a line to a number of terminal cells, with an ellipsis as the last where it was cut."""
    if sum(cell_len(text) for text, _ in line) <= width:
        return line
    fitting: Line = []
    room = width - 1
    for text, style in line:
        length = cell_len(text)
        if length > room:
            fitting.append((set_cell_size(text, room), style))
            break
        fitting.append((text, style))
        room -= length
    return [*fitting, (ELLIPSIS, DIM)]


def aligned(
    rows: list[list[Piece]], indent: str = "", numbers: tuple[int, ...] = ()
) -> Iterator[Line]:
    """Lay rows out in columns two spaces apart; columns in `numbers` are set flush right.

    No line ends in spaces, even where the last cells of a row are empty.
    """
    columns = max((len(row) for row in rows), default=0)
    widths = [
        max(cell_len(row[column][0]) for row in rows if column < len(row))
        for column in range(columns)
    ]
    for row in rows:
        line: Line = [(indent, PLAIN)]
        filled = max((place for place, cell in enumerate(row, 1) if cell[0]), default=0)
        for column, (text, style) in enumerate(row[:filled]):
            padding = " " * (widths[column] - cell_len(text))
            gap = "  " if column + 1 < filled else ""
            if column in numbers:
                line += [(padding, PLAIN), (text, style), (gap, PLAIN)]
            else:
                line += [(text, style), (padding + gap if gap else "", PLAIN)]
        yield [piece for piece in line if piece[0]]


def _in_ascii(text: str, style: str) -> str:
    if style not in _VERBATIM:
        text = text.translate(_ASCII)
    return text.encode("ascii", "backslashreplace").decode("ascii")
