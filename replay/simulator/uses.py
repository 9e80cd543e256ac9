# SPDX-License-Identifier: Apache-2.0
"""Which address spaces are used by tasks in no order, so that what happens to their pages is open.

`sharing.py` tells exactly which writes may copy or reuse pages that forks shared. Here are the
other races: of tasks in one address space, for what the page cache has around a read, and for huge
pages. They make all figures of a region open, in the spaces that the memory came to by fork.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from replay.simulator.frames import HUGE_PAGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from replay.scenario.plan import PlanRegion
    from replay.simulator.order import Stamp

MOST_USES: Final = 64
"""Uses of a region by an actor that are looked at one by one."""
_AROUND: Final = 16
"""Pages that a read of a file may map together: do_fault_around() (mm/memory.c)."""


class UseKind(IntEnum):
    """What is done to pages."""

    READ = 0
    WRITE = 1
    FORK = 2
    CHANGE = 3
    """Map anew, most of madvise."""
    HIDE = 4
    """Map what was not there, unmap, or madvise of what forks leave out: somebody may find
    nothing there."""
    LEAVE = 5
    """The address space goes, after all that used it."""


_COMMUTE: Final = frozenset({(UseKind.READ, UseKind.READ), (UseKind.WRITE, UseKind.WRITE),
                             (UseKind.FORK, UseKind.FORK)})  # fmt: skip
"""Done in either order, the faults of both together are the same."""
_BETWEEN_READS: Final = frozenset({(UseKind.READ, UseKind.READ), (UseKind.READ, UseKind.WRITE)})
"""Of shared memory, what one address space brings into the page cache another one finds."""
_HUGE: Final = frozenset({(UseKind.WRITE, UseKind.WRITE), (UseKind.WRITE, UseKind.FORK),
                          (UseKind.WRITE, UseKind.CHANGE), (UseKind.WRITE, UseKind.HIDE),
                          (UseKind.WRITE, UseKind.LEAVE)})  # fmt: skip
"""Of huge pages, whether one is split or reused depends on who still has it."""


class Use(NamedTuple):
    """A use of pages [low, high) of a region."""

    kind: UseKind
    space: int
    region: int
    low: int
    high: int
    stamp: Stamp


class OpenFigures(NamedTuple):
    """A region of which all figures are open, in some address spaces."""

    region: int
    spaces: tuple[int, ...]
    may_fault: bool
    """Whether somebody may touch what is not mapped, and be ended by a signal."""


class UseLog:
    """All uses, and which address space was made from which."""

    def __init__(self) -> None:
        self._uses: defaultdict[int, list[Use]] = defaultdict(list)
        self._origin: dict[int, int] = {}
        self._family: defaultdict[int, set[int]] = defaultdict(set)

    def add(self, use: Use) -> None:
        """Note a use."""
        self._uses[use.region].append(use)

    def forked(self, parent: int, child: int) -> None:
        """Note that an address space was copied."""
        root = self._origin[child] = self._root(parent)
        self._family[root].add(child)

    def _root(self, space: int) -> int:
        return self._origin.get(space, space)

    def open_figures(
        self, regions: Sequence[PlanRegion], doubtful: Iterable[tuple[int, int]]
    ) -> Iterator[OpenFigures]:
        """Give the regions with races; `doubtful` are (region, space) where uses may be missing."""
        more = defaultdict[int, set[int]](set)
        for region, space in doubtful:
            more[region].add(self._root(space))
        for number in sorted({*self._uses, *more}):
            families = defaultdict[int, list[Use]](list)
            for use in self._uses[number]:
                families[self._root(use.space)].append(use)
            for root in sorted({*families, *more[number]}):
                kinds = _races(families[root], regions[number])
                if kinds or root in more[number]:
                    spaces = tuple(sorted(self._family[root] | {root}))
                    yield OpenFigures(number, spaces, UseKind.HIDE in kinds)


def _races(uses: Sequence[Use], region: PlanRegion) -> set[UseKind]:
    """Give the kinds of uses of one family that are in no order with others and do not commute."""
    actors = defaultdict[int, list[Use]](list)
    for use in uses:
        actors[use.stamp.actor].append(use)
    for actor, own in actors.items():
        actors[actor] = _merged(own) if len(own) > MOST_USES else own
    names = sorted(actors)
    return {
        kind
        for place, one in enumerate(names)
        for two in names[place + 1 :]
        for use, other in _unordered(actors[one], actors[two])
        if _conflict(use, other, region)
        for kind in (use.kind, other.kind)
    }


def _merged(uses: Sequence[Use]) -> list[Use]:
    """Put uses of the same kind together between which their actor learnt of no other.

    They reach from the first page of all to the last, and count as done when the last one is, so
    that rather too much is open than too little.
    """
    found: dict[tuple[UseKind, int, int], Use] = {}
    for use in uses:
        key = use.kind, use.space, id(use.stamp.seen)
        before = found.get(key, use)
        low, high = min(before.low, use.low), max(before.high, use.high)
        found[key] = use._replace(low=low, high=high)
    return sorted(found.values(), key=lambda use: use.stamp.count)


def _unordered(ones: Sequence[Use], others: Sequence[Use]) -> Iterator[tuple[Use, Use]]:
    """Give the pairs of two actors' uses, each list in its order, that may be in either order."""
    actor, counts = ones[0].stamp.actor, [use.stamp.count for use in ones]
    for other in others:
        stamp = other.stamp
        # What the other one had seen by then came before, and what has seen it comes after.
        first = bisect_right(counts, int(stamp.seen[actor]))
        last = bisect_left(ones, stamp.count, key=lambda use: int(use.stamp.seen[stamp.actor]))
        for use in ones[first:last]:
            yield use, other


def _conflict(use: Use, other: Use, region: PlanRegion) -> bool:
    kinds = min(use.kind, other.kind), max(use.kind, other.kind)
    if use.space == other.space:
        # Page tables of shared memory are not copied: vma_needs_copy() (mm/memory.c).
        alike = kinds[1] is UseKind.LEAVE or (region.shared and UseKind.FORK in kinds)
        matters = kinds not in _COMMUTE and not alike
    elif region.thp:
        matters = kinds in _HUGE
    else:
        matters = region.shared and not region.file and kinds in _BETWEEN_READS
    grain = HUGE_PAGES if region.thp else _AROUND
    apart = use.high <= other.low // grain * grain or other.high <= use.low // grain * grain
    return matters and not apart
