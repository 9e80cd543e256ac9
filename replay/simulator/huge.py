# SPDX-License-Identifier: Apache-2.0
"""Touching pages of a region with huge pages. Functions are those of mm/huge_memory.c, 6.18.

Pages of a block that is or becomes mapped by one entry have one fault together. The others have
one each, and the first of them splits the entry where there was one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from replay.simulator.faults import Access, Faults, Found
from replay.simulator.frames import HUGE_PAGES, HUGE_ZERO, NONE, ZERO

if TYPE_CHECKING:
    from replay.memory.pte import Bools
    from replay.memory.ranges import Ints

_FRAME: Final = np.uint64(0x000F_FFFF_FFFF_F000)
_PSE: Final = np.uint64(0x80)


def touch_huge(access: Access, pages: Ints) -> Faults:
    """Touch pages that are not ready for it, each once."""
    mapping = access.mapping
    made, lone = _together(access, pages)
    first = np.zeros(len(pages), np.bool_)
    first[np.unique(pages // HUGE_PAGES, return_index=True)[1]] = True
    kept = first | ~(made | lone)
    pages, made, lone = pages[kept], made[kept], lone[kept]
    found = Found.by(access, pages)
    block = pages // HUGE_PAGES
    _make(access, block[made])
    _open(access, block[lone])
    broke, copied = lone.copy(), np.zeros(len(pages), np.bool_)
    rest = np.flatnonzero(~made & ~lone)
    if rest.size and access.write:
        mapping.split(np.unique(block[rest]))
        writes = mapping.write_private(access.frames, pages[rest], access.rule)
        broke[rest], copied[rest] = writes
    elif rest.size:
        mapping.frame[pages[rest]] = ZERO
    found = _after_split(found, block, rest)
    return Faults.of(access, pages, found, broke, copied)


def _together(access: Access, pages: Ints) -> tuple[Bools, Bools]:
    """Tell which pages get a huge page, and which have one that may be written whole."""
    mapping, block = access.mapping, pages // HUGE_PAGES
    used = np.zeros(len(mapping.huge), np.bool_)
    used[np.flatnonzero((mapping.frame != NONE) | mapping.absent) // HUGE_PAGES] = True
    made: Bools = mapping.is_advised_huge(block) & ~used[block]
    lone = np.zeros(len(pages), np.bool_)
    if access.write:
        head = mapping.frame[block * HUGE_PAGES]
        there = mapping.huge[block]
        zero = there & (head == HUGE_ZERO)
        lone = there & ~zero & access.rule.reuses_huge(mapping, access.frames, block)
        if access.rule.huge_zero_makes_huge:
            made = made | zero
    return made, lone


def _make(access: Access, block: Ints) -> None:
    """Map huge pages, of zeros for a read: do_huge_pmd_anonymous_page()."""
    blocks, mapping = np.unique(block), access.mapping
    if not blocks.size:
        return
    pages = (blocks[:, None] * HUGE_PAGES + np.arange(HUGE_PAGES)).ravel()
    mapping.huge[blocks] = True
    # The anon_vma is prepared before it is known that zeros are enough.
    mapping.made_private(pages)
    if access.write:
        mapping.frame[pages] = access.frames.make_huge(len(blocks))
        mapping.writable[pages] = True
    else:
        mapping.frame[pages] = HUGE_ZERO + pages % HUGE_PAGES


def _open(access: Access, block: Ints) -> None:
    """Let whole huge pages be written again: do_huge_pmd_wp_page()."""
    mapping = access.mapping
    for one in np.unique(block).tolist():
        part = slice(one * HUGE_PAGES, (one + 1) * HUGE_PAGES)
        access.frames.exclusive[mapping.frame[part]] = True
        mapping.writable[part] = True


def _after_split(found: Found, block: Ints, rest: Ints) -> Found:
    """Let all but the first fault of a block that was split find entries of their own."""
    again = np.zeros(len(block), np.bool_)
    again[rest] = True
    again[rest[np.unique(block[rest], return_index=True)[1]]] = False
    again &= found.level == 2
    if not again.any():
        return found
    frame = np.where(found.frame // HUGE_PAGES * HUGE_PAGES == HUGE_ZERO, ZERO, found.frame)
    small = (found.entry & ~(_PSE | _FRAME)) | (frame.astype(np.uint64) << np.uint64(12))
    return replace(
        found,
        entry=np.where(again, small, found.entry),
        level=np.where(again, 1, found.level).astype(np.uint8),
    )
