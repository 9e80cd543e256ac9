# SPDX-License-Identifier: Apache-2.0
"""What the call returns. What breaks it, and what is lost, is in mutations.py."""

from __future__ import annotations

from tests.replay.checks.creating import only, verdicts, violated
from tests.replay.checks.mutations import life

RULE = "returned-pid"


def test_a_child_in_another_namespace() -> None:
    """Has the pid of the initial namespace for a caller that is there."""
    trace = life()
    only(trace).update(pidns_inum=77, ns_tid=1)
    only(trace, "exec").update(pidns_inum=77, ns_tid=1)
    assert verdicts(trace)[RULE].passed == 1
    only(trace, "clone_call")["result"] = 1
    assert RULE in violated(trace)


def test_a_caller_in_between() -> None:
    """Has a number for the child that is not recorded."""
    trace = life()
    only(trace).update(pidns_inum=78, ns_tid=1)
    only(trace, "adopted")["pidns_inum"] = 77
    assert verdicts(trace)[RULE].unobservable == 1
