# SPDX-License-Identifier: Apache-2.0
"""What each page fault did, from the page-table entries before and after it.

`classify` uses nothing but the row; `refine.py` uses the mapping too. Kernel functions are those
of 6.18, in mm/memory.c unless another file is named.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from replay.memory import pte

if TYPE_CHECKING:
    from replay.memory.pte import U8, U64, Bools

COMPLETED: Final = 4
"""`flags` of a fault that the kernel accounted; new_pte is valid."""
PAGE_READ: Final = 8
EXCLUSIVE: Final = 16
"""`flags` of a fault whose old page was PG_anon_exclusive: no other address space mapped it."""
WRITE: Final = 2
"""`error_code` of a write access."""


class FaultClass(StrEnum):
    """What a fault did."""

    FIRST_TOUCH = "first_touch"
    """A new private page of zeros: do_anonymous_page(). Without its mapping, any write to a page
    that was not there."""
    STACK_GROWTH = "stack_growth"
    """A first touch below the stack: expand_stack() (mm/vma.c), then do_anonymous_page()."""
    ZERO_PAGE = "zero_page"
    """A read mapped the shared page of zeros: do_anonymous_page()."""
    ZERO_COPY = "zero_copy"
    """A write to a page that mapped zeros so far: wp_page_copy() of the zero page."""
    FILE_READ = "file_read"
    """A page of the page cache was mapped, perhaps with those around it: do_read_fault()."""
    SHARED_WRITE = "shared_write"
    """A page of a shared mapping, not there before, was written: do_shared_fault()."""
    FILE_COW = "file_cow"
    """A private mapping's page of a file became a private copy: do_cow_fault(), or where it was
    there for reading wp_page_copy()."""
    COPY = "copy"
    """A private page that another address space may map was copied: wp_page_copy()."""
    REUSE = "reuse"
    """The same page became writable: wp_page_reuse() by wp_can_reuse_anon_folio() or because it
    is PG_anon_exclusive. Without its mapping, also WRITE_NOTIFY."""
    WRITE_NOTIFY = "write_notify"
    """A page of a shared mapping became writable: wp_page_shared()."""
    SPURIOUS = "spurious"
    """Nothing changed: another CPU had done the work, or its TLB was stale (handle_pte_fault())."""
    RACED = "raced"
    """Another thread of the address space did the same work at the same time, and its page is
    the one that stayed."""
    SWAP_IN = "swap_in"
    """A page came back from swap: do_swap_page()."""
    MIGRATION_WAIT = "migration_wait"
    """Waited until the page had been moved: migration_entry_wait() (mm/migrate.c)."""
    NUMA_HINT = "numa_hint"
    """Access was withdrawn to learn who uses the page: do_numa_page()."""
    HUGE_FIRST_TOUCH = "huge_first_touch"
    """A new huge page of zeros: do_huge_pmd_anonymous_page() (mm/huge_memory.c)."""
    HUGE_ZERO = "huge_zero"
    """A read mapped the huge page of zeros: set_huge_zero_folio() (mm/huge_memory.c)."""
    HUGE_COPY = "huge_copy"
    """A whole huge page was copied: hugetlb_wp() (mm/hugetlb.c)."""
    HUGE_SPLIT = "huge_split"
    """A huge page was split and one small page of it copied: do_huge_pmd_wp_page()
    (mm/huge_memory.c), then wp_page_copy()."""
    HUGE_REUSE = "huge_reuse"
    """A whole huge page became writable: do_huge_pmd_wp_page() (mm/huge_memory.c)."""
    INCOMPLETE = "incomplete"
    """The kernel did not account it: a signal was sent, or it was given up and tried again."""
    UNKNOWN = "unknown"
    """None of these: the entry was changed by others meanwhile, or maps no ordinary page."""


CLASS: Final = pl.Enum([kind.value for kind in FaultClass])
"""dtype of a column of classes."""
CODES: Final = {kind: np.uint8(code) for code, kind in enumerate(FaultClass)}
"""Number of each class in arrays of codes."""


def codes_of(*kinds: FaultClass) -> U8:
    """Give the codes of several classes, for `np.isin`."""
    return np.array([CODES[kind] for kind in kinds], np.uint8)


def to_enum(codes: U8, name: str = "class") -> pl.Series:
    """Give a column of classes for an array of their codes."""
    return pl.Series(name, list(FaultClass), dtype=CLASS).gather(codes)


def classify(faults: pl.DataFrame, zero: pte.ZeroPages | None = None) -> pl.DataFrame:
    """Give the rows of table `fault` with a column `class`; see `FaultClass`."""
    codes = fault_codes(faults, zero or pte.ZeroPages())
    return faults.with_columns(to_enum(codes))


def fault_codes(faults: pl.DataFrame, zero: pte.ZeroPages) -> U8:
    """Give the code of each row's class."""
    names = ("old_pte", "new_pte", "old_level", "new_level", "error_code", "flags")
    old, new, old_level, new_level, error, flags = (faults[name].to_numpy() for name in names)
    was, now = pte.states(old, old_level), pte.states(new, new_level)
    write = (error & WRITE) != 0
    codes = np.full(len(old), CODES[FaultClass.UNKNOWN], np.uint8)
    _from_absent(codes, was, now == pte.LEAF, write)
    there = (was == pte.LEAF) & (now == pte.LEAF)
    _from_present(codes, there, old, new, write)
    if (old_level > 1).any() or (new_level > 1).any():
        _huge(codes, (was, now), (old, new), (old_level, new_level), write)
    _zeros(codes, (was, now), (old, new), (old_level > 1, new_level > 1), zero)
    codes[(flags & COMPLETED) == 0] = CODES[FaultClass.INCOMPLETE]
    return codes


