# SPDX-License-Identifier: Apache-2.0
"""The memory of one process, part by part, in each of the address spaces that it had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from replay.memory.image_parts import COUNTS
from replay.memory.pte import PAGE_BYTES
from replay.memory.walk import FOREVER, Made
from replay.report import json_text
from replay.report.bars import fitted
from replay.report.screen import BOLD, DIM, GOOD, NOTABLE, PLAIN, Line, Piece, aligned
from replay.report.tree_json import id_text
from replay.report.units import duration, size
from traces.shown import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from replay.memory.walk import Space
    from replay.process import Process
    from replay.report.who import Who

_NS_PER_MS: Final = 1_000_000
_HEADINGS: Final = {
    "resident": "RESIDENT",
    "private": "PRIVATE",
    "shared": "SHARED",
    "copied": "COPIED",
    "reused": "REUSED",
    "file_copied": "FROM FILE",
}


@dataclass(frozen=True, slots=True)
class SpaceView:
    """One address space: its parts as `image_parts` gives them, and how it ended."""

    space: Space
    parts: pl.DataFrame
    ending: str


@dataclass(frozen=True, slots=True)
class ProcessView:
    """What is shown of a process."""

    process: Process
    spaces: list[SpaceView]
    who: Who
    begin_ns: int
    end_ns: int


def process_json(view: ProcessView) -> dict[str, object]:
    """Give the memory of a process as a value for JSON."""
    return {
        "process": id_text(view.process.id),
        "command": view.who.command(view.process.id),
        "maxrss_pages": view.process.end and view.process.end.maxrss_pages,
        "images": [
            {
                "made": one.space.made,
                "program": view.who.program(one.space.number),
                "begin_ns": one.space.begin_ns or None,
                "end_ns": None if one.space.end_ns == FOREVER else one.space.end_ns,
                "parts": [_part_json(row) for row in one.parts.iter_rows(named=True)],
                "totals": _totals(one.parts),
            }
            for one in view.spaces
        ],
    }


def _part_json(row: dict[str, Any]) -> dict[str, object]:
    path = row["path"]
    return {**row, "path": None if path is None else json_text.text(path)}


def _totals(parts: pl.DataFrame) -> dict[str, int]:
    return {name: int(parts[name].sum()) for name in COUNTS}


def process_lines(view: ProcessView, width: int | None = None) -> Iterator[Line]:
    """Give the report: for each program that it ran, a table of its memory's parts with bars.

    The tables are made to fit `width` (`bars.fitted`); None: they are as wide as they are.
    """
    yield [("process  ", DIM), (view.who.process(view.process.id), BOLD)]
    if view.process.end is not None and view.process.end.maxrss_pages:
        peak = size(view.process.end.maxrss_pages * PAGE_BYTES)
        yield [("peak     ", DIM), (f"{peak} resident, as the kernel counted", PLAIN)]
    for number, one in enumerate(view.spaces, 1):
        yield []
        yield [(_title(view, one, number), PLAIN)]
        yield from _table(one.parts, width)
    yield []
    yield [("pages of 4 KiB as each memory ended; ", DIM), *_LEGEND]
    yield [("PRIVATE are those of no file, SHARED of these what others still have, too", DIM)]
    yield [("pages that came without a fault, as those around a file's, are not counted", DIM)]


_LEGEND: Final[Line] = [
    ("#", NOTABLE),
    (" its own  ", DIM),
    ("=", GOOD),
    (" shared with other processes since a fork  ", DIM),
    ("·", DIM),
    (" of files, or zeros", DIM),
]


def _title(view: ProcessView, one: SpaceView, number: int) -> str:
    space = one.space
    program = view.who.program(space.number) or "?"
    if space.made is Made.FORK:
        how = f"{program}, a copy of {view.who.space(space.parent)}'s memory"
    elif space.made is Made.EXEC:
        how = f"{program}, executed"
    else:
        how = f"{program}, there before the recording"
    if space.begin_ns:
        how += f" at {(space.begin_ns - view.begin_ns) / _NS_PER_MS:,.3f} ms"
    if space.end_ns == FOREVER:
        return f"{number}. {how}, still there at the end"
    since_ns = space.begin_ns or view.begin_ns
    return f"{number}. {how}, {one.ending} after {duration(max(space.end_ns - since_ns, 0))}"


def _table(parts: pl.DataFrame, width: int | None) -> Iterator[Line]:
    if not len(parts):
        yield [("nothing is known of it", DIM)]
        return
    rows = list(parts.iter_rows(named=True))
    totals = _totals(parts)
    most = max(row["resident"] for row in rows) or 1
    numbers: list[list[Piece]] = [[(text, DIM) for text in _HEADINGS.values()]]
    numbers += [[_number(row[name]) for name in COUNTS] for row in (*rows, totals)]

    def table(bar_cells: int, *, brief: bool) -> list[Line]:
        heading, *lines, whole = aligned(numbers, numbers=tuple(range(len(COUNTS))))
        empty = ("".ljust(bar_cells + 2), PLAIN)
        shown_rows = [
            [*line, ("  ", PLAIN), *_bar(row, most, bar_cells), (f"  {_what(row, brief)}", PLAIN)]
            for line, row in zip(lines, rows, strict=True)
        ]
        return [[*heading, empty, ("  PART", DIM)], *shown_rows, [*whole, empty, ("  in all", DIM)]]

    yield from fitted(table, width)


def _number(count: int) -> Piece:
    return f"{count:,}", PLAIN if count else DIM


def _what(row: dict[str, Any], brief: bool) -> str:  # noqa: FBT001 - private
    path = row["path"] or b""
    return f"{row['part']} {shown(path.rpartition(b'/')[2] if brief else path)}".rstrip()


def _bar(row: dict[str, Any], most: int, cells: int) -> Line:
    """Draw the resident pages: its own, those shared, and those of files."""
    own, shared = row["private"] - row["shared"], row["shared"]
    ends = [round(count * cells / most) for count in (own, own + shared, row["resident"])]
    glyphs = (("#", NOTABLE), ("=", GOOD), ("·", DIM))
    bar: Line = []
    done = 0
    for end, (glyph, style) in zip(ends, glyphs, strict=True):
        bar.append((glyph * (end - done), style))
        done = end
    return [*bar, (" " * (cells - done), PLAIN)]
