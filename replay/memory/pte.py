# SPDX-License-Identifier: Apache-2.0
"""What raw page-table entries of x86-64 say, for whole columns of them at once.

The bits are those of arch/x86/include/asm/pgtable_types.h, the layout of entries that are not
present that of arch/x86/include/asm/pgtable_64.h and include/linux/swap.h (6.18).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Mapping

U64: TypeAlias = NDArray[np.uint64]
U8: TypeAlias = NDArray[np.uint8]
Bools: TypeAlias = NDArray[np.bool_]

PRESENT: Final = np.uint64(1)
WRITABLE: Final = np.uint64(2)
HUGE: Final = np.uint64(0x80)
"""_PAGE_PSE: a leaf above the lowest level; at the lowest level the bit is _PAGE_PAT."""
PROT_NONE: Final = np.uint64(0x100)
"""_PAGE_PROTNONE: with PRESENT clear, the page is there and no access is permitted."""
SPECIAL: Final = np.uint64(0x200)
"""_PAGE_SPECIAL: no struct page is counted, as for the zero page."""
DIRTY: Final = np.uint64(0x40 | 1 << 58)
"""_PAGE_DIRTY, or _PAGE_SAVED_DIRTY to which pte_wrprotect() moves it (6.6 and later)."""
FRAME: Final = np.uint64(0x000F_FFFF_FFFF_F000)

PAGE_SHIFT: Final = 12
PAGE_BYTES: Final = 1 << PAGE_SHIFT
HUGE_PAGES: Final = 512
"""Pages of 4 KiB in an entry one level above the lowest."""

_SWAP_TYPE_SHIFT: Final = np.uint64(59)
_MARKER_TYPE: Final = np.uint64(31)
_SPECIAL_TYPES: Final = np.uint64(16)

NO_FRAME: Final = -1

NONE, MARKER, SWAP, MIGRATION, NO_ACCESS, LEAF = range(6)
"""States of an entry: empty; a marker, which maps nothing (SWP_PTE_MARKER: userfaultfd, guard);
swapped out; under migration (or another of the kernel's own swap types, of which the numbers
depend on its configuration and are 23 or above); present without access; mapping a page."""


@dataclass(frozen=True, slots=True)
class ZeroPages:
    """Frame numbers of the page of zeros and of the huge one; None where not known."""

    pfn: int | None = None
    huge_pfn: int | None = None

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> ZeroPages:
        """Read them from a trace's metadata, which may lack them or hold anything."""
        memory = metadata.get("memory")
        values = memory if isinstance(memory, dict) else {}
        return cls(_pfn(values.get("zero_pfn")), _pfn(values.get("huge_zero_pfn")))

    def are(self, frame: NDArray[np.int64]) -> Bools:
        """Tell which frames are of zeros, where the trace knows them."""
        zeros: Bools = np.zeros(len(frame), np.bool_)
        if self.pfn is not None:
            zeros |= frame == self.pfn
        if self.huge_pfn is not None:
            zeros |= (frame >= self.huge_pfn) & (frame < self.huge_pfn + HUGE_PAGES)
        return zeros

    def maps_zero(self, entry: U64, huge: Bools) -> Bools:
        """Tell which leaf entries map zeros.

        Where a frame number is not known the entry must be special and read-only, as
        do_anonymous_page() and set_huge_zero_folio() make it (mm/memory.c, mm/huge_memory.c).
        """
        special = (entry & (SPECIAL | WRITABLE)) == SPECIAL
        zero: Bools = np.where(
            huge, _is(entry, self.huge_pfn, special), _is(entry, self.pfn, special)
        )
        return zero


def _pfn(value: object) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value < 1 << 40 else None


def _is(entry: U64, pfn: int | None, otherwise: Bools) -> Bools:
    if pfn is None:
        return otherwise
    same: Bools = (entry & FRAME) == np.uint64(pfn << PAGE_SHIFT)
    return same


def states(entry: U64, level: U8) -> U8:
    """Give the state of each entry: NONE, MARKER, SWAP, MIGRATION, NO_ACCESS or LEAF."""
    state = np.zeros(len(entry), np.uint8)
    present = (entry & PRESENT) != 0
    state[present & ((level == 1) | ((entry & HUGE) != 0))] = LEAF
    away = np.flatnonzero(~present & (entry != 0))
    if away.size:
        state[away] = _states_away(entry[away])
    return state


def _states_away(entry: U64) -> U8:
    kind = entry >> _SWAP_TYPE_SHIFT
    state = np.where(kind >= _SPECIAL_TYPES, np.uint8(MIGRATION), np.uint8(SWAP))
    state[kind == _MARKER_TYPE] = MARKER
    state[(entry & PROT_NONE) != 0] = NO_ACCESS
    return state.astype(np.uint8)


def frames(entry: U64, level: U8, page: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the frame that each entry maps a small page to; NO_FRAME where it maps none."""
    frame = ((entry & FRAME) >> np.uint64(PAGE_SHIFT)).astype(np.int64)
    frame += np.where(level > 1, page % HUGE_PAGES, 0)
    return np.where(states(entry, level) == LEAF, frame, NO_FRAME)
