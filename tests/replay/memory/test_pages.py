# SPDX-License-Identifier: Apache-2.0
"""Faults page by page, and who had a page."""

from __future__ import annotations

import numpy as np

from replay.memory.classes import FaultClass
from replay.memory.ranges import NOT_FOUND, ints
from tests.histories.memory import PSE, SAVED_DIRTY, MemoryHistory, remember
from tests.replay.memory.rows import RW, WRITE, entry

LATE = 2**62


def _owner(history: MemoryHistory, space: int, page: int, time_ns: int = LATE) -> int:
    """Give the row of the fault that made a page what it is; NOT_FOUND where there is none."""
    events = history.memory().events
    found = events.owner(ints([space]), ints([page]), ints([time_ns]))
    return int(events.row[found[0]]) if found[0] >= 0 else NOT_FOUND


def test_events_are_sorted_by_address_space_page_and_time() -> None:
    """And each knows which fault it is."""
    history = remember("sh writes 9, sh forks a, a writes 5, a writes 9, sh writes 3, sh writes 9")
    events = history.memory().events
    at = np.arange(len(events.key))
    rows = list(zip(events.space(at).tolist(), events.page(at).tolist(), events.row.tolist(),
                    strict=True))  # fmt: skip
    assert rows == [(0, 3, 3), (0, 9, 0), (0, 9, 4), (1, 5, 1), (1, 9, 2)]
    assert events.opens(at).tolist() == [True, True, False, True, True]
    assert events.between(0, 3, 9).tolist() == [3]
    assert events.between(1, 0, 2**40).tolist() == [5, 9]


def test_owner_through_forks_moves_and_drops() -> None:
    """It is the latest fault of the page, wherever the page was then."""
    history = remember("sh writes 5, sh writes 6, sh forks a, a moves 5 20, a forks b, a drops 6")
    assert [_owner(history, space, 6) for space in (0, 1, 2)] == [1, NOT_FOUND, 1]
    assert [_owner(history, space, 20) for space in (0, 1, 2)] == [NOT_FOUND, 0, 0]
    assert [_owner(history, space, 5) for space in (0, 1, 2)] == [0, NOT_FOUND, NOT_FOUND]
    history.tell("b writes 20")
    assert [_owner(history, space, 20) for space in (1, 2)] == [0, 2]
    assert _owner(history, 0, 5, time_ns=1) == NOT_FOUND


def test_faults_of_a_child_do_not_change_its_parents_pages() -> None:
    """Nor do the parent's after the fork change the child's."""
    history = remember("sh writes 5, sh forks a, a writes 5, sh writes 5")
    assert [_owner(history, space, 5) for space in (0, 1)] == [2, 1]


def test_two_threads_at_once() -> None:
    """Of faults on one page at the same time that left the same page, the later one raced."""
    history = remember("sh threads_off t")
    history.took_ns = 5000
    for who in ("sh", "t"):
        history.fault(who, 0x5000, 0, entry(9, RW), WRITE)
    history.fault("t", 0x6000, 0, entry(10, RW), WRITE)
    history.fault("sh", 0x6000, 0, entry(11, RW), WRITE)
    memory = history.memory()
    assert memory.faults["class"].to_list() == [
        FaultClass.FIRST_TOUCH, FaultClass.RACED, FaultClass.FIRST_TOUCH, FaultClass.FIRST_TOUCH
    ]  # fmt: skip
    assert memory.events.raced.tolist() == [1]
    assert len(memory.events.row) == 3


def test_a_huge_page_is_512_small_ones() -> None:
    """Each has the fault as its own, and one of them counts for its time."""
    history = MemoryHistory()
    huge = {"old_level": 2, "new_level": 2}
    history.fault("sh", 0x40_3000, 0, entry(0x800, RW | PSE), WRITE, **huge)
    history.tell("sh forks a")
    split = entry(0x800, SAVED_DIRTY | 0x25 | PSE)
    history.fault("a", 0x40_5000, split, entry(9, RW), WRITE | 1, old_level=2)
    events = history.memory().events
    assert len(events.row) == 513
    assert events.page(np.flatnonzero(events.first)).tolist() == [0x403, 0x405]
    assert [_owner(history, 1, page) for page in (0x3FF, 0x400, 0x405, 0x5FF, 0x600)] == [
        NOT_FOUND, 0, 1, 0, NOT_FOUND
    ]  # fmt: skip


def test_pages_too_large_for_a_key_are_ranked() -> None:
    """Where numbers of address spaces and pages do not fit 63 bits together."""
    far = 2**52 - 1
    history = remember(f"sh writes {far}, sh writes 5")
    for number in range(2**10):
        history.tell(f"sh forks c{number}, c{number} exits, sh waits c{number}")
    history.tell(f"sh forks a, a writes {far}, sh writes {far}")
    events = history.memory().events
    space = ints([2**10 + 1] * 4)
    found = events.owner(space, ints([far, 5, 6, far - 1]), ints([LATE] * 4))
    assert events.row[found[:2]].tolist() == [2, 1]
    assert found[2:].tolist() == [NOT_FOUND] * 2
    assert events.page(found[:2]).tolist() == [far, 5]
    assert events.between(0, 5, 6).tolist() == [5]
    assert events.between(0, 6, far + 1).tolist() == [far]


def test_no_faults_at_all() -> None:
    """Nothing owns anything."""
    assert _owner(remember("sh forks a"), 1, 5) == NOT_FOUND
