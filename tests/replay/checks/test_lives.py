# SPDX-License-Identifier: Apache-2.0
"""Lives of tasks and processes."""

from __future__ import annotations

from replay.checks.lives import ended_processes, ends, executions, tasks
from tests.replay.checks.creating import PTHREAD
from tests.replay.checks.living import end, execute, family, identity
from tests.replay.checks.mutations import life


def test_tasks_are_known_once() -> None:
    """By their birth, or as they were first seen."""
    trace = family(0, PTHREAD)
    found = tasks(trace).sort("tid")
    assert found.get_column("tid").to_list() == [10, 11, 12]
    assert found.get_column("leader_start_ns").to_list() == [1_000, 1_000, 1_000]


def test_the_status_of_a_process() -> None:
    """That of exit_group where there was one, else that of its leader."""
    trace = family(PTHREAD)
    end(trace, identity(10, 1_000), 2_000, 1 << 8, group_dead=0)
    end(trace, identity(11, 1_000, 10), 3_000, 2 << 8)
    process = ended_processes(ends(trace, tasks(trace))).to_dicts()[0]
    assert (process["code"], process["group_dead"], process["end_ns"]) == (1 << 8, 1, 3_000)
    trace.rows["exit"][1].update(signal_flags=4, group_exit_code=9)
    assert ended_processes(ends(trace, tasks(trace))).get_column("code").to_list() == [9]


def test_what_executes_was_something_before() -> None:
    """A thread has its leader's identity afterwards."""
    trace = family(PTHREAD)
    execute(trace, identity(10, 1_000), 2_000, old_tid=11)
    row = executions(trace, tasks(trace)).to_dicts()[0]
    assert (row["was_tgid"], row["was_leader_ns"], row["tid"]) == (10, 1_000, 10)
    assert executions(life(), tasks(family())).get_column("was_tgid").to_list() == [None]
