# SPDX-License-Identifier: Apache-2.0
"""What reading and writing pages does: which faults there are, and what each changes.

All pages of one operation are different, so that none of its faults changes what the next one
finds, and they are computed together. Functions are those of mm/memory.c, 6.18.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from replay.simulator.faults import Access, Faults, Found
from replay.simulator.frames import HUGE_PAGES, NONE, ZERO
from replay.simulator.huge import touch_huge

if TYPE_CHECKING:
    from replay.memory.ranges import Ints
    from replay.simulator.mapping import Mapping

FAULT_AROUND_PAGES: Final = 16
"""fault_around_bytes is 64 KiB: do_fault_around() maps what is there of an aligned block."""


def touch(access: Access, pages: Ints) -> Faults:
    """Touch pages in order; gives the faults, which are those of pages not ready for it."""
    mapping = access.mapping
    _, order = np.unique(pages, return_index=True)
    pages = pages[np.sort(order)]
    pages = pages[~mapping.writable[pages] if access.write else mapping.frame[pages] == NONE]
    if pages.size and (mapping.huge.any() or mapping.is_advised_huge(pages // HUGE_PAGES).any()):
        return touch_huge(access, pages)
    region = mapping.region
    cached = region.file or region.shared
    if cached and not access.write:
        pages = _faulting(access, pages)
    found = Found.by(access, pages)
    broke = copied = np.zeros(len(pages), np.bool_)
    if region.shared:
        _fill(access, pages)
        _map_cached(access, pages)
    elif access.write:
        broke, copied = access.mapping.write_private(access.frames, pages, access.rule)
    elif region.file:
        _map_cached(access, pages)
    else:
        mapping.frame[pages] = ZERO
    return Faults.of(access, pages, found, broke, copied)


def _faulting(access: Access, pages: Ints) -> Ints:
    """Leave out pages that the fault of another one maps: do_fault_around()."""
    if access.mapping.vma[-1]:
        return _faulting_in_parts(access, pages)
    _, first = np.unique(pages // FAULT_AROUND_PAGES, return_index=True)
    leads = access.backing[pages] == NONE
    leads[first] = True
    faulting: Ints = pages[leads]
    return faulting


def _faulting_in_parts(access: Access, pages: Ints) -> Ints:
    """Do the same where advice made several VMAs of it: what faults map around may overlap."""
    mapping, cached = access.mapping, access.backing != NONE
    mapped = mapping.frame != NONE
    found = []
    for page in pages.tolist():
        if not mapped[page]:
            found.append(page)
            around = _around(mapping, np.array([page]))
            mapped[around[cached[around]]] = True
            mapped[page] = cached[page] = True
    return np.array(found, np.int64)


def _around(mapping: Mapping, pages: Ints) -> Ints:
    """Give the pages around each: a block's length from where block and VMA have both begun."""
    edges = np.r_[0, np.flatnonzero(np.diff(mapping.vma)) + 1, mapping.region.pages]
    begin, end = edges[mapping.vma[pages]], edges[mapping.vma[pages] + 1]
    first = np.maximum(pages // FAULT_AROUND_PAGES * FAULT_AROUND_PAGES, begin)
    first, at = np.unique(first, return_index=True)
    around = first[:, None] + np.arange(FAULT_AROUND_PAGES)
    found: Ints = np.unique(around[around < end[at][:, None]])
    return found


def _fill(access: Access, pages: Ints) -> None:
    """Make the pages of shared memory that nobody touched before: shmem_fault()."""
    missing = pages[access.backing[pages] == NONE]
    access.backing[missing] = access.frames.make(len(missing), anonymous=False)


def _map_cached(access: Access, pages: Ints) -> None:
    """Map pages of a page cache; a read maps those around, too."""
    mapping, backing = access.mapping, access.backing
    if not access.write:
        around = _around(mapping, pages)
        there = (mapping.frame[around] == NONE) & (backing[around] != NONE)
        pages = around[there & ~mapping.absent[around]]
    fresh = pages[mapping.frame[pages] == NONE]
    access.frames.map(backing[fresh])
    mapping.frame[pages] = backing[pages]
    # vm_page_prot of a shared mapping in memory permits writes at once: no filesystem wants to be
    # told of them (vma_wants_writenotify(), mm/vma.c).
    mapping.writable[pages] = mapping.region.shared
