# SPDX-License-Identifier: Apache-2.0
"""Names of processes and address spaces."""

from __future__ import annotations

from replay.process import ProcessId
from replay.report.who import Who
from tests.histories.memory import MemoryHistory


def _who(history: MemoryHistory) -> Who:
    memory = history.memory()
    return Who(history.forest(), memory.spaces)


def test_a_program_is_that_of_the_time() -> None:
    """An address space keeps the name that its process left behind."""
    history = MemoryHistory()
    history.execs("sh", "/bin/server", "x")
    history.tell("sh forks a")
    history.execs("a", "/bin/ls\x1b[1m")
    history.tell("a forks b")
    who = _who(history)
    assert [who.space(space) for space in range(5)] == [
        "101 sh", "101 server", "102 server", "102 ls\\x1b[1m", "103 ls\\x1b[1m"
    ]  # fmt: skip
    assert who.fork(2) == "102 ls\\x1b[1m by 101 server"
    assert who.fork(1) == "101 server"
    assert who.process(who.owner(2)) == "102 ls\\x1b[1m"


def test_a_process_that_is_not_known() -> None:
    """It is only a number."""
    assert _who(MemoryHistory()).process(ProcessId(7, 1)) == "7"
