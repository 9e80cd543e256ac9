# SPDX-License-Identifier: Apache-2.0
"""Which fork each copy and each reuse of a page was due to.

A write that ends the sharing of a page counts for one fork only, so that sums over forks are
sums over writes: the first in the life of an address space that has the page from its parent
counts for the fork that made it, and any other for the latest fork of that address space, if
there was one since the page was last written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from replay.memory.classes import EXCLUSIVE, PAGE_READ, FaultClass, codes_of
from replay.memory.pages import BIRTHS, BREAKS, COPIES
from replay.memory.ranges import NOT_FOUND, PairRank

if TYPE_CHECKING:
    import polars as pl

    from replay.memory.pages import PageEvents
    from replay.memory.pte import Bools
    from replay.memory.ranges import Ints

CHUNK: Final = 1 << 16
"""Events that are looked at together: enough for speed, and few enough for little memory."""
_EXCLUSIVE: Final = PAGE_READ | EXCLUSIVE
"""No fork shared the page since it was written: folio_try_dup_anon_rmap_pte()
(include/linux/rmap.h) clears PG_anon_exclusive at fork."""
BY_CHILD: Final = 0
BY_PARENT: Final = 1


class Forks:
    """Every fork, named by the number of the address space it made."""

    def __init__(self, parents: Ints, begins: Ints) -> None:
        child = np.flatnonzero(parents >= 0)
        order = np.lexsort((begins[child], parents[child]))
        self.child = child[order].astype(np.int64)
        self.parent, self.time_ns = parents[self.child], begins[self.child]
        self._rank = PairRank(self.parent, self.time_ns)

    def latest(self, space: Ints, time_ns: Ints) -> Ints:
        """Give the place of the latest fork by each address space not after a time."""
        return self._rank.last_not_after(self._rank.keys, space, time_ns)

    def before(self, at: Ints) -> Ints:
        """Give the place of the fork before by the same address space."""
        return self.latest(self.parent[at], self.time_ns[at] - 1)

    def first_since(self, space: Ints, time_ns: Ints) -> Ints:
        """Give the place of the first fork by each address space at or after a time."""
        return self._rank.first_after(self._rank.keys, space, time_ns - 1)


class Breaks:
    """Events that end sharing, each with the fork it was due to.

    `event` are places in `PageEvents`, in its order; `copied` tells copies from reuses. `fork`
    is the number of the child's address space, or NOT_FOUND where no fork explains the event,
    and `by` is BY_CHILD or BY_PARENT. `unseen` are pages of which no earlier fault was recorded:
    they are older, or came otherwise.
    """

    def __init__(self, faults: pl.DataFrame, events: PageEvents, forks: Forks) -> None:
        self.event = np.flatnonzero(events.is_one_of(BREAKS)).astype(np.uint32)
        self.copied: Bools = events.is_one_of(COPIES)[self.event]
        count = len(self.event)
        self.fork, self.by = np.empty(count, np.int32), np.empty(count, np.int8)
        self.unseen = np.empty(count, np.bool_)
        flags = faults["flags"].to_numpy()
        for begin in range(0, count, CHUNK):
            part = slice(begin, begin + CHUNK)
            event = self.event[part].astype(np.int64)
            self.fork[part], self.by[part], self.unseen[part] = _due(events, forks, event)
            exclusive = ~self.copied[part] & (flags[events.row[event]] & _EXCLUSIVE == _EXCLUSIVE)
            self.fork[part][exclusive] = NOT_FOUND


def _due(events: PageEvents, forks: Forks, event: Ints) -> tuple[Ints, Ints, Bools]:
    """Give (fork, by, unseen) of events that end sharing."""
    space = events.space(event)
    own = np.where(events.opens(event), NOT_FOUND, event - 1)
    own[~events.private_after(own)] = NOT_FOUND
    rest = np.flatnonzero(own < 0)
    owner = events.owner(space[rest], events.page(event[rest]), events.done[event[rest]] - 1)
    owner[~events.private_after(owner)] = NOT_FOUND
    unseen = np.zeros(len(event), np.bool_)
    unseen[rest] = owner < 0
    # mremap gave the page another address since.
    moved = (owner >= 0) & (events.space(owner) == space[rest])
    own[rest[moved]] = owner[moved]
    inherited = (own < 0) & (events.contents.parents[space] >= 0)
    fork, by = space.copy(), np.where(inherited, BY_CHILD, BY_PARENT)
    parents = np.flatnonzero(~inherited)
    fork[parents] = _by_parent(events, forks, event[parents], own[parents])
    return fork, by, unseen


def _by_parent(events: PageEvents, forks: Forks, event: Ints, own: Ints) -> Ints:
    """Give the latest fork that shared a page since its event before, or NOT_FOUND."""
    space, page = events.space(event), events.page(event)
    at = forks.latest(space, events.done[event])
    if not len(forks.child):
        return at
    since = np.where(own < 0, -1, events.done[own])
    left = np.arange(len(at))
    while left.size:
        at[left[forks.time_ns[at[left]] <= since[left]]] = NOT_FOUND
        left = left[at[left] >= 0]
        left = left[events.contents.hidden(forks.child[at[left]], page[left])]
        at[left] = forks.before(at[left])
        left = left[at[left] >= 0]
    return np.where(at >= 0, forks.child[at], NOT_FOUND)


def births(events: PageEvents, breaks: Breaks) -> Ints:
    """Give the events after which a private page is there that was not known before."""
    swapped = np.flatnonzero(events.is_one_of(codes_of(FaultClass.SWAP_IN)))
    swapped = swapped[events.opens(swapped)]
    space, page = events.space(swapped), events.page(swapped)
    swapped = swapped[events.owner(space, page, events.done[swapped] - 1) < 0]
    made = np.flatnonzero(events.is_one_of(BIRTHS))
    return np.concatenate([made, breaks.event[breaks.unseen].astype(np.int64), swapped])
