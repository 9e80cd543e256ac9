# SPDX-License-Identifier: Apache-2.0
"""Counts over a whole history, against what was told."""

from __future__ import annotations

from replay.creation import How
from replay.forest import ProcessForest
from replay.process import Choice
from replay.totals import Totals
from tests.histories.build import History, told
from tests.replay.story import build_story


def totals_of(history: History) -> Totals:
    """Give the counts of a history that ends now."""
    trace = history.end_recording()
    return Totals.of(trace, ProcessForest.from_trace(trace).processes.values())


def test_the_counts_of_a_story() -> None:
    """One of everything, and each counted once."""
    totals = totals_of(build_story())
    assert (totals.processes, totals.before_recording, totals.running) == (9, 1, 2)
    assert totals.created == {
        How.FORK: 5, How.VFORK: 1, How.VFORK_LIKE: 1, How.CLONE: 1, How.THREAD: 2,
    }  # fmt: skip
    assert (totals.execs, totals.failed_execs, totals.failed_clones) == (
        7,
        {"ENOENT": 1},
        {"EAGAIN": 1},
    )
    assert totals.statuses == {0: 1, 1: 2, 3: 2}
    assert (totals.signals, totals.core_dumps) == ({"SIGKILL": 1, "SIGSEGV": 1}, 1)


def test_waits_are_of_children_that_were_followed_from_birth() -> None:
    """What becomes of the root command is its parent's affair, which is not recorded."""
    totals = totals_of(told("sh forks a, sh sleeps, a exits, sh waits a, sh exits"))
    assert totals.waits == {Choice.WAITED: 1}
    assert totals.blocked_ns > 0


def test_a_call_that_had_not_returned_did_not_fail() -> None:
    """Its result is no errno."""
    history = told("sh fails_to_fork 11")
    history.made.rows["clone_call"][0]["unfinished"] = 1
    assert totals_of(history).failed_clones == {}
