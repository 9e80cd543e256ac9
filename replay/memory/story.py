# SPDX-License-Identifier: Apache-2.0
"""The story of a single page: its faults, moves and forks, in every address space that had it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from replay.memory.pte import PAGE_SHIFT
from replay.memory.ranges import NOT_FOUND
from replay.memory.walk import FOREVER, NOWHERE

if TYPE_CHECKING:
    from replay.memory.history import PageHistories

_BEFORE_ALL: Final = -1


class Happening(StrEnum):
    """What happened to the page."""

    FAULT = "fault"
    SHARED = "shared"
    """A fork gave it to a child."""
    DROPPED = "dropped"
    """munmap, madvise or a new mapping took it away."""
    MOVED = "moved"
    """mremap gave it another address."""
    ENDED = "ended"
    """Its address space ended by exec or exit."""


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
    """SHARED: the child's address space; MOVED: the new address."""

    def row(self, memory: PageHistories) -> dict[str, Any]:
        """Give the columns of the fault."""
        return memory.faults.row(self.fault, named=True)


def page_story(memory: PageHistories, space: int, address: int) -> list[Step]:
    """Tell the story of a page that an address space had at an address, in order of time.

    It begins where the page's line of forks begins, and follows every fork that shared it.
    """
    contents, page = memory.events.contents, address >> PAGE_SHIFT
    path = {space}
    while int(contents.parents[space]) != NOWHERE:
        space = int(contents.parents[space])
        path.add(space)
    steps: list[Step] = []
    waiting = [(space, page, _BEFORE_ALL)]
    while waiting:
        found = _in_space(memory, *waiting.pop(), path)
        steps += found
        waiting += [
            (step.other, step.address >> PAGE_SHIFT, step.time_ns)
            for step in found
            if step.happening is Happening.SHARED
        ]
    return sorted(steps, key=lambda step: (step.time_ns, step.space))


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
        if kept:
            page = moved
            step = Step(until_ns, Happening.MOVED, space, address, other=page << PAGE_SHIFT)
            steps.append(step)
        elif _owned(memory, space, page, until_ns - 1):
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
    return [
        Step(int(events.done[at]), Happening.FAULT, space, page << PAGE_SHIFT, int(events.row[at]))
        for at in range(low, high)
        if since_ns < events.done[at] <= until_ns
    ]


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
