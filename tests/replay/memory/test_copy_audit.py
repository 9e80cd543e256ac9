# SPDX-License-Identifier: Apache-2.0
"""Copies as faults showed them, against the kernel's count."""

from __future__ import annotations

from replay.memory.copy_audit import CopyAudit, CopyCause
from replay.memory.fault_audit import FaultAudit
from tests.histories.memory import SAVED_DIRTY, MemoryHistory, remember
from tests.replay.memory.rows import RO, RW, WRITE, entry

STORY = "sh writes 1, sh writes 2, sh forks a, a writes 1, a reads 3, a writes 3, a writes 9"
"""The child copies a page, then a page of zeros, and touches a new one."""


def audited(history: MemoryHistory, unseen_faults: int = 0) -> CopyAudit | None:
    """Give the audit, where the kernel counted so many faults that raised no event."""
    memory = history.memory()
    for row in history.made.rows.get("exit", []):
        own = [one for one in history.made.of("fault", tid=row["tid"]) if one["flags"] & 4]
        row.update(min_flt=len(own) + unseen_faults)
    return CopyAudit.of(history.trace, memory, FaultAudit.of(history.trace, memory))


def compared(history: MemoryHistory, unseen_faults: int = 0) -> CopyAudit:
    """Give the audit; the kernel was asked."""
    found = audited(history, unseen_faults)
    assert found is not None
    return found


def count(history: MemoryHistory, who: str, copies: int, after_ns: int = 0) -> None:
    """Write down what the kernel counted of a task, taken so long after its end."""
    [row] = history.made.of("exit", tid=history.threads[who].tid)
    history.made.add("taskstats", time_ns=row["time_ns"] + after_ns, tid=row["tid"],
                     tgid=row["tgid"], wpcopy_count=copies)  # fmt: skip


def test_without_the_kernels_counts() -> None:
    """There is nothing to compare with."""
    assert audited(remember(STORY + ", a exits")) is None


def test_both_agree() -> None:
    """Pages of zeros are copied, new pages are not."""
    history = remember(STORY + ", a exits")
    count(history, "a", 2, after_ns=1000)
    found = compared(history)
    assert (found.recorded, found.expected, found.tasks, found.exact) == (2, 2, 1, 1)
    assert (found.causes, found.beyond, found.explained) == ({}, 0, True)


def test_copies_in_faults_that_raised_no_event() -> None:
    """As many as there were such faults, and no more."""
    history = remember(STORY + ", a exits")
    count(history, "a", 5)
    found = compared(history, unseen_faults=2)
    assert found.causes == {CopyCause.UNSEEN_FAULTS: 2, CopyCause.UNEXPLAINED: 1}
    assert not found.explained


def test_copies_thrown_away() -> None:
    """A write that found its page already opened by another may have copied it in vain."""
    history = remember(STORY + ", a writes 2")
    page = entry(0x77, RO | SAVED_DIRTY)
    history.fault("a", 0x2000, page, page, WRITE | 1)
    history.tell("a exits")
    count(history, "a", 4)
    assert compared(history).causes == {CopyCause.RACED: 1}


def test_pages_of_files() -> None:
    """Copied where they were there for reading; do_cow_fault() is not counted."""
    history = remember("sh forks a, a execs x")
    history.made.rows["exec"][-1].update(start_data=0x6000, end_data=0x7000)
    history.fault("a", 0x6000, entry(8, RO), entry(9, RW), WRITE | 1)
    history.fault("a", 0x6800, 0, entry(10, RW), WRITE)
    assert set(history.memory().faults["class"]) == {"file_cow"}
    history.tell("a exits")
    count(history, "a", 1)
    assert compared(history).exact == 1


def test_more_seen_than_counted() -> None:
    """A contradiction, of a task that was alone in its address space."""
    history = remember(STORY + ", a exits")
    count(history, "a", 0)
    found = compared(history)
    assert (found.beyond, found.explained) == (2, False)


def test_more_seen_than_counted_of_a_thread() -> None:
    """Another thread may have changed the entry meanwhile: no contradiction."""
    history = remember(STORY + ", a threads_off t, t exits, a exits")
    count(history, "a", 0)
    found = compared(history)
    assert (found.beyond, found.explained) == (0, False)


def test_a_task_from_before_the_count_was_kept() -> None:
    """Has none, and is left out; one that was counted had copied before."""
    history = remember("sh forks a, sh writes 1, sh forks b, sh writes 1, sh exits, a exits")
    count(history, "sh", 0)
    count(history, "a", 0)
    found = compared(history)
    assert (found.tasks, found.exact, found.without_count, found.beyond) == (1, 1, 1, 0)


def test_a_pid_that_came_again() -> None:
    """The record nearest to the end is the task's own, and other tasks' are nobody's."""
    history = remember(STORY + ", a exits")
    count(history, "a", 2, after_ns=5)
    count(history, "a", 7, after_ns=-4000)
    count(history, "a", 9, after_ns=4000)
    history.made.add("taskstats", time_ns=1, tid=4_000_000, wpcopy_count=3)
    assert compared(history).exact == 1
