# SPDX-License-Identifier: Apache-2.0
"""Whom a wait may report. What breaks it, and what is lost, is in mutations.py."""

from __future__ import annotations

import pytest

from tests.replay.checks.creating import only, verdicts, violated
from tests.replay.checks.living import reap
from tests.replay.checks.mutations import life, orphans

RULE = "wait-child"


def test_a_child_that_had_not_ended() -> None:
    """Is reported by no wait."""
    trace = life()
    only(trace, "exit")["time_ns"] = 4_500
    trace.rows["dead"][0]["time_ns"] = 4_510
    assert RULE not in violated(trace)
    trace.drop("exit")
    assert RULE in violated(trace)


def test_an_orphan_that_was_left_to_the_caller() -> None:
    """Is its child then."""
    trace = orphans()
    reap(trace, 11, 3_100)
    assert violated(trace) == set()


@pytest.mark.parametrize(
    ("column", "value", "part"),
    [("id", 12, "asked_for"), ("options", 0x80000000, "kind")],
)
def test_what_was_asked_for(column: str, value: int, part: str) -> None:
    """A pid, a kind of children."""
    trace = life()
    only(trace, "wait")[column] = value
    assert violated(trace) == {RULE}
    assert [case.part for case in verdicts(trace)[RULE].cases] == [part]


def test_a_child_of_another_thread() -> None:
    """Is not reported with __WNOTHREAD."""
    trace = life()
    only(trace, "wait")["options"] = 0x20000000
    assert violated(trace) == set()
    only(trace, "exit")["real_parent_tid"] = 77
    assert violated(trace) == {RULE}


def test_a_tracer() -> None:
    """May wait for what it traces."""
    trace = life()
    only(trace, "exit").update(real_parent_tid=77, real_parent_tgid=77)
    reap(trace, 11, 2_500, 0x137F)
    assert verdicts(trace)[RULE].violated == 0
