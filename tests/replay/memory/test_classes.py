# SPDX-License-Identifier: Apache-2.0
"""The class of a fault by its page-table entries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.memory.classes import CLASS, FaultClass, classify, codes_of
from replay.memory.pte import ZeroPages
from tests.histories.memory import PSE, SAVED_DIRTY, SPECIAL
from tests.histories.memory import RW as WRITABLE
from tests.replay.memory.rows import READ, RO, RW, WRITE, entry, fault

ZERO = ZeroPages(7, 0x200)
HUGE = {"old_level": 2, "new_level": 2}
NEW_HUGE = {"old_level": 3, "new_level": 2}
SPLIT = {"old_level": 2, "new_level": 1}
ANON = RO | SAVED_DIRTY
F = FaultClass

CASES = [
    (F.FIRST_TOUCH, 0, entry(9, RW), WRITE, {}),
    (F.FIRST_TOUCH, 0, entry(9, RW), WRITE, {"old_level": 3}),
    (F.FIRST_TOUCH, 31 << 59, entry(9, RW), WRITE, {}),
    (F.ZERO_PAGE, 0, entry(7, RO | SPECIAL), READ, {}),
    (F.ZERO_COPY, entry(7, RO | SPECIAL), entry(9, RW), WRITE | 1, {}),
    (F.FILE_READ, 0, entry(9), READ, {}),
    (F.FILE_READ, 0, entry(9, RO | SPECIAL), READ, {}),
    (F.FILE_COW, entry(8), entry(9, RW), WRITE | 1, {}),
    (F.COPY, entry(8, ANON), entry(9, RW), WRITE | 1, {}),
    (F.COPY, entry(8, RO | 0x40), entry(9, RW), WRITE | 1, {}),
    (F.REUSE, entry(8, ANON), entry(8, RW), WRITE | 1, {}),
    (F.SPURIOUS, entry(8, RW), entry(8, RW), WRITE | 1, {}),
    (F.SPURIOUS, entry(8), entry(8), READ | 1, {}),
    (F.SPURIOUS, entry(8), entry(8, RO | 0x40), WRITE | 1, {}),
    (F.SWAP_IN, 1 << 59 | 0xFF000, entry(9, RW), WRITE, {}),
    (F.MIGRATION_WAIT, 26 << 59 | 0xFF000, entry(9, RW), WRITE, {}),
    (F.MIGRATION_WAIT, 26 << 59 | 0xFF000, 26 << 59 | 0xFF000, READ, {}),
    (F.NUMA_HINT, entry(8, 0x100), entry(8), READ, {}),
    (F.HUGE_FIRST_TOUCH, 0, entry(0x400, RW | PSE), WRITE, NEW_HUGE),
    (F.HUGE_FIRST_TOUCH, 0, entry(0x400, RW | PSE), READ, NEW_HUGE),
    (F.FILE_READ, 0, entry(0x400, RO | PSE), READ, NEW_HUGE),
    (F.HUGE_ZERO, 0, entry(0x200, RO | PSE), READ, NEW_HUGE),
    (F.HUGE_FIRST_TOUCH, entry(0x200, RO | PSE), entry(0x400, RW | PSE), WRITE | 1, HUGE),
    (F.HUGE_COPY, entry(0x600, ANON | PSE), entry(0x400, RW | PSE), WRITE | 1, HUGE),
    (F.HUGE_REUSE, entry(0x400, ANON | PSE), entry(0x400, RW | PSE), WRITE | 1, HUGE),
    (F.SPURIOUS, entry(0x400, RW | PSE), entry(0x400, RW | PSE), WRITE | 1, HUGE),
    (F.HUGE_SPLIT, entry(0x400, ANON | PSE), entry(0x900, RW), WRITE | 1, SPLIT),
    (F.REUSE, entry(0x400, ANON | PSE), entry(0x405, RW), WRITE | 1, SPLIT),
    (F.SPURIOUS, entry(0x400, ANON | PSE), entry(0x405, ANON), READ | 1, SPLIT),
    (F.ZERO_COPY, entry(0x200, RO | PSE), entry(0x900, RW), WRITE | 1, SPLIT),
    (F.UNKNOWN, entry(8, ANON), 0, WRITE | 1, {}),
    (F.UNKNOWN, 0, 0, WRITE, {"old_level": 3, "new_level": 3}),
    (F.UNKNOWN, entry(8), entry(9), READ | 1, {}),
    (F.INCOMPLETE, 0, 0, WRITE, {"flags": 0}),
    (F.INCOMPLETE, entry(8), 0, WRITE, {"flags": 1 | 8}),
]


@pytest.mark.parametrize(("kind", "old", "new", "error", "values"), CASES)
def test_class(kind: F, old: int, new: int, error: int, values: dict[str, int]) -> None:
    """Each class of fault is told by its entries before and after."""
    assert classify(fault(old, new, error, **values), ZERO)["class"].to_list() == [kind]


def test_zeros_are_found_without_their_frame_number() -> None:
    """A special read-only entry is the page of zeros where nobody says which frame it is."""
    touched = classify(fault(0, entry(9, RO | SPECIAL), READ))
    written = classify(fault(entry(9, RO | SPECIAL), entry(3, RW), WRITE | 1))
    assert touched["class"].to_list() == [F.ZERO_PAGE]
    assert written["class"].to_list() == [F.ZERO_COPY]


def test_the_column_is_an_enum_of_all_classes() -> None:
    """An empty table has it, too."""
    empty = classify(fault(0, 0).clear())
    assert empty.schema["class"] == CLASS
    assert codes_of(*FaultClass).tolist() == list(range(len(FaultClass)))


@given(*[st.integers(0, 2**64 - 1)] * 2, st.binary(min_size=4, max_size=4))
def test_any_row_has_a_class(old: int, new: int, rest: bytes) -> None:
    """Whatever a row holds, it gets one, and a completed fault is never incomplete."""
    old_level, new_level, error, flags = rest
    rows = fault(old, new, error, old_level=old_level, new_level=new_level, flags=flags)
    kind = classify(rows)["class"].to_list()[0]
    assert (kind == F.INCOMPLETE) == (not flags & 4)
    if kind == F.COPY:
        assert (old ^ new) & 0x000F_FFFF_FFFF_F000
        assert error & 2
    if kind == F.REUSE:
        assert new & WRITABLE
        assert not old & WRITABLE
