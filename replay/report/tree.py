# SPDX-License-Identifier: Apache-2.0
"""The process tree as text: a line for each process, its facts in columns, then its command.

Commands stand last, drawn as a tree below the parent at birth, so that a narrow terminal cuts
them and nothing else; what follows a `#` is no part of the command, in a shell neither. Lines are
made while they are written, and no depth of the tree is too deep.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len

from replay.report import life
from replay.report.screen import COMMAND, DIM, INHERITED, NOTABLE, PLAIN, Line, Piece, cropped
from traces.shown import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from replay.process import Process, ProcessId, Task

HEADINGS: Final = ("PID", "BORN", "LIVED", "END", "WAIT")
_FLUSH_RIGHT: Final = (0, 2)
_GAP: Final = "  "
_BRANCH: Final = ("├─ ", "└─ ")
_TRUNK: Final = ("│  ", "   ")
_DEEPEST_DRAWN: Final = 16
"""Levels of guides on a line; further out than that, a number says how many there are."""
_LEAST_COMMAND_CELLS: Final = 24
"""A terminal too narrow for this much of a command cuts the notes first."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a process stands in the tree.

    `last` says of it and its ancestors, the innermost levels only, whether they are the last of
    their siblings.
    """

    depth: int
    last: tuple[bool, ...]

    def guides(self) -> str:
        """Draw the lines that lead to it; nothing for a root."""
        if not self.depth:
            return ""
        trunk = "".join(_TRUNK[last] for last in self.last[:-1])
        hidden = self.depth - len(self.last)
        return (f"({hidden}) " if hidden else "") + trunk + _BRANCH[self.last[-1]]

    def below(self, *, last: bool) -> Place:
        """Give the place of a child."""
        return Place(self.depth + 1, (*self.last, last)[-_DEEPEST_DRAWN:])


@dataclass(frozen=True, slots=True)
class Row:
    """One line before it is laid out."""

    cells: tuple[Piece, ...]
    guides: str
    command: Piece
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Tree:
    """What is drawn: processes by id, the roots, whether threads get lines of their own.

    `until_ns` is when recording ended (CLOCK_MONOTONIC; 0 unknown): the age of what still ran.
    """

    processes: Mapping[ProcessId, Process]
    roots: Sequence[Process]
    threads: bool = False
    until_ns: int = 0

    def walk(self) -> Iterator[tuple[Process, Place]]:
        """Give every process with its place, a parent before its children."""
        top = Place(0, ())
        todo = [(root, top) for root in reversed(self.roots)]
        while todo:
            process, place = todo.pop()
            yield process, place
            youngest = len(process.children) - 1
            todo += [
                (self.processes[child], place.below(last=index == youngest))
                for index, child in reversed(list(enumerate(process.children)))
            ]

    def rows(self) -> Iterator[Row]:
        """Give the lines of the tree, each process followed by its threads if they are shown."""
        for process, place in self.walk():
            yield self._process_row(process, place)
            if self.threads:
                others = process.tasks[1:]
                for index, task in enumerate(others):
                    last = index == len(others) - 1 and not process.children
                    yield self._thread_row(task, place.below(last=last))

    def _process_row(self, process: Process, place: Place) -> Row:
        creation = process.leader.creation
        exited = process.end
        forked = life.executed_nothing(process)
        return Row(
            (
                (f"{process.id.tgid}{life.doubt(process.certainty)}", PLAIN),
                life.created(creation),
                life.lived(creation, exited, self.until_ns, life.first_seen_ns(process)),
                life.ended(exited, alive=life.is_alive(process)),
                life.waited(process.wait),
            ),
            place.guides(),
            (life.command(process), INHERITED if forked else COMMAND),
            ", ".join(life.notes(process, self.processes, threads=self.threads)),
        )

    def _thread_row(self, task: Task, place: Place) -> Row:
        return Row(
            (
                (f"{task.id.tid}{life.doubt(task.certainty)}", PLAIN),
                life.created(task.creation),
                life.lived(task.creation, task.end, self.until_ns),
                life.thread_ended(task),
                (life.NOTHING, DIM),
            ),
            place.guides(),
            (f"{{{shown(task.comm)}}}", DIM),
        )


def lines(rows: Iterable[Row], widths: Sequence[int], width: int | None) -> Iterator[Line]:
    """Lay rows out below a heading; `width` crops their commands, None: nowhere."""
    heading = [(text, DIM) for text in HEADINGS]
    yield [*_columns(heading, widths), ("COMMAND", DIM)]
    room = None if width is None else width - sum(widths) - len(_GAP) * len(widths)
    for row in rows:
        yield [*_columns(row.cells, widths), *_command(row, room)]


def column_widths(rows: Iterable[Row]) -> list[int]:
    """Give how many cells each column needs for these rows and its heading."""
    widths = [len(heading) for heading in HEADINGS]
    for row in rows:
        widths = [
            max(width, cell_len(cell[0])) for width, cell in zip(widths, row.cells, strict=True)
        ]
    return widths


def _columns(cells: Sequence[Piece], widths: Sequence[int]) -> Iterator[Piece]:
    for column, ((text, style), width) in enumerate(zip(cells, widths, strict=True)):
        padding = " " * (width - cell_len(text))
        if column in _FLUSH_RIGHT:
            yield padding, PLAIN
            yield text, style
            yield _GAP, PLAIN
        else:
            yield text, style
            yield padding + _GAP, PLAIN


def _command(row: Row, room: int | None) -> Iterator[Piece]:
    command, style = row.command
    notes = f"  # {row.notes}" if row.notes else ""
    if room is not None:
        left = room - cell_len(row.guides)
        command = cropped(command, max(left - cell_len(notes), _LEAST_COMMAND_CELLS))
    yield row.guides, DIM
    yield command, style
    yield notes, NOTABLE
