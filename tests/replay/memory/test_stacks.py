# SPDX-License-Identifier: Apache-2.0
"""replay.memory.stacks: folded stacks of faults."""

from __future__ import annotations

from replay.memory.cow import CowKey, cow_by
from tests.histories.memory import SAVED_DIRTY, MemoryHistory
from tests.replay.memory.elf import EXE_BIAS, LIBRARY_BIAS, program
from tests.replay.memory.rows import RO, RW, WRITE, entry

ANON = RO | SAVED_DIRTY
DATA = EXE_BIAS + 0x3F00
MAIN, OTHER, LIBRARY = EXE_BIAS + 0x1180, EXE_BIAS + 0x1080, LIBRARY_BIAS + 0x1180


def _stack(history: MemoryHistory, number: int, *ips: int) -> None:
    """Give the last fault a stack, innermost first."""
    fault = history.made.rows["fault"][-1]
    history.made.add("fault_stack", time_ns=fault["time_ns"], tid=fault["tid"], cpu=0, stack=number)
    known = {row["stack"] for row in history.made.rows.get("stack_frame", [])}
    for depth, ip in enumerate(() if number in known else ips):
        history.made.add("stack_frame", stack=number, depth=depth, ip=ip)


def _folded(history: MemoryHistory) -> dict[str | None, int]:
    rows = cow_by(history.memory(), CowKey.STACK).rows
    return dict(rows.select("stack", "copied").iter_rows())


def _written() -> MemoryHistory:
    history = program()
    history.fault("sh", DATA, 0, entry(0x50, RW), WRITE)
    history.tell("sh forks a")
    history.fault("a", DATA, entry(0x50, ANON), entry(0x60, RW), 7, ip=MAIN)
    return history


def test_from_the_outermost_to_the_innermost() -> None:
    """What has no symbol is named by its file, and what is nowhere is unknown."""
    history = _written()
    _stack(history, 5, MAIN, OTHER, LIBRARY, 0x10)
    assert _folded(history) == {"[unknown];main;[server];main": 1, None: 0}


def test_a_call_at_the_end_of_a_function_is_in_it() -> None:
    """It returns to where the next function begins."""
    history = _written()
    _stack(history, 5, OTHER, EXE_BIAS + 0x1200)
    assert _folded(history)["main;[server]"] == 1


def test_without_a_stack() -> None:
    """A negative number says why there is none."""
    history = _written()
    _stack(history, -14)
    assert _folded(history) == {None: 1}
