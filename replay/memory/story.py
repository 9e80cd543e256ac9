# SPDX-License-Identifier: Apache-2.0
"""The story of a single page: its faults, moves and forks, in every address space that had it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from replay.memory.candidates import Candidates
from replay.memory.page_map import MOST_PAGES
from replay.memory.pte import PAGE_SHIFT
from replay.memory.ranges import NOT_FOUND
from replay.memory.walk import FOREVER, NOWHERE

if TYPE_CHECKING:
    from replay.memory.contents import Contents
    from replay.memory.history import PageHistories
    from replay.process import ProcessId

_BEFORE_ALL: Final = -1


class Happening(StrEnum):
    """What happened to the page."""

    PRESENT = "present"
    """It was there already as recording began."""
    FAULT = "fault"
    SHARED = "shared"
    """A fork gave it to a child."""
    DROPPED = "dropped"
    """munmap, madvise or a new mapping took it away."""
    MOVED = "moved"
    """mremap gave it another address."""
    ENDED = "ended"
    """Its address space ended by exec or exit."""


_TELLING: Final = frozenset({Happening.PRESENT, Happening.FAULT})
"""Without one of these there is no page to tell of."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened to the page."""

    time_ns: int
    happening: Happening
    space: int
    address: int
    """Address of the page in that address space."""
    fault: int = NOT_FOUND
    """FAULT: its row in `PageHistories.faults`."""
    other: int = NOT_FOUND
    """SHARED: the child's address space; MOVED: the new address; PRESENT: the run that it is in,
    of `PageHistories.start`."""

    def row(self, memory: PageHistories) -> dict[str, Any]:
        """Give the columns of the fault."""
        return memory.faults.row(self.fault, named=True)


@dataclass(frozen=True, slots=True)
class PageStory:
    """The story of the page that an address space had at the address that was asked for."""

    space: int
    steps: list[Step]


def page_story(memory: PageHistories, space: int, address: int) -> list[Step]:
    """Tell the story of a page that an address space had at an address, in order of time.

    It begins where the page's line of forks and moves begins, and follows every fork that shared
    it. Whoever had the page as well as recording began belongs to it.
    """
    page = address >> PAGE_SHIFT
    waiting, path = _beginnings(memory.events.contents, space, page)
    asked = _descent(memory.events.contents, space)
    begun, steps = set(waiting), dict[Step, None]()
    while waiting:
        for step in _in_space(memory, *waiting.pop(), path):
            steps[step] = None
            here = step.address >> PAGE_SHIFT
            onward = []
            if step.happening is Happening.SHARED:
                onward = [(step.other, here, step.time_ns)]
            elif step.happening is Happening.MOVED and here == page and step.space in asked:
                # What takes its place there is asked for as well.
                onward = [(step.space, here, step.time_ns)]
            elif step.happening is Happening.PRESENT:
                onward = [(*holder, _BEFORE_ALL) for holder in _holders(memory, step)]
            waiting += [one for one in onward if one not in begun]
            begun.update(onward)
    return sorted(steps, key=_order)


def _order(step: Step) -> tuple[bool, int, int]:
    # It was looked at when faults were recorded already.
    return step.happening is not Happening.PRESENT, step.time_ns, step.space


def _holders(memory: PageHistories, step: Step) -> list[tuple[int, int]]:
    """Give (space, page) of all who had a private page as recording began."""
    run = np.array([step.other])
    frame = int(memory.start.frame(run, np.array([step.address >> PAGE_SHIFT]))[0])
    return memory.start.holders(frame) if memory.start.private[step.other] and frame >= 0 else []


def _descent(contents: Contents, space: int) -> set[int]:
    """Give an address space and all that it descends from."""
    found = {space}
    while int(contents.parents[space]) != NOWHERE:
        space = int(contents.parents[space])
        found.add(space)
    return found


def _beginnings(
    contents: Contents, space: int, page: int
) -> tuple[list[tuple[int, int, int]], set[int]]:
    """Give (space, page, since) of where pages began that an address space had at a page.

    The second is the address spaces through which it descends from the first, forks between which
    belong to the story even where they shared nothing: none where mremap put the page there.
    """
    path, moved, until_ns = [space], list[tuple[int, int, int]](), FOREVER
    while True:
        sources = contents.moved_in(space, page, until_ns)
        for source in sources:
            moved += contents.beginnings(space, *source)
        if int(contents.parents[space]) == NOWHERE:
            break
        until_ns, space = int(contents.begins[space]), int(contents.parents[space])
        path.append(space)
    if moved:
        return [(one, page, _BEFORE_ALL) for one in path] + moved, set()
    return [(space, page, _BEFORE_ALL)], set(path)


