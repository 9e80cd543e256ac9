# SPDX-License-Identifier: Apache-2.0
"""Exec ends the other threads. What breaks it, and what is lost, is in mutations.py."""

from __future__ import annotations

from tests.replay.checks.creating import PTHREAD, only, verdicts, violated
from tests.replay.checks.living import end, execute, family, identity
from tests.replay.checks.mutations import life, threads

RULE = "exec-threads"


def test_a_process_without_threads() -> None:
    """Is no case."""
    assert verdicts(life())[RULE].count == 0


def test_a_thread_that_executes() -> None:
    """Takes the leader's tid: the leader ends, and the thread's own tid never does."""
    trace = family(PTHREAD)
    leader = identity(10, 1_000)
    end(trace, leader, 2_000, group_dead=0)
    execute(trace, leader, 2_500, enter_ns=1_990, old_tid=11, ns_tid=10)
    trace.drop("end_task", tid=11)
    trace.add("end_task", **leader, leader_start_ns=1_000)
    verdict = verdicts(trace)[RULE]
    assert [(part.name, part.passed) for part in verdict.parts] == [
        ("others_end", 1), ("old_tid_vanishes", 1)
    ]  # fmt: skip
    assert violated(trace) == set()


def test_a_thread_that_ended_long_before() -> None:
    """Is no case either."""
    trace = threads()
    only(trace, "exec")["enter_ns"] = 2_400
    assert verdicts(trace)[RULE].count == 0


def test_a_thread_whose_old_tid_ends() -> None:
    """Has not taken the leader's: an identity that is gone has no end."""
    trace = family(PTHREAD)
    leader, thread = identity(10, 1_000), identity(11, 1_000, 10)
    end(trace, leader, 2_000, group_dead=0)
    execute(trace, leader, 2_500, enter_ns=1_990, old_tid=11, ns_tid=10)
    end(trace, thread, 2_600)
    parts = [part.name for part in verdicts(trace)[RULE].parts if part.violated]
    assert parts == ["old_tid_vanishes"]
