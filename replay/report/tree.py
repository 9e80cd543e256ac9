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

Cells = tuple[Piece, ...]
"""What stands in the columns of one line."""
HEADINGS: Final = ("PID", "BORN", "LIVED", "END", "WAIT")
_FLUSH_RIGHT: Final = (0, 2)
_GAP: Final = "  "
_BRANCH: Final = ("├─ ", "└─ ")
_TRUNK: Final = ("│  ", "   ")
_DEEPEST_DRAWN: Final = 16
"""Levels of guides on a line; further out than that, a number says how many there are."""
_NOTES_SHARE: Final = 0.4
"""Of the room for command and notes, when both are too long."""
_LEAST_NOTES_CELLS: Final = 11
"""Less of them tells nothing, and the command gets all."""


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

    cells: Cells
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

    def cells(self) -> Iterator[Cells]:
        """Give what stands in the columns of each line, in the order of `rows`."""
        for process, _ in self.walk():
            yield self._process_cells(process)
            if self.threads:
                yield from (self._thread_cells(task) for task in process.tasks[1:])

    def rows(self) -> Iterator[Row]:
        """Give the lines of the tree, each process followed by its threads if they are shown."""
        for process, place in self.walk():
            yield self._process_row(process, place)
            others = process.tasks[1:] if self.threads else []
            for index, task in enumerate(others):
                last = index == len(others) - 1 and not process.children
                guides = place.below(last=last).guides()
                yield Row(self._thread_cells(task), guides, (f"{{{shown(task.comm)}}}", DIM))

    def _process_row(self, process: Process, place: Place) -> Row:
        return Row(
            self._process_cells(process),
            place.guides(),
            (life.command(process), INHERITED if life.executed_nothing(process) else COMMAND),
            ", ".join(life.notes(process, self.processes, threads=self.threads)),
        )

    def _process_cells(self, process: Process) -> Cells:
        creation, end = process.leader.creation, process.end
        return (
            (f"{process.id.tgid}{life.doubt(process.certainty)}", PLAIN),
            life.created(creation),
            life.lived(creation, end, self.until_ns, life.first_seen_ns(process)),
            life.ended(end, alive=life.is_alive(process)),
            life.waited(process),
        )

    def _thread_cells(self, task: Task) -> Cells:
        return (
            (f"{task.id.tid}{life.doubt(task.certainty)}", PLAIN),
            life.created(task.creation),
            life.lived(task.creation, task.end, self.until_ns),
            life.thread_ended(task),
            (life.NOTHING, DIM),
        )


def lines(rows: Iterable[Row], widths: Sequence[int], width: int | None) -> Iterator[Line]:
    """Lay rows out below a heading; `width` crops them, their commands first, None: nowhere."""
    heading: Line = [*_columns([(text, DIM) for text in HEADINGS], widths), ("COMMAND", DIM)]
    if width is None:
        yield heading
        yield from ([*_columns(row.cells, widths), *_command(row, None)] for row in rows)
        return
    room = max(width - sum(widths) - len(_GAP) * len(widths), 0)
    yield cropped(heading, width)
    for row in rows:
        yield cropped([*_columns(row.cells, widths), *_command(row, room)], width)


def column_widths(lines_cells: Iterable[Cells]) -> list[int]:
    """Give how many terminal cells each column needs for these lines and its heading."""
    widths = [len(heading) for heading in HEADINGS]
    for cells in lines_cells:
        widths = [
            max(width, cell_len(text)) for width, (text, _) in zip(widths, cells, strict=True)
        ]
    return widths


def _columns(cells: Cells | Sequence[Piece], widths: Sequence[int]) -> Iterator[Piece]:
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
    """Give guides, command and notes; a command that is too long gets most of the room."""
    command: Line = [row.command]
    notes = f"  # {row.notes}" if row.notes else ""
    if room is not None:
        left = max(room - cell_len(row.guides), 0)
        for_notes = min(cell_len(notes), int(left * _NOTES_SHARE))
        command = cropped(command, left - (for_notes if for_notes >= _LEAST_NOTES_CELLS else 0))
    yield row.guides, DIM
    yield from command
    yield notes, NOTABLE
