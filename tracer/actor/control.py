# SPDX-License-Identifier: Apache-2.0
"""The memory that the recorder and all actors share: struct control of plan.h, up to the plan."""

from __future__ import annotations

import mmap
import os
import struct
from contextlib import ExitStack
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final, Self

from traces.errors import ProctraceError

if TYPE_CHECKING:
    from types import TracebackType

    from tracer.actor.script import Script

ACTORS_MAX: Final = 4096
_MAGIC: Final = 0x726F746361747470
_HEAD: Final = struct.Struct("<QQQ")
_FAILURE: Final = struct.Struct("<Iii4x192s")
_GIVE_UP_AT, _FAILURE_AT, _FILES_AT, _ENTRIES_AT = 8, 40, 248, 4096
_ENTRY: Final = struct.Struct("<Ii4xIQ40x")
_BYTES: Final = _ENTRIES_AT + ACTORS_MAX * _ENTRY.size
_PAGE_BYTES: Final = 4096
_CHUNK_PAGES: Final = 1024


class State(IntEnum):
    """What an actor is at: enum state of plan.h."""

    NONE = 0
    RUNNING = 1
    PAUSED = 2
    WAITING = 3
    BARRIER = 4
    KILL = 5
    VFORK = 6
    GONE = 7


@dataclass(frozen=True, slots=True)
class Entry:
    """What one actor tells of itself."""

    actor: int
    state: State
    tid: int
    """In the pid namespace of /proc; 0 when it did not begin."""
    at: int
    """The operation that it is at."""
    begun_ns: int
    """CLOCK_BOOTTIME when it had begun."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What an actor could not do, by which all ended."""

    actor: int
    error: int
    """errno; 0 for none."""
    what: str


class Control:
    """The control memory, the plan and the files of regions, each a memfd that actors inherit."""

    def __init__(self, script: Script) -> None:
        self._actors = len(script.actors)
        with ExitStack() as undo:
            self._file = _shared("control", undo)
            os.ftruncate(self._file, _BYTES)
            self._plan = _shared("plan", undo)
            _write_all(self._plan, script.plan)
            self._memory = mmap.mmap(self._file, _BYTES)
            undo.callback(self._memory.close)
            files = {
                region: _filled(region, pages, undo) for region, pages in script.file_pages.items()
            }
            _HEAD.pack_into(self._memory, 0, _MAGIC, 0, script.seed)
            for region, file in files.items():
                struct.pack_into("<i", self._memory, _FILES_AT + 4 * region, file)
            self._open = undo.pop_all()

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close everything; what actors have mapped stays."""
        self._open.close()

    @property
    def handed(self) -> str:
        """What the variable PROCTRACE_ACTOR is to say."""
        return f"0 {self._file} {self._plan}"

    def give_up_at(self, monotonic_s: float) -> None:
        """Say when actors end by themselves that nobody has ended; before the first begins."""
        struct.pack_into("<Q", self._memory, _GIVE_UP_AT, int(monotonic_s * 1e9))

    def entries(self) -> list[Entry]:
        """Give what all actors tell of themselves that have begun."""
        return [
            Entry(actor, State(state), tid, at, begun_ns)
            for actor, (state, tid, at, begun_ns) in enumerate(_ENTRY.iter_unpack(self._told()))
            if tid
        ]

    def states(self) -> list[tuple[int, ...]]:
        """Give what every actor is at, to see whether any has moved."""
        return list(_ENTRY.iter_unpack(self._told()))

    def count(self, *states: State) -> int:
        """Tell how many actors are in one of these states."""
        return sum(state in states for state, *_ in _ENTRY.iter_unpack(self._told()))

    def _told(self) -> bytes:
        return self._memory[_ENTRIES_AT : _ENTRIES_AT + self._actors * _ENTRY.size]

    def failure(self) -> Failure | None:
        """Give what an actor could not do; None while there is nothing."""
        failed, actor, error, what = _FAILURE.unpack_from(self._memory, _FAILURE_AT)
        if failed != 1:
            return None
        return Failure(actor, error, what.split(b"\0")[0].decode(errors="replace"))


def _shared(name: str, undo: ExitStack) -> int:
    """Make a file in memory that children inherit."""
    file = os.memfd_create(f"proctrace-{name}", 0)
    undo.callback(os.close, file)
    return file


def _filled(region: int, pages: int, undo: ExitStack) -> int:
    """Make the file of a region, whole in the page cache."""
    try:
        file = _shared(f"region-{region}", undo)
        chunk = bytes(_CHUNK_PAGES * _PAGE_BYTES)
        for first in range(0, pages, _CHUNK_PAGES):
            _write_all(file, chunk[: (pages - first) * _PAGE_BYTES])
    except OSError as error:
        what = f"there is no room for {pages} pages of a file"
        raise ProctraceError(what, error.strerror or str(error), "use fewer pages") from error
    return file


def _write_all(file: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(file, left) :]
