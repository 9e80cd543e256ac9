# SPDX-License-Identifier: Apache-2.0
"""What the memory of an address space consisted of when it ended: code, data, heap and so on."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from replay.memory.candidates import Candidates
from replay.memory.classes import FaultClass, codes_of
from replay.memory.layout import MappingKind
from replay.memory.page_map import MOST_PAGES, generations, origins
from replay.memory.pages import COPIES, REUSES
from replay.memory.pte import PAGE_BYTES
from replay.memory.start_layout import executable_at_start
from replay.memory.walk import NOWHERE, Made
from replay.tables import columns

if TYPE_CHECKING:
    from replay.memory.history import PageHistories
    from replay.memory.ranges import Ints
    from replay.tables import TraceTables


class Part(StrEnum):
    """A part of a process's memory."""

    CODE = "code"
    """Text and read-only data of the executable."""
    DATA = "data"
    """Data and bss of the executable."""
    HEAP = "heap"
    """What brk maps; large allocations of malloc are ANONYMOUS."""
    ANONYMOUS = "anonymous"
    STACK = "stack"
    LIBRARY = "library"
    FILE = "file"
    """A private mapping of a file that is no program."""
    SHARED = "shared memory"
    """A shared mapping, of a file or of none."""
    VDSO = "vdso"
    UNKNOWN = "unknown"


_K = MappingKind
_PARTS: Final = {
    _K.HEAP: Part.HEAP,
    _K.STACK: Part.STACK,
    _K.ANONYMOUS: Part.ANONYMOUS,
    _K.FILE_PRIVATE: Part.FILE,
    _K.FILE_SHARED: Part.SHARED,
    _K.VDSO: Part.VDSO,
    _K.UNKNOWN: Part.UNKNOWN,
}
_OF_EXECUTABLE: Final = {
    _K.TEXT: Part.CODE,
    _K.RODATA: Part.CODE,
    _K.DATA: Part.DATA,
    _K.BSS: Part.DATA,
}
PART: Final = pl.Enum([part.value for part in Part])
"""dtype of a column of parts."""
COUNTS: Final = ("resident", "private", "shared", "copied", "reused", "file_copied")
_FROM_FILE: Final = codes_of(FaultClass.FILE_COW)


def image_parts(memory: PageHistories, trace: TraceTables, space: int) -> pl.DataFrame:
    """Give a row for each part of an address space, and one for each library, in order of `Part`.

    `part`, `path` (null: no file); as the address space ended, or else the recording:
    `resident`: pages it had by the faults that were recorded of it, or had already as recording
    began (pages that the kernel mapped around a fault, or that came without one, are not known),
    `private`: those of them that are its own or shared by fork, `shared`: those that another
    address space still has, too. And in its whole life: `copied`, `reused`, `file_copied`: pages
    that it copied on write, made writable again, copied from a file.
    """
    end_ns = int(memory.events.contents.ends[space])
    there = _resident(memory, space, end_ns)
    wrote = _written(memory, space)
    told = pl.concat([_placed(memory, space, frame) for frame in (there, wrote)])
    parts = told.with_columns(_part(trace, memory, space))
    path = pl.when(pl.col("part").is_in(_NAMED)).then("path").alias("path")
    sums = parts.with_columns(path).group_by("part", "path").agg(pl.col(*COUNTS).sum())
    return sums.sort("part", "path", nulls_last=True)


_NAMED: Final = [Part.CODE, Part.DATA, Part.LIBRARY, Part.FILE, Part.SHARED]


def _resident(memory: PageHistories, space: int, end_ns: int) -> pl.DataFrame:
    events = memory.events
    page, owner = _owners(memory, space, end_ns)
    private = events.private_after(owner)
    own = private | (events.space(owner) == space)
    page, owner, private = page[own], owner[own], private[own]
    shared = np.zeros(len(page), np.bool_)
    generation = generations(memory, origins(memory, owner[private]))
    for other in _relatives(memory, space, end_ns):
        theirs = _owners(memory, other, end_ns)[1]
        theirs = theirs[events.private_after(theirs)]
        shared[private] |= np.isin(generation, generations(memory, origins(memory, theirs)))
    return _frame(page, end_ns, resident=np.ones(len(page)), private=private, shared=shared)


