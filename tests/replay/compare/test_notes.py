# SPDX-License-Identifier: Apache-2.0
"""What looks like a mistake of whoever compares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from replay.compare.notes import notes
from tests.replay.compare.runs import FAMILY, run

if TYPE_CHECKING:
    from tests.histories.fake import FakeTrace


def recorded(trace: FakeTrace) -> FakeTrace:
    """Give a run of the same as a recorder would have written it."""
    trace.metadata["run"] = trace.metadata.pop("simulation")
    return trace


def test_nothing_is_said_of_what_belongs_together() -> None:
    """A run or a simulation, and a simulation."""
    assert list(notes(run(FAMILY), run(FAMILY))) == []
    assert list(notes(recorded(run(FAMILY)), run(FAMILY))) == []


def test_two_scenarios() -> None:
    """And one with two values of a parameter."""
    one, other = run(FAMILY), run(FAMILY)
    other.metadata["simulation"]["parameters"] = {"n": 1}
    one.metadata["simulation"]["parameters"] = {"n": 2}
    assert list(notes(one, other)) == ["parameter n is 2 in ACTUAL and 1 in EXPECTED"]
    other.metadata["simulation"]["scenario"] = "other"
    assert list(notes(one, other)) == ["these are two scenarios, told and other"]


def test_a_recording_does_not_say_what_is_open() -> None:
    """Swapped, or two of them."""
    (swapped,) = notes(run(FAMILY), recorded(run(FAMILY)))
    assert swapped.startswith("ACTUAL is simulated and EXPECTED recorded")
    (both,) = notes(recorded(run(FAMILY)), recorded(run(FAMILY)))
    assert both.startswith("EXPECTED is recorded")