def stories_of(memory: PageHistories, process: ProcessId, address: int) -> list[PageStory]:
    """Tell the stories of the pages that a process had at an address, one program after another.

    A process that executes another program has another page there.
    """
    told = (PageStory(space, page_story(memory, space, address))
            for space in spaces_of(memory, process))  # fmt: skip
    return [story for story in told if any(step.happening in _TELLING for step in story.steps)]


def spaces_of(memory: PageHistories, process: ProcessId) -> list[int]:
    """Give the address spaces that a process used, in order of creation."""
    return [
        space.number
        for space in memory.spaces.spaces
        if any(use.process == process for use in space.users)
    ]


def nearest_pages(memory: PageHistories, process: ProcessId, address: int) -> list[int]:
    """Give the addresses of the pages with a story next below and next above an address."""
    candidates, page = Candidates(memory.events), address >> PAGE_SHIFT
    found = [candidates.within(space, 0, MOST_PAGES) for space in spaces_of(memory, process)]
    pages = np.unique(np.concatenate([*found, np.zeros(0, np.int64)]))
    at = int(np.searchsorted(pages, page))
    return [int(one) << PAGE_SHIFT for one in pages[max(at - 1, 0) : at + 1]]


def _in_space(
    memory: PageHistories, space: int, page: int, since_ns: int, path: set[int]
) -> list[Step]:
    """Tell what happened to a page in one address space, wherever mremap moved it."""
    contents = memory.events.contents
    end_ns = int(contents.ends[space])
    steps: list[Step] = []
    while True:
        until_ns, kept, moved, then_ns = contents.next_change(space, page, since_ns)
        steps += _faults(memory, space, page, since_ns, until_ns)
        steps += _forks(memory, space, page, (since_ns, until_ns), path)
        address = page << PAGE_SHIFT
        if until_ns >= end_ns:
            break
        owned = _owned(memory, space, page, until_ns - 1)
        if kept and owned:
            page = moved
            step = Step(until_ns, Happening.MOVED, space, address, other=page << PAGE_SHIFT)
            steps.append(step)
        elif kept:
            then_ns = until_ns
        elif owned:
            steps.append(Step(until_ns, Happening.DROPPED, space, address))
        since_ns = then_ns
    if end_ns < FOREVER and _owned(memory, space, page, end_ns):
        steps.append(Step(end_ns, Happening.ENDED, space, page << PAGE_SHIFT))
    return steps


def _faults(
    memory: PageHistories, space: int, page: int, since_ns: int, until_ns: int
) -> list[Step]:
    events = memory.events
    key = events.keys(np.array([space]), np.array([page]))
    low, high = (int(np.searchsorted(events.key, key, side=side)[0]) for side in ("left", "right"))
    since = events.done[low:high]
    found = low + np.flatnonzero((since_ns < since) & (since <= until_ns))
    address, steps = page << PAGE_SHIFT, list[Step]()
    for at, began in zip(found.tolist(), events.at_start(found).tolist(), strict=True):
        if began:
            run = int(events.run(np.array([at]))[0])
            time_ns = int(memory.start.time_ns[run])
            steps.append(Step(time_ns, Happening.PRESENT, space, address, other=run))
        else:
            row, done = int(events.row[at]), int(events.done[at])
            steps.append(Step(done, Happening.FAULT, space, address, row))
    return steps


def _forks(
    memory: PageHistories, space: int, page: int, span: tuple[int, int], path: set[int]
) -> list[Step]:
    """Give the forks in a span of time that shared the page, or lead to who asked."""
    forks, contents = memory.forks, memory.events.contents
    since_ns, until_ns = span
    of_space = np.flatnonzero(forks.parent == space)
    steps = []
    for child, time_ns in zip(
        forks.child[of_space].tolist(), forks.time_ns[of_space].tolist(), strict=True
    ):
        if not since_ns < time_ns <= until_ns:
            continue
        hidden = contents.hidden(np.array([child]), np.array([page]))[0]
        if child in path or (not hidden and _owned(memory, space, page, time_ns)):
            steps.append(Step(time_ns, Happening.SHARED, space, page << PAGE_SHIFT, other=child))
    return steps


def _owned(memory: PageHistories, space: int, page: int, time_ns: int) -> bool:
    """Tell whether an address space had the page as a private one."""
    query = (np.array([value], np.int64) for value in (space, page, time_ns))
    owner = memory.events.owner(*query)
    return bool(memory.events.private_after(owner)[0])
