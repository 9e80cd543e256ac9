# SPDX-License-Identifier: Apache-2.0
"""What became of each page that a fork shared."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from replay.memory.breaks import BY_CHILD
from replay.memory.candidates import Candidates
from replay.memory.layout import MappingKind
from replay.memory.page_map import MOST_PAGES
from replay.memory.pages import BIRTHS
from replay.memory.pte import PAGE_BYTES
from replay.memory.sharing import inherited
from replay.memory.walk import FOREVER

if TYPE_CHECKING:
    from replay.memory.history import PageHistories
    from replay.memory.pages import PageEvents
    from replay.memory.pte import Bools
    from replay.memory.ranges import Ints


class PageState(StrEnum):
    """What became of a page that a fork shared; the first that holds of these, in this order."""

    COPIED_BY_BOTH = "copied by both"
    """Each of them copied it: another process had it, too."""
    COPIED_BY_CHILD = "copied by child"
    COPIED_BY_PARENT = "copied by parent"
    REUSED = "reused"
    """Written while both were there, and nobody had to copy it: the other one had given it up."""
    UNKNOWN = "unknown"
    """It was gone when it was next touched, and nothing tells how."""
    UNBROKEN = "died unbroken"
    """Child or parent ended, or gave the page up, before either wrote to it."""
    SHARED = "still shared"
    """Neither wrote to it, and both had it as recording ended."""


STATE: Final = pl.Enum([state.value for state in PageState])
"""dtype of a column of states."""


def fork_pages(memory: PageHistories, child: int) -> pl.DataFrame:
    """Give a row for each private page that the fork shared which made an address space.

    In order of address: `address`; `state` (see `PageState`); `seen`: whether a fault of it was
    recorded before the fork (else a write to it shows that it was there); `kind`, `path`,
    `mapping` as in `Mappings.describe`, of the parent at the fork; a heap is one mapping.
    """
    states = _States(memory, child)
    address = pl.Series("address", states.page.astype(np.uint64) * PAGE_BYTES)
    space = np.full(len(states.page), states.parent, np.int64)
    found = memory.mappings.find(space, address, np.full(len(states.page), states.begin_ns))
    place = memory.mappings.describe(found, address).select("kind", "path", "mapping")
    heap = pl.col("kind") == MappingKind.HEAP
    lowest = pl.col("mapping").filter(heap).min()
    return pl.DataFrame({"address": address, "state": states.column(), "seen": states.seen}).hstack(
        place.with_columns(pl.when(heap).then(lowest).otherwise("mapping").alias("mapping"))
    )


class _States:
    """The pages of one fork, with everything that was done to them."""

    def __init__(self, memory: PageHistories, child: int) -> None:
        self._memory, self._child = memory, child
        self._events, contents = memory.events, memory.events.contents
        self.parent, self.begin_ns = int(contents.parents[child]), int(contents.begins[child])
        candidates = Candidates(self._events)
        before = inherited(self._events, candidates, child, 0, MOST_PAGES)
        hidden = contents.hidden(np.full(len(before), child), before)
        before = before[~hidden]
        at = np.flatnonzero(memory.breaks.fork == child)
        wrote = self._page_at_fork(memory.breaks.event[at].astype(np.int64))
        by_child = memory.breaks.by[at] == BY_CHILD
        copied = memory.breaks.copied[at]
        in_time = self._events.done[memory.breaks.event[at]] <= contents.ends[child]
        self.page = np.union1d(before, wrote[in_time | copied])
        self.seen = np.isin(self.page, before)
        self._child_copied = self._has(wrote[by_child & copied])
        self._parent_copied = self._has(wrote[~by_child & copied])
        self._reused = self._has(wrote[~copied & in_time])

    def _has(self, pages: Ints) -> Bools:
        has: Bools = np.isin(self.page, pages)
        return has

    def _page_at_fork(self, event: Ints) -> Ints:
        """Give where the pages of events were at the fork, before mremap moved them."""
        events, contents = self._events, self._events.contents
        space, page, time_ns = events.space(event), events.page(event), events.done[event]
        since = np.full(len(event), self.begin_ns)
        left = np.arange(len(event))
        while left.size:
            step = contents.came_from(space[left], page[left], time_ns[left], since[left])
            left = left[step.onward]
            page[left], time_ns[left] = step.page[step.onward], step.time_ns[step.onward]
        return page

    def _over(self) -> tuple[Bools, Bools]:
        """Tell which pages were given up by child or parent, and of which nothing tells how."""
        contents, begin = self._events.contents, np.full(len(self.page), self.begin_ns)
        over, gone = np.zeros(len(self.page), np.bool_), np.zeros(len(self.page), np.bool_)
        for space in (self._child, self.parent):
            here = np.full(len(self.page), space)
            end_ns = contents.end_of(here, self.page, begin.copy())
            over |= end_ns < FOREVER
            following = _next_event(self._events, here, self.page, begin)
            fresh = following >= 0
            done = self._events.done[following[fresh]]
            taken = contents.changed_between(here[fresh], self.page[fresh], begin[fresh], done)
            in_time = done < contents.ends[self._child]
            fresh[fresh] = self._events.is_one_of(BIRTHS)[following[fresh]] & ~taken & in_time
            gone |= fresh
        return over, gone

    def column(self) -> pl.Series:
        """Give the state of each page."""
        over, gone = self._over()
        held = {
            PageState.COPIED_BY_BOTH: self._child_copied & self._parent_copied,
            PageState.COPIED_BY_CHILD: self._child_copied,
            PageState.COPIED_BY_PARENT: self._parent_copied,
            PageState.REUSED: self._reused,
            PageState.UNKNOWN: gone,
            PageState.UNBROKEN: over,
        }
        numbers = {state: number for number, state in enumerate(PageState)}
        code = np.select(
            list(held.values()), [numbers[state] for state in held], numbers[PageState.SHARED]
        )
        return pl.Series("state", list(PageState), dtype=STATE).gather(code)


def _next_event(events: PageEvents, space: Ints, page: Ints, time_ns: Ints) -> Ints:
    """Give the first event of each page after a time; NOT_FOUND where it has none."""
    after = events.last(space, page, time_ns)
    first = events.first_of(space, page)
    place = np.where(after >= 0, after + 1, first)
    inside = place < len(events.key)
    place = np.where(inside, place, 0)
    if not len(events.key):
        return np.full(len(page), -1)
    same = inside & (events.key[place] == events.keys(space, page))
    return np.where(same, place, -1)
