# SPDX-License-Identifier: Apache-2.0
"""Changes of mappings by system calls: which pages of which address space, and when.

A call that takes pages away counts from its entry and one that maps from its return, so that
whatever another thread maps at the same place comes after. Effects as in mm/vma.c, mm/mmap.c,
mm/mremap.c and mm/madvise.c of 6.18.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from replay.memory.pte import PAGE_BYTES, PAGE_SHIFT
from replay.memory.walk import NOWHERE
from replay.tables import columns

if TYPE_CHECKING:
    import polars as pl

    from replay.memory.spaces import AddressSpaces
    from replay.tables import TraceTables

PROT_READ, PROT_WRITE, PROT_EXEC = 1, 2, 4
MAP_SHARED, MAP_FIXED, MAP_ANONYMOUS = 1, 0x10, 0x20
MAP_STACK, MAP_HUGETLB = 0x20000, 0x40000
_MMAP, _MUNMAP, _BRK, _MREMAP, _MADVISE = 9, 11, 12, 25, 28
_MREMAP_DONTUNMAP = 4
_HUGE_SHIFT = 21

DROPPING: Final = frozenset({4, 9, 24, 102})
"""MADV_DONTNEED, REMOVE, DONTNEED_LOCKED, GUARD_INSTALL: the pages are gone, the mapping stays."""
FORK_ADVICE: Final = {10: True, 18: True, 11: False, 19: False}
"""MADV_DONTFORK, WIPEONFORK: a fork does not share the pages; DOFORK and KEEPONFORK: it does."""


class What(IntEnum):
    """What a change does with its pages."""

    MAP = 0
    """Maps anew; what was there before is gone."""
    UNMAP = 1
    DROP = 2
    """The pages are gone, and the mapping stays as it was."""
    MOVE = 3
    """mremap put the mapping and its pages here, from `source`."""
    GROW = 4
    """mremap made the mapping at `source` reach up to here, where nothing was."""
    FORK_ADVICE = 5
    """Pages are or are not (`flags`) kept from children."""


class Change(NamedTuple):
    """One change of the pages [low, high) of an address space."""

    space: int
    low: int
    high: int
    time_ns: int
    what: What
    prot: int = 0
    flags: int = 0
    """mmap's flags; of FORK_ADVICE, 1 when children do not get the pages."""
    file_dev: int = 0
    file_ino: int = 0
    offset: int = 0
    """Where in the file the mapping begins, in bytes."""
    source: int = 0
    """MOVE and GROW: the page that the pages before `low` came from."""
    source_ns: int = 0
    heap: bool = False
    """Mapped by brk."""


_CALL = ("time_ns", "enter_ns", "syscall", "arg0", "arg1", "arg2", "arg3", "arg5", "result",
         "file_dev", "file_ino")  # fmt: skip
_Call = tuple[int, ...]


def changes(trace: TraceTables, spaces: AddressSpaces) -> list[Change]:
    """Give the changes by calls, in the order of their returns."""
    calls = trace.table("mapping_call").sort("time_ns", maintain_order=True)
    brks = _Brks(trace.table("exec"), spaces)
    found: list[Change] = []
    owners = spaces.assign(calls)["space"].to_list()
    for space, call in zip(owners, columns(calls, *_CALL), strict=True):
        if space == NOWHERE or -PAGE_BYTES < call[8] < 0:
            continue
        match call[2]:
            case 9:
                found.append(_mmap(space, call))
            case 11:
                low, high = _pages(call[3], call[4])
                found.append(Change(space, low, high, call[1], What.UNMAP))
            case 12:
                found += brks.change(space, call)
            case 25:
                found += _mremap(space, call)
            case 28:
                found += _madvise(space, call)
    return [change for change in found if change.low < change.high]


def _pages(address: int, length: int) -> tuple[int, int]:
    return address >> PAGE_SHIFT, page_after(address + length)


def page_after(address: int) -> int:
    """Give the first page that begins at or after an address."""
    return -(-address >> PAGE_SHIFT)


def _mmap(space: int, call: _Call) -> Change:
    time_ns, _, _, _, length, prot, flags, offset, address, dev, ino = call
    low, high = _pages(address, length)
    if flags & MAP_HUGETLB:
        high = -(-(address + length) >> _HUGE_SHIFT) << (_HUGE_SHIFT - PAGE_SHIFT)
    return Change(space, low, high, time_ns, What.MAP, prot, flags, dev, ino, offset)


def _mremap(space: int, call: _Call) -> list[Change]:
    time_ns, enter_ns, _, old, old_length, new_length, flags, _, new, _, _ = call
    low, high = _pages(old, old_length)
    new_low, new_high = _pages(new, new_length)
    if new == old:
        if new_high < high:
            return [Change(space, new_high, high, enter_ns, What.UNMAP)]
        last = max(high - 1, low)
        return [Change(space, high, new_high, time_ns, What.GROW, source=last,
                       source_ns=enter_ns)]  # fmt: skip
    away = What.DROP if flags & _MREMAP_DONTUNMAP else What.UNMAP
    moved_high = min(new_high, new_low + high - low)
    found = [
        Change(space, new_low, moved_high, time_ns, What.MOVE, source=low, source_ns=enter_ns),
        Change(space, low, high, enter_ns, away),
    ]
    if new_high > moved_high:
        # An old length of 0 maps shared pages a second time (mm/mremap.c): nothing moves.
        last = max(high - 1, low)
        found.append(Change(space, moved_high, new_high, time_ns, What.GROW, source=last,
                            source_ns=enter_ns))  # fmt: skip
    return found


def _madvise(space: int, call: _Call) -> list[Change]:
    time_ns, enter_ns, _, address, length, advice, *_ = call
    low, high = _pages(address, length)
    if advice in DROPPING:
        return [Change(space, low, high, enter_ns, What.DROP)]
    if advice in FORK_ADVICE:
        kept = int(FORK_ADVICE[advice])
        return [Change(space, low, high, time_ns, What.FORK_ADVICE, flags=kept)]
    return []


class _Brks:
    """Where the heap of each address space ended, over time."""

    def __init__(self, execs: pl.DataFrame, spaces: AddressSpaces) -> None:
        self._spaces = spaces
        self._ends: dict[int, list[tuple[int, int]]] = defaultdict(list)
        starts = {
            (mm, time_ns): start
            for mm, time_ns, start in columns(execs, "mm", "time_ns", "start_brk")
        }
        for space in spaces.spaces:
            start = starts.get((space.mm, space.begin_ns), 0)
            if start:
                self._ends[space.number].append((0, start))

    def change(self, space: int, call: _Call) -> list[Change]:
        """Give what a call of brk mapped or took away."""
        time_ns, enter_ns, result = call[0], call[1], call[8]
        before = self._end_at(space, time_ns)
        self._ends[space].append((time_ns, result))
        if not before or not result:
            return []
        low, high = page_after(before), page_after(result)
        if high < low:
            return [Change(space, high, low, enter_ns, What.UNMAP)]
        prot = PROT_READ | PROT_WRITE
        return [Change(space, low, high, time_ns, What.MAP, prot, MAP_ANONYMOUS, heap=True)]

    def _end_at(self, space: int, time_ns: int) -> int:
        while space != NOWHERE:
            ends = self._ends.get(space, [])
            place = bisect_right(ends, (time_ns, 2**64))
            if place:
                return ends[place - 1][1]
            time_ns = self._spaces.spaces[space].begin_ns
            space = self._spaces.spaces[space].parent
        return 0
