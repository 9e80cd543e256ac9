# SPDX-License-Identifier: Apache-2.0
"""Classes that need the mapping."""

from __future__ import annotations

import pytest

from replay.memory.classes import FaultClass
from tests.histories.memory import SAVED_DIRTY, MemoryHistory
from tests.replay.memory.elf import EXE_BIAS, LIBRARY_BIAS, STACK, program
from tests.replay.memory.rows import READ, RO, RW, WRITE, entry

F = FaultClass
SHARED = 0x10_0000


def _classes(history: MemoryHistory) -> list[str]:
    return history.memory().faults["class"].to_list()


@pytest.mark.parametrize(
    ("address", "old", "new", "error", "kind"),
    [
        (SHARED, 0, entry(9, RW), WRITE, F.SHARED_WRITE),
        (SHARED, entry(9), entry(9, RW), WRITE | 1, F.WRITE_NOTIFY),
        (SHARED, 0, entry(9), READ, F.FILE_READ),
        (LIBRARY_BIAS + 0x3F00, 0, entry(9, RW), WRITE, F.FILE_COW),
        (LIBRARY_BIAS + 0x3F00, entry(8), entry(9, RW), WRITE | 1, F.FILE_COW),
        (LIBRARY_BIAS + 0x6000, 0, entry(9, RW), WRITE, F.FIRST_TOUCH),
        (EXE_BIAS + 0xA000, 0, entry(9), READ, F.FIRST_TOUCH),
        (EXE_BIAS + 0xA000, entry(8), entry(9, RW), WRITE | 1, F.COPY),
        (EXE_BIAS + 0xA000, entry(8, RO | SAVED_DIRTY), entry(8, RW), WRITE | 1, F.REUSE),
        (0x7000, 0, entry(9, RW), WRITE, F.FIRST_TOUCH),
    ],
)
def test_by_mapping(address: int, old: int, new: int, error: int, kind: F) -> None:
    """Shared, of a file, or anonymous; what is not known stays as it was."""
    history = program()
    history.call("sh", 9, 0, 0x1000, 3, 0x21, result=SHARED)
    history.fault("sh", address, old, new, error)
    assert _classes(history) == [kind]


def test_the_stack_grows_below_what_exec_gave_it() -> None:
    """128 KiB are there from the beginning; below that each touch grows it, but the first only."""
    history = program()
    depths = [0x1000, 0x20000, 0x22000, 0x21000, 0x30000]
    for frame, depth in enumerate(depths):
        history.fault("sh", (STACK & ~0xFFF) - depth, 0, entry(0x50 + frame, RW), WRITE)
    assert _classes(history) == [
        F.FIRST_TOUCH, F.FIRST_TOUCH, F.STACK_GROWTH, F.FIRST_TOUCH, F.STACK_GROWTH
    ]  # fmt: skip


def test_a_childs_stack_is_as_deep_as_its_parents() -> None:
    """It grows from there."""
    history = program()
    for who, depth in (("sh", 0x40000), ("a", 0x30000), ("a", 0x50000)):
        if who not in history.threads:
            history.forks("sh", who)
        history.fault(who, (STACK & ~0xFFF) - depth, 0, entry(0x50 + depth, RW), WRITE)
    assert _classes(history) == [F.STACK_GROWTH, F.FIRST_TOUCH, F.STACK_GROWTH]
