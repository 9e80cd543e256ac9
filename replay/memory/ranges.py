# SPDX-License-Identifier: Apache-2.0
"""Which of many changes to ranges of pages was the last (or is the next) for a page.

The borders of all ranges cut each address space into cells, so that a range is a run of whole
cells. Every (range, cell) pair is kept once, sorted by cell and time; the last change of a page
is then found by two binary searches, for millions of pages at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike

Ints: TypeAlias = NDArray[np.int64]

NOT_FOUND: Final = -1
_HALF: Final = 32


def ints(values: Iterable[int]) -> Ints:
    """Give numbers of up to 64 bits as an array; those of 2**63 and more become negative."""
    return np.array([value % 2**64 for value in values], np.uint64).view(np.int64)


class PairRank:
    """Places of pairs (major, minor) in their common order, for pairs that come later too."""

    def __init__(self, major: Ints, minor: Ints) -> None:
        self._minors = np.unique(minor)
        self.keys = self._key(major, minor)
        """The pair of each row as one number, which sorts as the pairs do."""

    def _key(self, major: Ints, minor: Ints) -> Ints:
        place = np.searchsorted(self._minors, minor, side="right")
        return major.astype(np.int64) << _HALF | place

    def last_not_after(self, ordered: Ints, major: Ints, minor: Ints) -> Ints:
        """Give the last place in `ordered` (sorted keys) with this major and no greater minor."""
        return self._checked(ordered, major, self._found(ordered, major, minor, "right") - 1)

    def last_before(self, ordered: Ints, major: Ints, minor: Ints) -> Ints:
        """Give the last place with this major and a smaller minor."""
        below = np.searchsorted(self._minors, minor, side="left")
        key = major.astype(np.int64) << _HALF | below
        return self._checked(ordered, major, np.searchsorted(ordered, key, side="right") - 1)

    def first_after(self, ordered: Ints, major: Ints, minor: Ints) -> Ints:
        """Give the first place with this major and a greater minor."""
        return self._checked(ordered, major, self._found(ordered, major, minor, "right"))

    def _found(self, ordered: Ints, major: Ints, minor: Ints, side: Any) -> Ints:  # noqa: ANN401
        return np.searchsorted(ordered, self._key(major, minor), side=side)

    def _checked(self, ordered: Ints, major: Ints, place: Ints) -> Ints:
        if not len(ordered):
            return np.full(len(place), NOT_FOUND, np.int64)
        inside = (place >= 0) & (place < len(ordered))
        place = np.where(inside, place, 0)
        return np.where(inside & (ordered[place] >> _HALF == major), place, NOT_FOUND)


class RangeHistory:
    """Changes of page ranges [low, high) of address spaces, each at a time."""

    def __init__(
        self, space: ArrayLike, low: ArrayLike, high: ArrayLike, time_ns: ArrayLike
    ) -> None:
        spaces, lows, highs = (np.asarray(a, np.int64) for a in (space, low, high))
        times = np.asarray(time_ns, np.int64)
        self._cut(spaces, lows, highs)
        first = self.cell_of(spaces, lows)
        counts = np.maximum(self._cell_before(spaces, highs) - first, 0)
        change = np.repeat(np.arange(len(spaces)), counts)
        cell = np.repeat(first, counts) + _within(counts)
        rank = PairRank(cell, times[change])
        # Changes of one moment keep their order, in which the later one counts.
        order = np.lexsort((change, rank.keys))
        self.cell, self.change = cell[order], change[order]
        self._ordered, self._rank = rank.keys[order], rank

    def _cut(self, spaces: Ints, lows: Ints, highs: Ints) -> None:
        borders = np.r_[lows, highs]
        self._borders = PairRank(np.r_[spaces, spaces], borders)
        self._cells, where = np.unique(self._borders.keys, return_index=True)
        self._cell_low = borders[where]

    def cell_of(self, space: Ints, page: Ints) -> Ints:
        """Give the cell of each page; NOT_FOUND below the first range of its address space."""
        return self._borders.last_not_after(self._cells, space, page)

    def _cell_before(self, space: Ints, high: Ints) -> Ints:
        # The upper border is a border, too: the cell that begins there is the first outside.
        return self.cell_of(space, high)

    def bounds(self, cell: Ints) -> tuple[Ints, Ints]:
        """Give the pages [low, high) of cells that a range covers."""
        return self._cell_low[cell], self._cell_low[cell + 1]

    def last(self, space: Ints, page: Ints, time_ns: Ints) -> Ints:
        """Give the number of the last change of each page not after a time, or NOT_FOUND."""
        return self._looked_up(self._rank.last_not_after, space, page, time_ns)

    def last_before(self, space: Ints, page: Ints, time_ns: Ints) -> Ints:
        """Give the number of the last change of each page before a time, or NOT_FOUND."""
        return self._looked_up(self._rank.last_before, space, page, time_ns)

    def next(self, space: Ints, page: Ints, time_ns: Ints) -> Ints:
        """Give the number of the first change of each page after a time, or NOT_FOUND."""
        return self._looked_up(self._rank.first_after, space, page, time_ns)

    def _looked_up(self, look: Any, space: Ints, page: Ints, time_ns: Ints) -> Ints:  # noqa: ANN401
        if not len(self.change):
            return np.full(len(page), NOT_FOUND, np.int64)
        cell = self.cell_of(space, page)
        place = look(self._ordered, cell, time_ns)
        return np.where((cell < 0) | (place < 0), NOT_FOUND, self.change[place])


def _within(counts: Ints) -> Ints:
    """Give 0, 1, 2, ... anew for each count."""
    ends = np.cumsum(counts)
    whole = int(ends[-1]) if len(ends) else 0
    return np.arange(whole) - np.repeat(ends - counts, counts)


def expanded(first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """Give (which, value): every value of each run [first, last), with the number of its run."""
    counts = np.maximum(last - first, 0)
    which = np.repeat(np.arange(len(counts)), counts)
    return which, np.repeat(first, counts) + _within(counts)


def bisected(values: Ints, low: Ints, high: Ints, wanted: Ints) -> Ints:
    """Give the first place in [low, high) of greater value, for many such ranges at once."""
    low, high = low.copy(), high.copy()
    open_ = np.flatnonzero(low < high)
    while open_.size:
        middle = (low[open_] + high[open_]) >> 1
        right = values[middle] <= wanted[open_]
        low[open_[right]] = middle[right] + 1
        high[open_[~right]] = middle[~right]
        open_ = open_[low[open_] < high[open_]]
    return low
