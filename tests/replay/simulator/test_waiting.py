# SPDX-License-Identifier: Apache-2.0
"""Waits of every kind, as they stand in the trace."""

from __future__ import annotations

from replay.process import Choice
from tests.replay.simulator.rebuilt import Rebuilt


def test_a_parent_waits_at_once_or_later() -> None:
    """It sleeps until the child ends, or finds the zombie."""
    told = Rebuilt("actors: {p: [{fork: c}, {wait: c}], c: [{exit: 5}]}")
    seen = {Rebuilt(told.text, seed=seed).choice("c") for seed in range(20)}
    assert seen == {Choice.WAITED, Choice.WAITED_LATER}
    (row,) = told.rows("wait")
    assert (row["syscall"], row["id"], row["status"]) == (61, told.pid("c"), 5 << 8)
    assert row["result"] == row["ns_pid"] == told.pid("c")


def test_waitid_may_leave_the_zombie() -> None:
    """WNOWAIT looks at it, and the next call reaps it."""
    steps = "{fork: c}, {waitid: {for: c, options: [EXITED, NOWAIT]}}, {waitid: {for: c}}"
    told = Rebuilt(f"actors: {{p: [{steps}], c: [{{exit: {{signal: TERM}}}}]}}")
    first, second = told.rows("wait")
    assert (first["idtype"], first["id"], first["code"], first["status"]) == (
        1, told.pid("c"), 2, 15,
    )  # fmt: skip
    assert first["options"] == 0x01000004
    assert second["options"] == 4
    assert told.choice("c") in {Choice.WAITED, Choice.WAITED_LATER}


def test_waiting_for_all_ends_with_echild() -> None:
    """Each child once, then the error."""
    told = Rebuilt("actors: {p: [{fork: a}, {fork: b}, {wait: all}], a: , b: }")
    results = [row["result"] for row in told.rows("wait")]
    assert sorted(results) == [-10, told.pid("a"), told.pid("b")]
    assert results[-1] == -10


def test_a_poll_finds_one_or_none() -> None:
    """WNOHANG never sleeps; which of the two is open is said."""
    text = "actors: {p: [{fork: c}, {wait: {for: c, options: [NOHANG]}}], c: }"
    found = {Rebuilt(text, seed=seed).rows("wait")[0]["result"] != 0 for seed in range(20)}
    assert found == {True, False}
    (entry,) = Rebuilt(text).open("waits")
    assert entry["may_find_none"] is True
    assert entry["may_report"] == ["c"]


def test_a_wait_that_never_returns_is_unfinished() -> None:
    """Its caller is still there at the end."""
    told = Rebuilt("actors: {p: [{fork: c}, {wait: c}], c: [pause]}")
    (row,) = told.rows("wait")
    assert row["unfinished"] == 1
    assert {row["syscall"] for row in told.rows("end_task")} == {0, 61}
    assert told.choice("c") is Choice.ALIVE


def test_nobody_waits_for_children_of_who_ignores_them() -> None:
    """They are gone at once; the wait finds none."""
    told = Rebuilt("actors: {p: [{ignore: CHLD}, {fork: c}, {wait: c}], c: }")
    assert told.choice("c") is Choice.AUTO_REAPED
    assert told.rows("wait")[0]["result"] == -10


def test_an_adopted_child_is_waited_for_by_its_name() -> None:
    """By the subreaper that it came to."""
    told = Rebuilt("""
actors:
  p: [{become: subreaper}, {fork: m}, {wait: m}, {wait: c}]
  m: [{fork: c}]
  c: [{exit: 4}]
""")
    assert told.rows("wait")[-1]["result"] == told.pid("c")
    assert told.rows("wait")[-1]["tid"] == told.pid("p")
