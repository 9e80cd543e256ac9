# SPDX-License-Identifier: Apache-2.0
"""The pages of processes that ran already as recording began, and where their heaps ended.

It was read while they went on, so what a fault or a call tells counts for more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from replay.memory.pte import NO_FRAME, PAGE_SHIFT, ZeroPages
from replay.memory.ranges import NOT_FOUND, PairRank, expanded
from replay.memory.walk import Made
from replay.tables import columns

if TYPE_CHECKING:
    import polars as pl

    from replay.memory.pte import Bools
    from replay.memory.ranges import Ints
    from replay.memory.spaces import AddressSpaces
    from replay.tables import TraceTables

PRESENT: Final = 1
OF_FILE: Final = 4
_OF_KERNEL: Final = (b"[vvar]", b"[vvar_vclock]", b"[vsyscall]")
_MOST_PAGES: Final = 1 << 23
"""Pages that are noted one by one: 32 GiB. Of more than these the private ones come first."""


def spaces_at_start(trace: TraceTables, spaces: AddressSpaces) -> dict[int, int]:
    """Give tgid -> address space of the processes whose memory was read as recording began.

    Of processes that share one, as after vfork, one stands for all.
    """
    read = set(trace.table("start_mapping")["tgid"].to_list())
    found: dict[int, int] = {}
    for space in spaces.spaces:
        if space.made is not Made.BEFORE:
            continue
        first = min(space.users, key=lambda use: use.begin_ns, default=None)
        if first is not None and first.process.tgid in read:
            found.setdefault(first.process.tgid, space.number)
    return found


def heap_ends(trace: TraceTables, spaces: AddressSpaces) -> dict[int, int]:
    """Give for each address space the address where its heap ended, in whole pages."""
    numbers = spaces_at_start(trace, spaces)
    rows = columns(trace.table("start_mapping"), "tgid", "end", "path")
    return {numbers[tgid]: end for tgid, end, path in rows if path == b"[heap]" and tgid in numbers}


class StartPages:
    """The pages that were there as recording began: runs of them, by address space and page."""

    def __init__(self, trace: TraceTables, spaces: AddressSpaces) -> None:
        rows = trace.table("start_page")
        space = _numbered(rows, spaces_at_start(trace, spaces))
        low = _pages(rows["address"])
        order = np.lexsort((low, space))
        order = order[space[order] >= 0]
        self.space, self.low = space[order], low[order]
        self.time_ns: Ints = rows["time_ns"].to_numpy()[order].view(np.int64)
        """When the process was looked at."""
        self._pages = rows["pages"].to_numpy()[order].astype(np.int64)
        # Mappings do not overlap; where a trace says so, the later run counts.
        same = np.flatnonzero(self.space[1:] == self.space[:-1])
        self._pages[same] = np.minimum(self._pages[same], self.low[same + 1] - self.low[same])
        self._frame = rows["frame"].to_numpy()[order].astype(np.int64)
        self._present: Bools = (rows["flags"].to_numpy()[order] & PRESENT) != 0
        self.zeros = self._present & ZeroPages.of(trace.metadata).are(self._frame)
        """Which runs are of the page of zeros, or of the huge one."""
        of_file = (rows["flags"].to_numpy()[order] & OF_FILE) != 0
        # Pages without a struct page are not marked as a file's: those of zeros, and of devices.
        self.private = ~of_file & ~self.zeros & ~self._in_shared_mappings(trace, spaces)
        """Which runs are of private pages, swapped ones too."""

    def _in_shared_mappings(self, trace: TraceTables, spaces: AddressSpaces) -> Bools:
        rows = trace.table("start_mapping")
        space = _numbered(rows, spaces_at_start(trace, spaces))
        rank = PairRank(space, _pages(rows["address"]))
        order = np.argsort(rank.keys, kind="stable")
        at = rank.last_not_after(rank.keys[order], self.space, self.low)
        shared = ((rows["shared"] != 0) | rows["path"].is_in(_OF_KERNEL)).to_numpy()[order]
        return np.append(shared, False)[at]

    def each(self) -> tuple[Ints, Ints]:
        """Give (run, page) of every page, private ones first where they are too many."""
        private_first = np.argsort(~self.private, kind="stable")
        pages = self._pages[private_first]
        room = _MOST_PAGES - (np.cumsum(pages) - pages)
        counts = np.empty_like(pages)
        counts[private_first] = np.clip(room, 0, pages)
        return expanded(self.low, self.low + counts)

    def frame(self, run: Ints, page: Ints) -> Ints:
        """Give the frame of each page; NO_FRAME of swapped ones."""
        frame = self._frame[run] + page - self.low[run]
        return np.where(self._present[run], frame, NO_FRAME)

    def holders(self, frame: int) -> list[tuple[int, int]]:
        """Give (space, page) of all who had a frame as a private page."""
        has = (self._frame <= frame) & (frame < self._frame + self._pages)
        run = np.flatnonzero(has & self.private & self._present)
        page = self.low[run] + frame - self._frame[run]
        return list(zip(self.space[run].tolist(), page.tolist(), strict=True))


def _numbered(rows: pl.DataFrame, numbers: dict[int, int]) -> Ints:
    """Give the address space of each row by its tgid; NOT_FOUND where it has none."""
    tgids = rows["tgid"].to_numpy()
    space = np.full(len(tgids), NOT_FOUND, np.int64)
    for tgid, number in numbers.items():
        space[tgids == tgid] = number
    return space


def _pages(address: pl.Series) -> Ints:
    return (address.to_numpy() >> np.uint64(PAGE_SHIFT)).astype(np.int64)