def _owners(memory: PageHistories, space: int, time_ns: int) -> tuple[Ints, Ints]:
    """Give (page, event) of all that is known to be there at a time."""
    page = Candidates(memory.events).within(space, 0, MOST_PAGES)
    owner = memory.events.owner(
        np.full_like(page, space), page, np.full_like(page, time_ns)
    )  # fmt: skip
    return page[owner >= 0], owner[owner >= 0]


def _relatives(memory: PageHistories, space: int, time_ns: int) -> list[int]:
    """Give the other address spaces of a time that may have pages in common by forks."""
    contents = memory.events.contents
    root = np.arange(len(contents.parents))
    for child in np.flatnonzero(contents.parents >= 0).tolist():
        root[child] = root[contents.parents[child]]
    alive = (contents.begins <= time_ns) & (contents.ends > time_ns)
    alive |= (contents.ends == contents.ends[space]) & (contents.ends == np.int64(2**63 - 1))
    # Those that were there as recording began may have pages in common since before.
    before = contents.begins[root] == 0
    related = np.flatnonzero(alive & ((root == root[space]) | (before & before[space])))
    return [other for other in related.tolist() if other != space]


def _written(memory: PageHistories, space: int) -> pl.DataFrame:
    events = memory.events
    low, high = np.searchsorted(events.space(np.arange(len(events.key))), [space, space + 1])
    event = np.arange(low, high)
    event = event[~events.at_start(event)]
    kinds = {"copied": COPIES, "reused": REUSES, "file_copied": _FROM_FILE}
    counts = {name: events.is_one_of(codes)[event] for name, codes in kinds.items()}
    return _frame(events.page(event), events.done[event], **counts)


def _frame(page: Ints, time_ns: Ints | int, **counts: np.ndarray) -> pl.DataFrame:
    zeros = np.zeros(len(page), np.int64)
    given = {name: counts.get(name, zeros).astype(np.int64) for name in COUNTS}
    return pl.DataFrame({"page": page, "time_ns": np.zeros_like(page) + time_ns, **given})


def _placed(memory: PageHistories, space: int, pages: pl.DataFrame) -> pl.DataFrame:
    address = pages["page"].cast(pl.UInt64) * PAGE_BYTES
    found = memory.mappings.find(
        np.full(len(pages), space, np.int64), address, pages["time_ns"].to_numpy()
    )
    told = memory.mappings.describe(found, address)
    return pages.hstack(told.select("kind", "path", "file_dev", "file_ino"))


def _part(trace: TraceTables, memory: PageHistories, space: int) -> pl.Expr:
    """Say which part each row belongs to, by the kind of its mapping and its file."""
    dev, ino = _executable(trace, memory, space)
    own = (pl.col("file_dev") == dev) & (pl.col("file_ino") == ino)
    kind = pl.col("kind").cast(pl.String)
    program = kind.replace_strict(
        {str(kind): part.value for kind, part in _OF_EXECUTABLE.items()}, default=None
    )
    other = kind.replace_strict(
        {str(kind): part.value for kind, part in _PARTS.items()}, default=Part.UNKNOWN.value
    )
    of_program = pl.when(own).then(program).otherwise(pl.lit(Part.LIBRARY.value))
    return pl.when(program.is_not_null()).then(of_program).otherwise(other).cast(PART).alias("part")


def _executable(trace: TraceTables, memory: PageHistories, space: int) -> tuple[int, int]:
    """Give (device, inode) of the program in an address space; zeros where it is not known."""
    spaces = memory.spaces.spaces
    while spaces[space].parent != NOWHERE:
        space = spaces[space].parent
    if spaces[space].made is Made.BEFORE:
        return executable_at_start(trace, spaces[space].process.tgid)
    for mm, time_ns, dev, ino in columns(
        trace.table("exec"), "mm", "time_ns", "exe_dev", "exe_ino"
    ):
        if (mm, time_ns) == (spaces[space].mm, spaces[space].begin_ns):
            return dev, ino
    return 0, 0
