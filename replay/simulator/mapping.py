# SPDX-License-Identifier: Apache-2.0
"""The page table of one region in one address space, in columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from replay.simulator.frames import HUGE_PAGES, HUGE_ZERO, NONE, ZERO, Frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from replay.memory.pte import U64, Bools
    from replay.memory.ranges import Ints
    from replay.scenario.plan import PlanRegion
    from replay.simulator.rule import CowRule

_PRESENT_USER: Final = 0x1 | 0x4 | 0x20
"""_PAGE_PRESENT, _PAGE_USER, _PAGE_ACCESSED."""
_RW, _DIRTY, _PSE, _SPECIAL, _SAVED_DIRTY = 0x2, 0x40, 0x80, 0x200, 1 << 58
DONTFORK, WIPEONFORK, HUGEPAGE = 1, 2, 4


@dataclass(eq=False)
class Mapping:
    """A mapped region: the frame of each page, and how it is mapped."""

    region: PlanRegion
    frame: Ints
    writable: Bools
    huge: Bools
    """For each 512 pages: mapped as one huge page."""
    advice: NDArray[np.uint8]
    """DONTFORK, WIPEONFORK and HUGEPAGE of each page; equal ones side by side are one VMA."""
    has_anon: Bools
    """vma->anon_vma of each page's VMA is there: a private page or a huge page of zeros was made in
    it, or in that of a parent before its fork."""
    absent: Bools
    """Pages that are not mapped at all: a parent's DONTFORK."""
    vma: Ints
    """The number of each page's VMA."""

    @classmethod
    def new(cls, region: PlanRegion) -> Mapping:
        """Map a region without any page."""
        pages = region.pages
        return cls(
            region,
            np.full(pages, NONE, np.int64),
            np.zeros(pages, np.bool_),
            np.zeros(-(-pages // HUGE_PAGES), np.bool_),
            np.full(pages, HUGEPAGE if region.thp else 0, np.uint8),
            np.zeros(pages, np.bool_),
            np.zeros(pages, np.bool_),
            np.zeros(pages, np.int64),
        )

    def advise(self, pages: Ints, *, put: int = 0, taken: int = 0) -> None:
        """Change advice, which splits VMAs and merges them: vma_modify_flags() (mm/vma.c)."""
        self.advice[pages] |= np.uint8(put)
        self.advice[pages] &= np.uint8(~taken & 0xFF)
        changes = np.flatnonzero(np.diff(self.advice) | np.diff(self.absent.view(np.uint8))) + 1
        # A VMA that ends inside a huge page splits it: vma_adjust_trans_huge() (6.18).
        self.split(changes[changes % HUGE_PAGES != 0] // HUGE_PAGES)
        self.vma[:] = 0
        self.vma[changes] = 1
        np.cumsum(self.vma, out=self.vma)
        self._spread_anon(np.unique(self.vma[self.has_anon]))

    def _spread_anon(self, vmas: Ints) -> None:
        with_anon = np.zeros(int(self.vma[-1]) + 1, np.bool_)
        with_anon[vmas] = True
        self.has_anon[:] = with_anon[self.vma]

    def made_private(self, pages: Ints) -> None:
        """Note that private pages were made: __anon_vma_prepare() (mm/rmap.c)."""
        if not self.has_anon[pages].all():
            self._spread_anon(np.unique(np.r_[self.vma[pages], self.vma[self.has_anon]]))

    def forked(self, frames: Frames) -> Mapping:
        """Share it with a child as copy_page_range() (mm/memory.c) does."""
        child = Mapping.new(self.region)
        # dup_mmap() (mm/mmap.c) gives a wiped VMA no anon_vma.
        child.has_anon[:] = self.has_anon & ((self.advice & WIPEONFORK) == 0)
        child.advice[:] = self.advice
        child.absent[:] = self.absent | ((self.advice & DONTFORK) != 0)
        child.vma[:] = self.vma
        if self.region.shared:
            return child
        # vma_needs_copy(): without private pages the child finds them by its own faults.
        given = (self.frame != NONE) & self.has_anon
        given &= (self.advice & (DONTFORK | WIPEONFORK)) == 0
        shared = self.frame[given]
        self.writable[given] = False
        child.frame[given] = shared
        if self.huge.any():
            kept = np.flatnonzero(self.huge)
            child.huge[kept] = given[kept * HUGE_PAGES]
        frames.map(shared)
        frames.exclusive[shared] = False
        return child

    def entries(self, pages: Ints, frames: Frames) -> U64:
        """Give the raw entries of pages as x86-64 keeps them; 0 where there is none."""
        frame, writable = self.frame[pages], self.writable[pages]
        anonymous = frames.anonymous[np.maximum(frame, 0)]
        entry = (frame << 12) | _PRESENT_USER
        entry |= np.where(writable, _RW | _DIRTY, np.where(anonymous, _SAVED_DIRTY, 0))
        entry |= np.where(frame == ZERO, _SPECIAL, 0)
        huge = self.is_huge(pages)
        if huge.any():
            head = (frame // HUGE_PAGES * HUGE_PAGES << 12) | (entry & 0xFFF) | _PSE
            head |= entry & _SAVED_DIRTY
            head |= np.where(frame // HUGE_PAGES * HUGE_PAGES == HUGE_ZERO, _SPECIAL, 0)
            entry = np.where(huge, head, entry)
        return np.where(frame == NONE, 0, entry).astype(np.uint64)

    def is_huge(self, pages: Ints) -> Bools:
        """Tell which pages are mapped by a huge entry."""
        huge: Bools = self.huge[pages // HUGE_PAGES]
        return huge

    def write_private(self, frames: Frames, pages: Ints, rule: CowRule) -> tuple[Bools, Bools]:
        """Write pages that are not writable: do_anonymous_page(), do_cow_fault(), do_wp_page().

        Gives which writes ended sharing, and which of these by a copy.
        """
        old = self.frame[pages]
        shared = (old >= 0) & (old != ZERO) & frames.anonymous[np.maximum(old, 0)]
        copied = np.zeros(len(pages), np.bool_)
        at = np.flatnonzero(shared)
        if at.size:
            copied[at] = rule.copies(self, frames, pages[at])
        fresh = copied | ~shared
        frames.unmap(old[fresh])
        self.frame[pages[fresh]] = frames.make(int(fresh.sum()), anonymous=True)
        frames.exclusive[self.frame[pages]] = True
        self.writable[pages] = True
        self.made_private(pages)
        return shared, copied

    def is_advised_huge(self, blocks: Ints) -> Bools:
        """Tell which blocks of 512 pages may get a huge page: they lie whole in one such VMA."""
        first = blocks * HUGE_PAGES
        last = first + HUGE_PAGES - 1
        inside = last < self.region.pages
        last = np.where(inside, last, first)
        advised = (self.advice[first] & HUGEPAGE) != 0
        whole: Bools = inside & advised & (self.vma[first] == self.vma[last])
        return whole

    def drop(self, pages: Ints, frames: Frames) -> Ints:
        """Take pages away; gives the frames that were mapped. A huge entry is split before."""
        there = self.frame[pages]
        gone: Ints = there[there != NONE]
        frames.unmap(gone)
        self.frame[pages] = NONE
        self.writable[pages] = False
        self.split(np.unique(pages // HUGE_PAGES))
        return gone

    def split(self, blocks: Ints) -> None:
        """Map the pages of huge entries by one entry each: __split_huge_pmd() (6.18).

        In place of the huge page of zeros comes the small one: __split_huge_zero_page_pmd().
        """
        for block in blocks[self.huge[blocks]].tolist():
            self.huge[block] = False
            part = slice(block * HUGE_PAGES, (block + 1) * HUGE_PAGES)
            frame = self.frame[part]
            frame[(frame >= HUGE_ZERO) & (frame < HUGE_ZERO + HUGE_PAGES)] = ZERO
