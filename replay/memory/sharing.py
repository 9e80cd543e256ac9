# SPDX-License-Identifier: Apache-2.0
"""How many private pages each fork shared, from when pages came and went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from replay.memory.breaks import births
from replay.memory.candidates import Candidates
from replay.memory.classes import FaultClass, codes_of
from replay.memory.pages import BREAKS
from replay.memory.ranges import ints

if TYPE_CHECKING:
    from replay.memory.breaks import Breaks, Forks
    from replay.memory.pages import PageEvents
    from replay.memory.ranges import Ints


EVERYWHERE: Final = (0, 1 << 52)
"""All pages that an address space may have."""
_KEEPING = np.concatenate([BREAKS, codes_of(FaultClass.SWAP_IN)])
"""Classes of faults that find a private page."""


def shared_pages(
    events: PageEvents, breaks: Breaks, forks: Forks, within: tuple[int, int] = EVERYWHERE
) -> Ints:
    """Give for each fork how many private pages known here the child got from its parent.

    `within` are the pages that count: [low, high), addresses over 4096.
    """
    if not len(forks.child):
        return np.zeros(0, np.int64)
    dropped, hidden = _dropped(events, forks, within)
    own = _running(_own_pages(events, breaks, forks, within) - dropped, forks.parent)
    shared: dict[int, int] = {}
    for at in np.argsort(forks.time_ns, kind="stable").tolist():
        child, inherited = int(forks.child[at]), shared.get(int(forks.parent[at]), 0)
        shared[child] = inherited + int(own[at]) - hidden.get(child, 0)
    return ints(shared[child] for child in forks.child.tolist())


def _running(change: Ints, parent: Ints) -> Ints:
    """Give the running sum of changes over the forks of each parent."""
    whole: Ints = np.cumsum(change)
    first = np.r_[True, parent[1:] != parent[:-1]]
    before: Ints = np.r_[0, whole[:-1]][first]
    running: Ints = whole - before[np.cumsum(first) - 1]
    return running


def _own_pages(events: PageEvents, breaks: Breaks, forks: Forks, within: tuple[int, int]) -> Ints:
    """Give how many pages came and went in the parent itself since its fork before."""
    change = np.zeros(len(forks.child), np.int64)
    event = births(events, breaks)
    page = events.page(event)
    event = event[(page >= within[0]) & (page < within[1])]
    space, done = events.space(event), events.done[event]
    came = forks.first_since(space, done)
    lived = came >= 0
    event, space, done, came = event[lived], space[lived], done[lived], came[lived]
    if event.size:
        ended = events.contents.end_of(space, events.page(event), done)
        _end_replaced(events, event, ended)
        went = forks.first_since(space, ended)
        np.add.at(change, came, 1)
        np.subtract.at(change, went[went >= 0], 1)
    return change


def _end_replaced(events: PageEvents, event: Ints, ended: Ints) -> None:
    """End a page's life where a later fault shows that it had gone, though nothing tells how."""
    fresh = np.flatnonzero(~events.is_one_of(_KEEPING))
    place = np.searchsorted(fresh, event, side="right")
    again = np.flatnonzero(place < len(fresh))
    following = fresh[place[again]]
    same = events.key[following] == events.key[event[again]]
    again, event, following = again[same], event[again[same]], following[same]
    # Where mremap had taken the page away by then, the fault was of another one.
    unmoved = ~events.contents.changed_between(
        events.space(event), events.page(event), events.done[event], events.done[following]
    )
    again, following = again[unmoved], following[unmoved]
    ended[again] = np.minimum(ended[again], events.done[following])


def _dropped(
    events: PageEvents, forks: Forks, within: tuple[int, int]
) -> tuple[Ints, dict[int, int]]:
    """Count inherited pages that went away, and those that a child did not even get.

    Gives for each fork how many the parent dropped since its fork before, and for each child how
    many madvise kept from it.
    """
    dropped, hidden = np.zeros(len(forks.child), np.int64), dict[int, int]()
    contents = events.contents
    if not len(contents.time_ns):
        return dropped, hidden
    candidates = Candidates(events)
    space, low, high, time_ns = contents.first_changes(contents.parents >= 0)
    unborn = time_ns <= contents.begins[space]
    wanted = unborn | (forks.first_since(space, time_ns) >= 0)
    low, high = np.maximum(low, within[0]), np.minimum(high, within[1])
    wanted &= low < high
    for one in np.flatnonzero(wanted).tolist():
        child = int(space[one])
        page = inherited(events, candidates, child, int(low[one]), int(high[one]))
        if unborn[one]:
            hidden[child] = hidden.get(child, 0) + len(page)
        elif page.size:
            here = np.full(len(page), child, np.int64)
            went = forks.first_since(here, contents.end_of(here, page, contents.begins[here]))
            np.add.at(dropped, went[went >= 0], 1)
    return dropped, hidden


def inherited(events: PageEvents, candidates: Candidates, space: int, low: int, high: int) -> Ints:
    """Give the private pages in [low, high) that a parent had as it made an address space.

    madvise may have kept some of them from the child.
    """
    contents = events.contents
    origin = int(contents.parents[space])
    page = candidates.within(origin, low, high)
    begin = np.full(len(page), contents.begins[space], np.int64)
    owner = events.owner(np.full(len(page), origin, np.int64), page, begin)
    there = owner >= 0
    there[there] = events.private_after(owner[there])
    return page[there]
