# SPDX-License-Identifier: Apache-2.0
"""When pages went away or were moved, and where a page of an address space came from."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from replay.memory.changes import Change, What
from replay.memory.ranges import NOT_FOUND, RangeHistory, ints
from replay.memory.walk import FOREVER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from replay.memory.pte import Bools
    from replay.memory.ranges import Ints
    from replay.memory.spaces import AddressSpaces
    from replay.memory.walk import Space

_GONE: Final = 0
_OUT: Final = 1
_IN: Final = 2
_MOST_STEPS: Final = 100_000
"""More moves and forks than any page goes through; a trace that claims more is cut off there."""

_Row = tuple[int, int, int, int, int, int, int]


class Step(NamedTuple):
    """Where pages are to be looked for next, going back in time."""

    space: Ints
    page: Ints
    time_ns: Ints
    changed: Bools
    """Pages were dropped or moved in since their last fault."""
    onward: Bools
    """There is a next place: from where mremap moved it, or the parent at the fork."""


class Contents:
    """What became of the contents of pages, apart from faults: dropped, moved, shared by fork."""

    def __init__(self, spaces: AddressSpaces, changes: list[Change]) -> None:
        self.parents, self.begins = spaces.parents(), spaces.begins().view(np.int64)
        self.ends = spaces.ends().view(np.int64)
        rows = [row for change in changes for row in _rows(change)]
        rows += _kept_from_children(spaces, changes)
        columns = [ints(column) for column in zip(*rows, strict=True)] or [ints(())] * 7
        space, low, high, time_ns, kind, shift, then_ns = columns
        self.time_ns, self._kind, self._shift, self._then_ns = time_ns, kind, shift, then_ns
        self.history = RangeHistory(space, low, high, time_ns)
        self.space, self._low, self._high = space, low, high

    def end_of(self, space: Ints, page: Ints, time_ns: Ints) -> Ints:
        """Give when the page that is there at a time went away, wherever mremap moved it."""
        end_ns = self.ends[space]
        if not len(self.time_ns):
            return end_ns
        left = np.arange(len(space))
        for _ in range(_MOST_STEPS):
            change = self.history.next(space, page, time_ns)
            found = change >= 0
            left, space, page, change = left[found], space[found], page[found], change[found]
            out = self._kind[change] == _OUT
            gone = left[~out]
            end_ns[gone] = np.minimum(self.time_ns[change[~out]], end_ns[gone])
            left, space, change = left[out], space[out], change[out]
            page, time_ns = page[out] + self._shift[change], self._then_ns[change]
            if not left.size:
                break
        return end_ns

    def came_from(self, space: Ints, page: Ints, time_ns: Ints, since_ns: Ints) -> Step:
        """Go one step back from pages whose last fault was at `since_ns`, negative for none."""
        change = np.full(len(space), NOT_FOUND, np.int64)
        if len(self.time_ns):
            change = self.history.last(space, page, time_ns)
            change[(change >= 0) & (self.time_ns[change] <= since_ns)] = NOT_FOUND
        changed = change >= 0
        parent, page = self.parents[space], page.copy()
        onward = (since_ns < 0) & (parent >= 0) & ~changed
        where, when = np.where(changed, space, parent), self.begins[space]
        moved = np.flatnonzero(changed)
        page[moved] -= self._shift[change[moved]]
        when[moved] = self._then_ns[change[moved]]
        onward[moved] = self._kind[change[moved]] == _IN
        return Step(where, page, when, changed, onward)

    def changed_between(self, space: Ints, page: Ints, after_ns: Ints, until_ns: Ints) -> Bools:
        """Tell which pages were dropped or moved after one time and not after another."""
        if not len(self.time_ns):
            return np.zeros(len(space), np.bool_)
        change = self.history.next(space, page, after_ns)
        changed: Bools = (change >= 0) & (self.time_ns[change] <= until_ns)
        return changed

    def moves(self) -> list[tuple[int, int, int, int]]:
        """Give (space, low, high, shift) of where mremap put pages, in order of time."""
        moved = np.flatnonzero(self._kind == _IN)
        moved = moved[np.argsort(self.time_ns[moved], kind="stable")]
        columns = (self.space, self._low, self._high, self._shift)
        return list(zip(*(column[moved].tolist() for column in columns), strict=True))

    def next_change(self, space: int, page: int, time_ns: int) -> tuple[int, bool, int, int]:
        """Give (time, moved, page, then) of what next happened to one page after a time.

        `moved` tells whether mremap took it to another `page`, where it was from `then` on; else
        it was gone. FOREVER is the time of nothing.
        """
        if not len(self.time_ns):
            return FOREVER, False, page, FOREVER
        query = (np.array([value], np.int64) for value in (space, page, time_ns))
        change = int(self.history.next(*query)[0])
        if change == NOT_FOUND:
            return FOREVER, False, page, FOREVER
        when = int(self.time_ns[change])
        if self._kind[change] != _OUT:
            return when, False, page, when
        return when, True, page + int(self._shift[change]), max(int(self._then_ns[change]), when)

    def hidden(self, child: Ints, page: Ints) -> Bools:
        """Tell which pages madvise kept from a child as it was made."""
        if not len(self.time_ns):
            return np.zeros(len(child), np.bool_)
        begin = self.begins[child]
        change = self.history.last(child, page, begin)
        hidden: Bools = (change >= 0) & (self.time_ns[change] == begin)
        return hidden

    def first_changes(self, wanted: Bools) -> tuple[Ints, Ints, Ints, Ints]:
        """Give (space, low, high, time) of each cell's first change, in spaces that are wanted."""
        history = self.history
        rows = np.flatnonzero(wanted[self.space[history.change]])
        _, first = np.unique(history.cell[rows], return_index=True)
        cell, change = history.cell[rows[first]], history.change[rows[first]]
        low, high = history.bounds(cell)
        return self.space[change], low, high, self.time_ns[change]


