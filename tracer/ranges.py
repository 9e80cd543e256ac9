# SPDX-License-Identifier: Apache-2.0
"""Sets of addresses as sorted, disjoint ranges [begin, end), in bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Addresses = NDArray[np.uint64]

_Scalar = TypeVar("_Scalar", bound=np.generic)

_USER_END = np.uint64(1 << 63)
_RANGES_MAX = 1 << 20
_CHUNK = 1 << 22
_CHUNKS_MAX = 16


def sorted_unique(values: NDArray[_Scalar]) -> NDArray[_Scalar]:
    """Give each value once, in order; np.unique's first call costs 6 ms."""
    ordered = np.sort(values)
    return ordered[_changes(ordered)]


def _changes(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell of each value whether it differs from the one before it."""
    new = np.ones(len(values), bool)
    np.not_equal(values[1:], values[:-1], out=new[1:])
    return new


class Ranges(NamedTuple):
    """Sorted ranges [begin, end) that neither overlap nor touch."""

    begins: Addresses
    ends: Addresses

    @classmethod
    def none(cls) -> Ranges:
        """Give no range."""
        return cls(np.empty(0, np.uint64), np.empty(0, np.uint64))

    @classmethod
    def of(cls, begins: Addresses, ends: Addresses) -> Ranges:
        """Join ranges in any order that may overlap."""
        # Sorted apart: a gap is where as many ranges have ended as have begun.
        begins, ends = np.sort(begins), np.sort(ends)
        new = np.ones(len(begins), bool)
        np.greater(begins[1:], ends[:-1], out=new[1:])
        last = np.ones(len(begins), bool)
        last[:-1] = new[1:]
        return cls(begins[new], ends[last])

    def joined(self, other: Ranges) -> Ranges:
        """Give what is in either."""
        return Ranges.of(np.append(self.begins, other.begins), np.append(self.ends, other.ends))

    def coarser(self, most: int) -> Ranges:
        """Close the smallest gaps until `most` ranges are left."""
        too_many = len(self.begins) - most
        if too_many <= 0:
            return self
        gaps = self.begins[1:] - self.ends[:-1]
        closed = np.argpartition(gaps, too_many - 1)[:too_many]
        return Ranges(np.delete(self.begins, closed + 1), np.delete(self.ends, closed))

    def relative(self, biases: Addresses, low: int, high: int) -> Ranges:
        """Give what lies within [low, high) of each of these biases, relative to it, joined.

        An image that was mapped at many addresses so gives one set of its own addresses; when
        that would take too long, all of them. Neither a bias nor `high` exceeds 2**62.
        """
        lows = biases + np.uint64(low)
        first = np.searchsorted(self.ends, lows, "right")
        last = np.searchsorted(self.begins, biases + np.uint64(high), "left")
        counts = np.maximum(last - first, 0)
        if counts.sum() > _CHUNKS_MAX * _CHUNK:
            return Ranges(np.array([low], np.uint64), np.array([high], np.uint64))
        found = Ranges.none()
        begin = 0
        for end in _chunk_ends(counts):
            part = self._expand(biases[begin:end], first[begin:end], counts[begin:end])
            begins = np.maximum(part.begins, np.uint64(low))
            ends = np.minimum(part.ends, np.uint64(high))
            found = found.joined(Ranges(begins, ends))
            begin = end
        return found

    def _expand(self, biases: Addresses, first: NDArray[Any], counts: NDArray[Any]) -> Ranges:
        """Give `counts` ranges from `first` on, less the bias, for each bias."""
        before = np.cumsum(counts) - counts
        which = np.arange(int(counts.sum())) + np.repeat(first - before, counts)
        base = np.repeat(biases, counts)
        begins = np.maximum(self.begins[which], base) - base
        return Ranges(begins, self.ends[which] - base)


def _chunk_ends(counts: NDArray[Any]) -> list[int]:
    """Cut a list of counts where about `_CHUNK` have come together."""
    if not len(counts):
        return []
    chunk = np.cumsum(counts) // _CHUNK
    return [*(np.flatnonzero(np.diff(chunk)) + 1).tolist(), len(counts)]


class RangeSet:
    """Addresses that are noted one span after another; what is kept never grows without bound.

    Past a million ranges the smallest gaps are closed: the set then has more than was noted, and
    never less.
    """

    def __init__(self, granule_bits: int) -> None:
        self._bits = np.uint64(granule_bits)
        self._kept = Ranges.none()
        self._new: list[Addresses] = []
        self._waiting = 0

    def add(self, addresses: Addresses) -> None:
        """Note addresses of user space; each stands for its granule of 2**bits bytes."""
        granules = addresses[addresses < _USER_END] >> self._bits
        granules = sorted_unique(granules[_changes(granules)])
        if len(granules):
            self._new.append(granules)
            self._waiting += len(granules)
        if self._waiting > max(len(self._kept.begins), _RANGES_MAX // 4):
            self._join()

    def ranges(self) -> Ranges:
        """Give all that was noted."""
        self._join()
        return self._kept

    def _join(self) -> None:
        if self._new:
            granules = np.concatenate(self._new)
            begins = np.append(self._kept.begins, granules << self._bits)
            ends = np.append(self._kept.ends, (granules + np.uint64(1)) << self._bits)
            self._kept = Ranges.of(begins, ends).coarser(_RANGES_MAX)
        self._new.clear()
        self._waiting = 0
