# SPDX-License-Identifier: Apache-2.0
"""What a wait reports. What breaks it, and what is lost, is in mutations.py."""

from __future__ import annotations

from tests.replay.checks.creating import only, verdicts, violated
from tests.replay.checks.mutations import life

RULE = "wait-status"


def test_a_call_without_a_status() -> None:
    """Has only the usage to compare."""
    trace = life()
    only(trace, "wait").update(got=2, status=0)
    assert [part.passed for part in verdicts(trace)[RULE].parts] == [0, 1]


def test_less_than_was_used() -> None:
    """The faults of the child's end are a lower bound."""
    trace = life()
    only(trace, "wait")["ru_minflt"] = 4
    assert violated(trace) == {RULE}
    only(trace, "wait")["ru_minflt"] = 9
    assert violated(trace) == set()


def test_waitid_reports_in_another_form() -> None:
    """The same status by code and value."""
    trace = life()
    only(trace, "wait").update(syscall=247, result=0, idtype=0, id=0, code=1, status=3, got=7)
    assert verdicts(trace)[RULE].parts[0].passed == 1
    only(trace, "wait").update(code=2, status=9)
    assert violated(trace) == {RULE}
