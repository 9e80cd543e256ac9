# SPDX-License-Identifier: Apache-2.0
"""Joining a creation with its call and with what its caller was."""

from __future__ import annotations

from replay.checks.creations import with_callers_parent, with_leaders, with_request
from tests.replay.checks.creating import PTHREAD, creations


def test_the_call_that_was_going_on() -> None:
    """Not one that began later, nor that of another task."""
    trace = creations(0, 0)
    found = with_request(trace.table("newtask"), trace)
    assert found.get_column("returned_ns").to_list() == [1_100, 2_100]
    trace.rows["clone_call"][0]["tid"] = 99
    found = with_request(trace.table("newtask"), trace)
    assert found.get_column("returned_ns").to_list() == [None, 2_100]


def test_a_call_that_failed_before_it() -> None:
    """Is another call."""
    trace = creations(0)
    trace.add("clone_call", time_ns=500, tid=10, tgid=10, start_ns=1_000, enter_ns=400, result=-11)
    assert with_request(trace.table("newtask"), trace).get_column("requested").to_list() == [17]


def test_a_call_that_had_not_returned_when_the_recording_ended() -> None:
    """Asked for something, but has no return."""
    trace = creations(0)
    trace.rows["clone_call"][0].update(unfinished=1, result=0)
    row = with_request(trace.table("newtask"), trace).to_dicts()[0]
    assert (row["requested"], row["returned_ns"]) == (17, None)


def test_the_leader_of_a_thread() -> None:
    """Is found by the thread's birth."""
    trace = creations(PTHREAD)
    row = {**trace.rows["newtask"][0], "tid": 11, "start_ns": 1_000, "time_ns": 3_000}
    trace.add("newtask", **{**row, "child_tid": 12, "child_start_ns": 3_000})
    for add, column, value in (
        (with_leaders, "leaders", 17),
        (with_callers_parent, "callers_parent", 1),
    ):
        found = add(trace.table("newtask"), trace).sort("time_ns").get_column(column).to_list()
        assert found == [value, value]


def test_a_caller_that_is_not_known() -> None:
    """Has no leader and no parent."""
    trace = creations(PTHREAD)
    trace.drop("adopted")
    newtasks = trace.table("newtask")
    assert with_leaders(newtasks, trace).get_column("leaders").to_list() == [None]
    assert with_callers_parent(newtasks, trace).get_column("callers_parent").to_list() == [None]
