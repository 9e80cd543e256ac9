# SPDX-License-Identifier: Apache-2.0
"""Taken away once. What breaks it, and what is lost, is in mutations.py."""

from __future__ import annotations

from tests.replay.checks.creating import only, verdicts, violated
from tests.replay.checks.living import end, identity, reap
from tests.replay.checks.mutations import life

RULE = "reaped-once"
WNOWAIT = 0x01000000


def test_a_look_is_no_taking() -> None:
    """By waitid with WNOWAIT leaves the zombie there."""
    trace = life()
    reap(trace, 11, 3_900, syscall=247, idtype=1, id=11, result=0, options=4 | WNOWAIT, code=1)
    assert verdicts(trace)[RULE].passed == 1


def test_the_next_process_with_the_pid() -> None:
    """Is another one, by its start."""
    trace = life()
    row = {**only(trace), "time_ns": 4_500, "child_start_ns": 4_500,
           "child_leader_start_ns": 4_500}  # fmt: skip
    trace.add("newtask", **row)
    end(trace, identity(11, 4_500), 5_000, mm=only(trace)["child_mm"])
    reap(trace, 11, 6_000)
    verdict = verdicts(trace)[RULE]
    assert (verdict.passed, verdict.violated) == (2, 0)


def test_a_tracer_is_told_first() -> None:
    """And the parent afterwards."""
    trace = life()
    reap(trace, 11, 2_500, 0x137F)
    reap(trace, 11, 5_000, 3 << 8)
    assert violated(trace) == set()
