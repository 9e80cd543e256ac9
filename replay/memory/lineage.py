# SPDX-License-Identifier: Apache-2.0
"""Which physical page each step of a page's story found and left, and who had it then."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from replay.memory import pte
from replay.memory.classes import FaultClass
from replay.memory.story import Happening

if TYPE_CHECKING:
    from replay.memory.history import PageHistories
    from replay.memory.story import Step

_F = FaultClass
_ZEROS: Final = (_F.ZERO_PAGE, _F.HUGE_ZERO)
_OF_FILES: Final = (_F.FILE_READ, _F.SHARED_WRITE, _F.WRITE_NOTIFY)


class Holds(StrEnum):
    """What a physical page is."""

    PRIVATE = "private"
    ZEROS = "zeros"
    """The kernel's one page of zeros."""
    FILE = "file"
    """A page of the page cache, or of shared memory."""


@dataclass(frozen=True, slots=True)
class Physical:
    """A physical page in one of its generations: a frame is used again for another page."""

    number: int
    """Place in the order in which the story comes to know of them, from 0."""
    frame: int
    """Page frame number; -1 of a page that was in swap as recording began."""
    holds: Holds
    older: bool = False
    """It was there before the first fault that was recorded of it."""


@dataclass(frozen=True, slots=True)
class Telling:
    """A step with the physical pages before and after it, None where there was none.

    Of SHARED, `after` is what the child got. `holders` are the address spaces that have `after`
    then; `left` those that still have `before` where it is another. `differs`: the fault found
    another page than the one known until then.
    """

    step: Step
    before: Physical | None
    after: Physical | None
    holders: tuple[int, ...]
    left: tuple[int, ...]
    row: dict[str, Any] | None = None
    """FAULT: the columns of its row."""
    differs: bool = False


@dataclass(frozen=True, slots=True)
class Lineage:
    """A story with its physical pages, and who has which of them when it is over."""

    tellings: list[Telling]
    pages: list[Physical]
    held: list[tuple[int, Physical]]
    """Address spaces, in order of their numbers, with what each has."""


def lineage_of(memory: PageHistories, steps: list[Step]) -> Lineage:
    """Follow the physical pages of a story."""
    follower = _Follower(memory)
    tellings = [follower.take(step) for step in steps]
    held = [(space, page) for (space, _), page in sorted(follower.has.items(), key=itemgetter(0))]
    return Lineage(tellings, follower.pages, held)


class _Follower:
    def __init__(self, memory: PageHistories) -> None:
        self._memory = memory
        self.has: dict[tuple[int, int], Physical] = {}
        """By address space and address: what mremap moves has another page beside it until then."""
        self._arriving: dict[tuple[int, int], Physical] = {}
        """What mremap put where another page is told to go only then: the call ends it."""
        self.pages: list[Physical] = []

    def take(self, step: Step) -> Telling:
        if step.happening is Happening.FAULT:
            return self._fault(step)
        if step.happening is Happening.PRESENT:
            return self._present(step)
        here = (step.space, step.address)
        before = after = self.has.get(here)
        if step.happening is Happening.SHARED:
            after = self._shared(step, before)
        elif step.happening in {Happening.DROPPED, Happening.ENDED}:
            self.has.pop(here, None)
            after = None
            if here in self._arriving:
                self.has[here] = self._arriving.pop(here)
        elif before is not None:
            there = (step.space, step.other)
            taken = there in self.has
            (self._arriving if taken else self.has)[there] = self.has.pop(here)
        return self._told(step, before, after)

    def _shared(self, step: Step, page: Physical | None) -> Physical | None:
        """Give a child its parent's page; None where it got none."""
        child, at = np.array([step.other]), np.array([step.address >> pte.PAGE_SHIFT])
        if page is None or self._memory.events.contents.hidden(child, at)[0]:
            return None
        self.has[step.other, step.address] = page
        return page

    def _present(self, step: Step) -> Telling:
        start, run = self._memory.start, np.array([step.other])
        frame = int(start.frame(run, np.array([step.address >> pte.PAGE_SHIFT]))[0])
        holds = Holds.ZEROS if start.zeros[step.other] else Holds.FILE
        if start.private[step.other]:
            holds = Holds.PRIVATE
        after = self._older(frame, holds) if frame >= 0 else self._new(frame, holds, older=True)
        self.has[step.space, step.address] = after
        return self._told(step, None, after)

    def _fault(self, step: Step) -> Telling:
        row = step.row(self._memory)
        kind = FaultClass(row["class"])
        found, left = (_frame(row, which, step.address) for which in ("old", "new"))
        known = before = self.has.get((step.space, step.address))
        if found < 0:
            before = known if kind is _F.SWAP_IN else None
        elif before is None or before.frame != found:
            before = self._older(found, _held_before(kind))
        after = before
        if left >= 0 and (before is None or before.frame != left):
            after = self._new(left, _held_after(kind))
        if after is not None:
            self.has[step.space, step.address] = after
        differs = known is not None and known.holds is Holds.PRIVATE and known != before
        return self._told(step, before, after, row, differs=differs)

    def _told(
        self,
        step: Step,
        before: Physical | None,
        after: Physical | None,
        row: dict[str, Any] | None = None,
        *,
        differs: bool = False,
    ) -> Telling:
        left = self._holders(before) if before != after else ()
        return Telling(step, before, after, self._holders(after), left, row, differs)

    def _holders(self, page: Physical | None) -> tuple[int, ...]:
        if page is None or page.holds is not Holds.PRIVATE:
            return ()
        return tuple(sorted({space for (space, _), held in self.has.items() if held == page}))

    def _older(self, frame: int, holds: Holds) -> Physical:
        """Give a page that a fault found and nobody is known to have put there."""
        for page in reversed(self.pages):
            if page.frame == frame:
                if page.older and page.holds is holds:
                    return page
                break
        return self._new(frame, holds, older=True)

    def _new(self, frame: int, holds: Holds, *, older: bool = False) -> Physical:
        page = Physical(len(self.pages), frame, holds, older)
        self.pages.append(page)
        return page


def _held_before(kind: FaultClass) -> Holds:
    if kind is _F.ZERO_COPY:
        return Holds.ZEROS
    return Holds.FILE if kind in {_F.FILE_COW, *_OF_FILES} else Holds.PRIVATE


def _held_after(kind: FaultClass) -> Holds:
    if kind in _ZEROS:
        return Holds.ZEROS
    return Holds.FILE if kind in _OF_FILES else Holds.PRIVATE


def _frame(row: dict[str, Any], which: str, address: int) -> int:
    """Give the frame that the page at an address had by an entry; -1 where it maps none."""
    entry = np.array([row[f"{which}_pte"]], np.uint64)
    level = np.array([row[f"{which}_level"]], np.uint8)
    if pte.states(entry, level)[0] != pte.LEAF:
        return -1
    within = (address >> pte.PAGE_SHIFT) % pte.HUGE_PAGES if int(level[0]) > 1 else 0
    return (int((entry & pte.FRAME)[0]) >> pte.PAGE_SHIFT) + within
