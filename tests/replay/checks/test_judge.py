# SPDX-License-Identifier: Apache-2.0
"""Counting cases."""

from __future__ import annotations

from typing import Any

import polars as pl

from replay.checks.judge import MOST_CASES, Cases, Question, judged, nothing_recorded
from replay.checks.verdict import Outcome, Reason, WitnessEvent
from tests.replay.checks.creating import creations, evidence


def question(**more: Any) -> Question:  # noqa: ANN401
    """Ask that `n` is even where `asked`."""
    return Question(
        part="even",
        rule="n is even",
        applies=pl.col("asked"),
        holds=pl.col("n") % 2 == 0,
        missing="n is not known",
        found=lambda row: f"n is {row['n']}",
        **more,
    )


def cases(numbers: list[int | None], asked: list[bool] | None = None) -> Cases:
    """Give a frame of numbers."""
    frame = pl.DataFrame({"n": numbers, "asked": asked or [True] * len(numbers)})
    return Cases(frame, ("newtask",), lambda row: (WitnessEvent(row["n"] or 0, "n", ""),))


def test_the_three_answers() -> None:
    """True, false and null; what is not asked counts nowhere."""
    verdict = judged(
        "r", evidence(creations(0)), cases([2, 3, None, 5], [True, True, True, False]), [question()]
    )
    part = verdict.parts[0]
    assert (part.passed, part.violated, part.lost, part.unobservable) == (1, 1, 0, 1)
    assert [case.outcome for case in verdict.cases] == [Outcome.VIOLATION, Outcome.UNKNOWN]
    assert verdict.cases[0].why == "n is even; n is 3"
    assert verdict.cases[1].why == "n is even; n is not known"


def test_what_is_not_known_is_lost_where_anything_was() -> None:
    """Otherwise it could not be observed."""
    trace = creations(0, 0)
    trace.lose("newtask", child_tid=12)
    verdict = judged("r", evidence(trace), cases([None]), [question()])
    assert verdict.cases[0].reason is Reason.LOST
    assert verdict.missing == 1


def test_many_violations_are_counted_and_some_are_shown() -> None:
    """So that a report stays readable and small."""
    verdict = judged("r", evidence(creations(0)), cases([1] * 1_000), [question()])
    assert verdict.violated == 1_000
    assert len(verdict.cases) == MOST_CASES


def test_columns_that_only_the_cases_get() -> None:
    """They are added to the rows that the question is about."""
    seen: list[int] = []

    def prepare(frame: pl.DataFrame) -> pl.DataFrame:
        seen.append(len(frame))
        return frame.with_columns(n=pl.lit(4))

    found = judged(
        "r", evidence(creations(0)), cases([1, 1], [True, False]), [question(prepare=prepare)]
    )
    assert (found.passed, found.violated, seen) == (1, 0, [1])


def test_a_rule_of_which_nothing_is_recorded() -> None:
    """Is unknown, and says why."""
    verdict = nothing_recorded("r", evidence(creations(0)), ("step",), "no steps")
    assert (verdict.outcome, verdict.reason) == (Outcome.UNKNOWN, Reason.UNOBSERVABLE)
