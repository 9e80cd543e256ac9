# SPDX-License-Identifier: Apache-2.0
"""Why the kernel counted more faults of a task than were recorded."""

from __future__ import annotations

import struct

import pytest

from replay.memory.fault_audit import Cause, FaultAudit
from tests.histories.memory import MemoryHistory, remember

STACK, PATH = 0x7FFD_0000_1F00, 0x7FFD_0000_3FE0


def counted(history: MemoryHistory, *extra: int) -> FaultAudit:
    """Give the audit where the kernel counted so many more of each task that ended."""
    recorded = FaultAudit.of(history.trace, history.memory()).by_task["recorded"].to_list()
    ends = sorted(history.made.of("exit"), key=lambda row: row["time_ns"])
    for row, one, more in zip(ends, recorded, extra, strict=True):
        row.update(min_flt=one + more, maj_flt=0)
    return FaultAudit.of(history.trace, history.memory())


def born(*more: str) -> MemoryHistory:
    """Give a history of a task with its whole life; it has not ended."""
    return remember(", ".join(("sh forks a, a writes 1, a writes 2", *more)))


def test_all_agree() -> None:
    """Nothing to explain."""
    found = counted(born("a exits"), 0)
    assert (found.recorded, found.expected, found.tasks, found.exact) == (2, 2, 1, 1)
    assert (found.causes, found.beyond, found.explained) == ({}, 0, True)


def test_a_call_that_was_not_recorded() -> None:
    """Whatever asked for the pages, nothing recorded explains it."""
    found = counted(born("a exits"), 7)
    assert found.causes == {Cause.OTHER_CALLS: 7}
    assert (found.exact, found.explained, found.beyond) == (0, False, 0)


def test_more_recorded_than_counted() -> None:
    """Cannot be: both come from mm_account_fault()."""
    found = counted(born("a exits, sh forks b, b exits"), -1, 4)
    assert (found.beyond, found.explained) == (1, False)


@pytest.mark.parametrize(
    ("syscall", "arguments", "pages"),
    [
        (9, (0, 10 << 12, 3, 0x8022), 10),
        (9, (0, (10 << 12) + 1, 3, 0x2022), 11),
        (9, (0, 10 << 12, 3, 0x22), 0),
        (28, (0x5000, 4 << 12, 22), 4),
        (28, (0x5000, 4 << 12, 23), 4),
        (28, (0x5000, 4 << 12, 3), 0),
    ],
)
def test_ranges_that_calls_touch(syscall: int, arguments: tuple[int, ...], pages: int) -> None:
    """At most the pages of the range; what is beyond that is another call's."""
    history = born()
    history.call("a", syscall, *arguments)
    history.tell("a exits")
    expected = {Cause.POPULATED: pages, Cause.OTHER_CALLS: 12 - pages}
    assert counted(history, 12).causes == {cause: n for cause, n in expected.items() if n}


def test_arguments_of_exec() -> None:
    """From the stack pointer to the path of the program, and a page for the path's own length."""
    history = born("a execs x")
    row = history.made.rows["exec"][-1]
    row["start_stack"] = STACK
    vector = struct.pack("<4Q", 31, PATH, 0, 0)
    history.made.add("text", time_ns=row["time_ns"], tid=row["tid"], what=7, data=vector)
    history.tell("a exits")
    assert counted(history, 4).causes == {Cause.EXEC_ARGUMENTS: 4}
    assert counted(history, 5).causes == {Cause.EXEC_ARGUMENTS: 4, Cause.OTHER_CALLS: 1}


@pytest.mark.parametrize("table", ["exec", "exec_failed"])
def test_arguments_that_nothing_tells_the_size_of(table: str) -> None:
    """Anything up to what the kernel allows."""
    history = born()
    if table == "exec":
        history.tell("a execs x")
    else:
        a = history.threads["a"]
        history.made.add(table, time_ns=history.tick(), tid=a.tid, tgid=a.tid, start_ns=a.start_ns)
    history.tell("a exits")
    found = counted(history, 2000)
    assert found.causes == {Cause.EXEC_ARGUMENTS: 1536, Cause.OTHER_CALLS: 464}


def test_a_damaged_auxiliary_vector() -> None:
    """An odd length, or a path below the stack, tells nothing."""
    for data in (b"short", struct.pack("<2Q", 31, 5) + b"x"):
        history = born("a execs x")
        row = history.made.rows["exec"][-1]
        row["start_stack"] = STACK
        history.made.add("text", time_ns=row["time_ns"], tid=row["tid"], what=7, data=data)
        history.tell("a exits")
        assert counted(history, 9).causes == {Cause.EXEC_ARGUMENTS: 9}


def test_a_task_from_before() -> None:
    """What is left is older than the recording."""
    assert counted(remember("sh writes 1, sh exits"), 6).causes == {Cause.BEFORE_START: 6}


def test_losses() -> None:
    """Of the faults' own ring alone."""
    history = born("a exits")
    history.made.add("lost", ring=b"small ring", count=3)
    assert counted(history, 6).causes == {Cause.OTHER_CALLS: 6}
    history.made.add("lost", ring=b"fault ring", count=3)
    found = counted(history, 6)
    assert (found.causes, found.explained) == ({Cause.LOST: 6}, False)


def test_nobody_ended() -> None:
    """Zero of zero."""
    found = counted(born())
    assert (found.recorded, found.expected, found.tasks, found.explained) == (0, 0, 0, True)
