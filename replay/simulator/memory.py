# SPDX-License-Identifier: Apache-2.0
"""The memory of all simulated processes: address spaces, regions, and what touches do."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from replay.scenario.plan import NOBODY
from replay.simulator.faults import Access, Faults
from replay.simulator.frames import NONE, Frames
from replay.simulator.mapping import DONTFORK, HUGEPAGE, WIPEONFORK, Mapping
from replay.simulator.sharing import SharingLog
from replay.simulator.touch import touch
from replay.simulator.uses import Use, UseKind, UseLog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from replay.memory.ranges import Ints
    from replay.scenario.plan import PlanRegion
    from replay.simulator.order import Stamp
    from replay.simulator.rule import CowRule

_FIRST_MM: Final = 0xFFFF_8881_0000_0000
_MM_BYTES: Final = 0x580
_DONTNEED, _DONTFORK, _DOFORK, _WIPEONFORK = 4, 10, 11, 18
_ADVICE: Final = {
    10: (DONTFORK, 0), 11: (0, DONTFORK), 14: (HUGEPAGE, 0), 15: (0, HUGEPAGE),
    18: (WIPEONFORK, 0), 19: (0, WIPEONFORK),
}  # fmt: skip
"""What each MADV_* puts on pages and takes from them."""


@dataclass(eq=False)
class Space:
    """An address space."""

    number: int
    mappings: dict[int, Mapping] = field(default_factory=dict)
    users: int = 1
    """Tasks."""

    @property
    def mm(self) -> int:
        """The address that it has as the kernel's mm_struct."""
        return _FIRST_MM + self.number * _MM_BYTES


class Memory:
    """Everything that is mapped."""

    def __init__(self, regions: Sequence[PlanRegion], rule: CowRule) -> None:
        self.frames = Frames()
        self.owners: list[int] = []
        """Of each address space the actor that its process began with."""
        self._regions = regions
        self._rule = rule
        # Of anonymous shared memory each mmap makes an object of its own, which forks share.
        self._backing: dict[Mapping, Ints] = {}
        self._files: dict[int, Ints] = {}
        self.sharing = SharingLog()
        self.uses = UseLog()

    def new_space(self) -> Space:
        """Make an address space without any region, which nobody owns yet."""
        self.owners.append(NOBODY)
        return Space(len(self.owners) - 1)

    def forked(self, space: Space, stamp: Stamp) -> Space:
        """Copy an address space: dup_mmap()."""
        child = self.new_space()
        self.uses.forked(space.number, child.number)
        for number in range(len(self._regions)):
            self._used(UseKind.FORK, space, number, stamp)
        for number, mapping in space.mappings.items():
            copy = child.mappings[number] = mapping.forked(self.frames)
            self._backing[copy] = self._backing[mapping]
            self.sharing.joined(number, space.number, child.number, stamp, copy.frame)
        return child

    def _used(
        self, kind: UseKind, space: Space, number: int, stamp: Stamp, pages: Ints | None = None
    ) -> None:
        low, high = 0, self._regions[number].pages
        if pages is not None and pages.size:
            low, high = int(pages.min()), int(pages.max()) + 1
        self.uses.add(Use(kind, space.number, number, low, high, stamp))

    def map(self, space: Space, number: int, stamp: Stamp) -> None:
        """Map a region anew."""
        there = number in space.mappings
        self.unmap(space, number, stamp, UseKind.CHANGE)
        self._used(UseKind.CHANGE if there else UseKind.HIDE, space, number, stamp)
        region = self._regions[number]
        mapping = space.mappings[number] = Mapping.new(region)
        self._backing[mapping] = self._new_backing(number, region)

    def _new_backing(self, number: int, region: PlanRegion) -> Ints:
        if not region.file:
            return np.full(region.pages if region.shared else 0, NONE, np.int64)
        if number not in self._files:
            self._files[number] = self.frames.make(region.pages, anonymous=False)
        return self._files[number]

    def unmap(self, space: Space, number: int, stamp: Stamp, kind: UseKind = UseKind.HIDE) -> None:
        """Take a region away."""
        mapping = space.mappings.pop(number, None)
        if mapping is not None:
            self._used(kind, space, number, stamp)
            gone = mapping.drop(np.arange(mapping.region.pages), self.frames)
            self.sharing.dropped(number, space.number, stamp, gone)
            del self._backing[mapping]

    def leave(self, space: Space, stamp: Stamp) -> None:
        """Let a task leave its address space, which goes with the last one: exit_mmap()."""
        space.users -= 1
        if not space.users:
            for number in list(space.mappings):
                self.unmap(space, number, stamp, UseKind.LEAVE)

    def advise(self, space: Space, number: int, advice: int, pages: Ints, stamp: Stamp) -> int:
        """Follow madvise; gives 0 or the errno. Pages that are not mapped are left out."""
        hides = advice in {_DONTFORK, _DOFORK}
        self._used(UseKind.HIDE if hides else UseKind.CHANGE, space, number, stamp, pages)
        mapping = space.mappings.get(number)
        if mapping is None:
            return errno.ENOMEM
        region = mapping.region
        if advice == _WIPEONFORK and (region.shared or region.file):
            return errno.EINVAL
        there = pages[~mapping.absent[pages]]
        if advice == _DONTNEED:
            gone = mapping.drop(there, self.frames)
            self.sharing.dropped(number, space.number, stamp, gone)
        else:
            put, taken = _ADVICE[advice]
            mapping.advise(there, put=put, taken=taken)
        return 0 if len(there) == len(pages) else errno.ENOMEM

    def reach(self, space: Space, number: int, pages: Ints) -> int:
        """Tell how many pages, in order, can be touched until there is one that is not mapped."""
        mapping = space.mappings.get(number)
        if mapping is None:
            return 0
        missing = np.flatnonzero(mapping.absent[pages])
        return int(missing[0]) if missing.size else len(pages)

    def touch(self, space: Space, number: int, pages: Ints, stamp: Stamp, *, write: bool) -> Faults:
        """Touch pages in order, all of which are mapped; gives the faults."""
        mapping = space.mappings[number]
        self._used(UseKind.WRITE if write else UseKind.READ, space, number, stamp, pages)
        access = Access(mapping, self._backing[mapping], self.frames, self._rule, write)
        faults = touch(access, pages)
        self.sharing.written(number, space.number, stamp, faults)
        return faults
