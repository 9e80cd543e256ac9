# SPDX-License-Identifier: Apache-2.0
"""Physical pages: how many address spaces map each, and whether it belongs to one alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from replay.memory.pte import Bools
    from replay.memory.ranges import Ints

NONE: Final = -1
"""In place of a frame number: no page is mapped."""
ZERO: Final = 7
"""The page of zeros."""
HUGE_ZERO: Final = 512
"""The first frame of the huge page of zeros."""
FIRST: Final = 1024
"""Frames below are the kernel's own; a frame is never used again."""
HUGE_PAGES: Final = 512


class Frames:
    """Every page that was ever made."""

    def __init__(self) -> None:
        self._next = FIRST
        self.mapcount: NDArray[np.int32] = np.zeros(1 << 14, np.int32)
        self.exclusive: Bools = np.zeros(1 << 14, np.bool_)
        """PG_anon_exclusive."""
        self.anonymous: Bools = np.zeros(1 << 14, np.bool_)
        self.folio: Ints = np.full(1 << 14, NONE, np.int64)
        """The first frame of the huge page that it is part of."""

    def make(self, count: int, *, anonymous: bool) -> Ints:
        """Make pages: anonymous ones are exclusive and mapped once, others are not mapped."""
        frames = self._take(self._next, count)
        self.mapcount[frames] = anonymous
        self.exclusive[frames] = anonymous
        self.anonymous[frames] = anonymous
        return frames

    def make_huge(self, count: int) -> Ints:
        """Make huge anonymous pages; gives the frames of all their small pages."""
        begin = -(-self._next // HUGE_PAGES) * HUGE_PAGES
        frames = self._take(begin, count * HUGE_PAGES)
        self.mapcount[frames] = 1
        self.exclusive[frames] = True
        self.anonymous[frames] = True
        self.folio[frames] = frames // HUGE_PAGES * HUGE_PAGES
        return frames

    def _take(self, begin: int, count: int) -> Ints:
        self._next = begin + count
        size = len(self.mapcount)
        if self._next > size:
            more = max(self._next, 2 * size) - size
            self.mapcount = np.append(self.mapcount, np.zeros(more, np.int32))
            self.exclusive = np.append(self.exclusive, np.zeros(more, np.bool_))
            self.anonymous = np.append(self.anonymous, np.zeros(more, np.bool_))
            self.folio = np.append(self.folio, np.full(more, NONE, np.int64))
        return np.arange(begin, self._next, dtype=np.int64)

    def map(self, frames: Ints) -> None:
        """Count one more mapping of each; those of zeros and NONE are left out."""
        self.mapcount[frames[frames >= FIRST]] += 1

    def unmap(self, frames: Ints) -> None:
        """Count one mapping less of each."""
        self.mapcount[frames[frames >= FIRST]] -= 1

    def folio_mapcount(self, folio: int) -> int:
        """Give how often the small pages of a huge one are mapped, together."""
        return int(self.mapcount[folio : folio + HUGE_PAGES].sum())