def _rows(change: Change) -> Iterable[_Row]:
    """Give the effects of a change on contents, an outgoing move before what hides it."""
    space, low, high, time_ns = change.space, change.low, change.high, change.time_ns
    if change.what is What.MOVE:
        shift = low - change.source
        source_high, source_ns = change.source + high - low, change.source_ns
        yield space, change.source, source_high, source_ns, _OUT, shift, time_ns
        # One ns before the entry the page was still there, and not yet taken away by the call.
        yield space, low, high, time_ns, _IN, shift, source_ns - 1
    elif change.what in {What.MAP, What.UNMAP, What.DROP, What.GROW}:
        yield space, low, high, time_ns, _GONE, 0, 0


_Ranges = list[tuple[int, int]]


def _kept_from_children(spaces: AddressSpaces, changes: list[Change]) -> list[_Row]:
    """Give for each fork the ranges that madvise kept from the child, as dropped at its birth.

    A child has the advice of its parent; whatever is mapped anew has none.
    """
    if all(change.what is not What.FORK_ADVICE for change in changes):
        return []
    kept: dict[int, _Ranges] = {}
    found: list[_Row] = []
    forks = [space for space in spaces.spaces if space.parent != NOT_FOUND]
    steps: list[tuple[int, Change | Space]] = [(change.time_ns, change) for change in changes]
    steps += [(space.begin_ns, space) for space in forks]
    for _, step in sorted(steps, key=itemgetter(0)):
        if isinstance(step, Change):
            hides = step.what is What.FORK_ADVICE and step.flags != 0
            if (hides or step.space in kept) and step.what is not What.DROP:
                others = _without(kept.get(step.space, []), step.low, step.high)
                kept[step.space] = others + [(step.low, step.high)] * hides
        elif step.parent in kept:
            kept[step.number] = kept[step.parent]
            found += [
                (step.number, low, high, step.begin_ns, _GONE, 0, 0)
                for low, high in kept[step.parent]
            ]
    return found


def _without(ranges: _Ranges, low: int, high: int) -> _Ranges:
    pieces = [
        piece
        for begin, end in ranges
        for piece in ((begin, min(end, low)), (max(begin, high), end))
    ]
    return [(begin, end) for begin, end in pieces if begin < end]
