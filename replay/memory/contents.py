# SPDX-License-Identifier: Apache-2.0
"""When pages went away or were moved, and where a page of an address space came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from replay.memory.advice import kept_from_children
from replay.memory.changes import What
from replay.memory.ranges import NOT_FOUND, RangeHistory, ints
from replay.memory.walk import FOREVER

if TYPE_CHECKING:
    from replay.memory.changes import Changes
    from replay.memory.pte import Bools
    from replay.memory.ranges import Ints
    from replay.memory.spaces import AddressSpaces

_GONE: Final = 0
_OUT: Final = 1
_IN: Final = 2
_MOST_STEPS: Final = 100_000
"""More moves and forks than any page goes through; a trace that claims more is cut off there."""


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

    def __init__(self, spaces: AddressSpaces, changes: Changes) -> None:
        self.parents, self.begins = spaces.parents(), spaces.begins().view(np.int64)
        self.ends = spaces.ends().view(np.int64)
        child, first, last, born = kept_from_children(spaces, changes)
        none = np.zeros(len(child), np.int64)
        # As dropped at the child's birth.
        kept = child, first, last, born, none + _GONE, none, none
        space, low, high, time_ns, kind, shift, then_ns = (
            np.concatenate(both) for both in zip(_rows(changes), kept, strict=True)
        )
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

    def moved_in(self, space: int, page: int, until_ns: int) -> list[tuple[int, int]]:
        """Give (page, time) of where mremap took pages from and put here, before a time."""
        moved = (self._kind == _IN) & (self.space == space) & (self.time_ns < until_ns)
        at = np.flatnonzero(moved & (self._low <= page) & (page < self._high))
        return list(zip((page - self._shift[at]).tolist(), self._then_ns[at].tolist(), strict=True))

    def beginnings(self, space: int, page: int, time_ns: int) -> list[tuple[int, int, int]]:
        """Go back from a page at a time through moves and forks to where its line began.

        Gives (space, page, since) of where it began in each address space on the way: since the
        page before it had gone there, or -1.
        """
        none, found = ints((-1,)), list[tuple[int, int, int]]()
        for _ in range(_MOST_STEPS):
            here = (ints((space,)), ints((page,)), ints((time_ns,)))
            step = self.came_from(*here, none)
            if not step.onward[0]:
                since = int(self.time_ns[self.history.last(*here)[0]]) if step.changed[0] else -1
                return [*found, (space, page, since)]
            if not step.changed[0]:
                found.append((space, page, -1))
            space, page, time_ns = (int(one[0]) for one in step[:3])
        return found

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


def _rows(changes: Changes) -> list[Ints]:
    """Give the effects of changes on contents, an outgoing move before what hides it."""
    here = changes.taken(~changes.are(What.FORK_ADVICE))
    moves = here.are(What.MOVE)
    at = np.flatnonzero(moves)
    away = here.taken(at)
    shift = away.low - away.source
    shifts = np.zeros(len(here), np.int64)
    shifts[at] = shift
    kind = np.where(moves, _IN, _GONE)
    # One ns before the entry the page was still there, and not yet taken away by the call.
    then_ns = np.where(moves, here.source_ns - 1, 0)
    outgoing = (away.space, away.source, away.high - shift, away.source_ns,
                np.full(len(at), _OUT), shift, away.time_ns)  # fmt: skip
    rows = (here.space, here.low, here.high, here.time_ns, kind, shifts, then_ns)
    order = np.argsort(np.r_[at, np.arange(len(here))], kind="stable")
    return [np.concatenate(both)[order] for both in zip(outgoing, rows, strict=True)]
