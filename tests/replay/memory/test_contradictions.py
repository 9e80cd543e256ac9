# SPDX-License-Identifier: Apache-2.0
"""Faults that do not fit what was known."""

from __future__ import annotations

from replay.memory.contradictions import KINDS, contradictions
from tests.histories.memory import (
    EXCLUSIVE,
    PAGE_READ,
    PSE,
    SAVED_DIRTY,
    MemoryHistory,
    remember,
)
from tests.replay.memory.rows import RO, RW, WRITE, entry

ANON = RO | SAVED_DIRTY


def _found(history: MemoryHistory) -> dict[str, int]:
    return {one.kind.name: one.count for one in contradictions(history.memory())}


def test_nothing_to_count() -> None:
    """All faults of a story fit."""
    assert _found(remember("sh writes 5, sh forks a, a writes 5, sh writes 5, sh reads 6")) == {}


def test_a_fault_of_nobody() -> None:
    """A tid that no task has."""
    history = remember("sh writes 5")
    history.made.add("fault", time_ns=history.tick(), tid=7)
    assert _found(history) == {"fault_of_nobody": 1}


def test_an_exec_that_was_lost() -> None:
    """The address space is another one than known."""
    history = remember("sh execs x, sh forks a")
    history.trace.drop("exec")
    assert _found(history) == {"mm_changed_unseen": 1}


def test_pages_without_a_first_touch() -> None:
    """Older than the recording, or made in a new image without a fault."""
    history = MemoryHistory()
    for story in ("sh forks a", "sh execs x, sh forks b"):
        history.tell(story)
        history.fault("sh", 0x5000, entry(8, ANON), entry(9, RW), WRITE | 1)
    assert _found(history) == {"page_older": 1, "page_unseen": 1}


def test_a_page_of_the_arguments_of_exec() -> None:
    """On the stack of a new image, where no fault had made it."""
    history = remember("sh execs x")
    stack = 0x7FFD_0000_1F00
    history.made.rows["exec"][-1].update(start_stack=stack, mmap_base=0x7FFC_0000_0000)
    history.tell("sh forks a")
    history.fault("a", stack + 0x1000, entry(8, ANON), entry(9, RW), WRITE | 1)
    assert _found(history) == {"argument_page": 1}


def test_a_page_that_is_gone() -> None:
    """Of an address space's own, or from its parent."""
    history = remember("sh writes 5, sh forks a")
    for who in ("sh", "a"):
        history.fault(who, 0x5000, 0, entry(9, RW), WRITE)
    assert _found(history) == {"page_gone": 1, "inherited_gone": 1}


def test_a_huge_page_that_is_gone() -> None:
    """Counts once for all its small pages."""
    history = MemoryHistory()
    for frame in (0x800, 0xA00):
        history.fault("sh", 0x40_3000, 0, entry(frame, RW | PSE), WRITE, old_level=2, new_level=2)
    assert _found(history) == {"page_gone": 1}


def test_a_page_in_another_frame() -> None:
    """Since the fault before, or since the fork."""
    history = remember("sh writes 5, sh forks a")
    for who in ("sh", "a"):
        history.fault(who, 0x5000, entry(0x77, ANON), entry(0x78, RW), WRITE | 1)
    assert _found(history) == {"frame_changed": 1, "inherited_frame_differs": 1}


def test_writes_that_no_fork_explains() -> None:
    """A copy is one, and a reuse unless the page was exclusive."""
    history = remember("sh writes 5, sh writes 6, sh writes 7")
    frame = {page: entry(0x1000 + page - 5, ANON) for page in (5, 6, 7)}
    history.fault("sh", 0x5000, frame[5], entry(9, RW), WRITE | 1)
    history.fault("sh", 0x6000, frame[6], frame[6] & ~SAVED_DIRTY | RW, WRITE | 1)
    history.fault("sh", 0x7000, frame[7], frame[7] & ~SAVED_DIRTY | RW, WRITE | 1,
                  flags=4 | PAGE_READ | EXCLUSIVE)  # fmt: skip
    assert _found(history) == {"copied_without_fork": 1, "reused_without_fork": 1}


def test_races() -> None:
    """Two threads at once."""
    history = remember("sh threads_off t")
    history.took_ns = 5000
    for who in ("sh", "t"):
        history.fault(who, 0x5000, 0, entry(9, RW), WRITE)
    assert _found(history) == {"raced": 1}


def test_every_counter_says_what_it_counts() -> None:
    """In a sentence, and under its own name."""
    assert all(kind.sentence.endswith(".") and kind.name == name for name, kind in KINDS.items())