def _set(codes: U8, where: Bools, kind: FaultClass) -> None:
    codes[where] = CODES[kind]


def _from_absent(codes: U8, was: U8, there: Bools, write: Bools) -> None:
    fresh = (was <= pte.MARKER) & there
    _set(codes, fresh, FaultClass.FILE_READ)
    _set(codes, fresh & write, FaultClass.FIRST_TOUCH)
    _set(codes, (was == pte.SWAP) & there, FaultClass.SWAP_IN)
    _set(codes, was == pte.MIGRATION, FaultClass.MIGRATION_WAIT)
    _set(codes, (was == pte.NO_ACCESS) & there, FaultClass.NUMA_HINT)


def _from_present(codes: U8, there: Bools, old: U64, new: U64, write: Bools) -> None:
    same = there & (((old ^ new) & pte.FRAME) == 0)
    read_only = (old & pte.WRITABLE) == 0
    opened = read_only & ((new & pte.WRITABLE) != 0)
    _set(codes, same, FaultClass.SPURIOUS)
    _set(codes, same & opened & write, FaultClass.REUSE)
    moved = there & ~same & read_only & write
    dirty = (old & pte.DIRTY) != 0
    # A private mapping's page of a file is never dirty in the page table; a private page was
    # written to make it one: pte_mkdirty() in do_anonymous_page(), wp_page_copy(), do_cow_fault().
    _set(codes, moved & dirty, FaultClass.COPY)
    _set(codes, moved & ~dirty, FaultClass.FILE_COW)


def _huge(
    codes: U8, state: tuple[U8, U8], entry: tuple[U64, U64], level: tuple[U8, U8], write: Bools
) -> None:
    """Set what faults did whose page was huge before, after, or both."""
    (was, now), (old, new) = state, entry
    old_huge = (was == pte.LEAF) & (level[0] > 1)
    new_huge = (now == pte.LEAF) & (level[1] > 1)
    fresh = (was <= pte.MARKER) & new_huge
    made = fresh & (write | ((new & pte.WRITABLE) != 0) & ((new & pte.DIRTY) != 0))
    _set(codes, made, FaultClass.HUGE_FIRST_TOUCH)
    both = old_huge & new_huge
    _set(codes, both & (codes == CODES[FaultClass.REUSE]), FaultClass.HUGE_REUSE)
    copied = np.isin(codes, codes_of(FaultClass.COPY, FaultClass.FILE_COW))
    _set(codes, both & copied, FaultClass.HUGE_COPY)
    split = old_huge & (now == pte.LEAF) & (level[1] == 1)
    old_frame, new_frame = ((one & pte.FRAME) >> np.uint64(pte.PAGE_SHIFT) for one in entry)
    within = split & (new_frame - old_frame < np.uint64(pte.HUGE_PAGES))
    opened = ((old & pte.WRITABLE) == 0) & ((new & pte.WRITABLE) != 0)
    _set(codes, within, FaultClass.SPURIOUS)
    _set(codes, within & opened & write, FaultClass.REUSE)
    _set(codes, split & ~within & write, FaultClass.HUGE_SPLIT)
    # A huge page took the place of a table of small ones, or the fault saw a table being made.
    _set(codes, (was == pte.LEAF) & ~old_huge & new_huge, FaultClass.UNKNOWN)


def _zeros(
    codes: U8,
    state: tuple[U8, U8],
    entry: tuple[U64, U64],
    huge: tuple[Bools, Bools],
    zero: pte.ZeroPages,
) -> None:
    """Set what faults did that began or ended with a page of zeros."""
    ends_zero = (state[1] == pte.LEAF) & zero.maps_zero(entry[1], huge[1])
    fresh = (state[0] <= pte.MARKER) & ends_zero
    _set(codes, fresh & ~huge[1], FaultClass.ZERO_PAGE)
    _set(codes, fresh & huge[1], FaultClass.HUGE_ZERO)
    began_zero = (state[0] == pte.LEAF) & zero.maps_zero(entry[0], huge[0]) & ~ends_zero
    copied = np.isin(codes, codes_of(FaultClass.COPY, FaultClass.FILE_COW, FaultClass.HUGE_SPLIT))
    _set(codes, began_zero & copied, FaultClass.ZERO_COPY)
    # do_huge_zero_wp_pmd() makes a huge page of zeros, and copies nothing.
    whole = codes == CODES[FaultClass.HUGE_COPY]
    _set(codes, began_zero & whole, FaultClass.HUGE_FIRST_TOUCH)
