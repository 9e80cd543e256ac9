# SPDX-License-Identifier: Apache-2.0
"""Verdicts: what their numbers add up to."""

from __future__ import annotations

import pytest

from replay.checks.verdict import Outcome, Part, Reason, Verdict


@pytest.mark.parametrize(
    ("counts", "more", "outcome", "reason"),
    [
        ((3, 0, 0, 0), {}, Outcome.PASS, Reason.NONE),
        ((0, 0, 0, 0), {}, Outcome.PASS, Reason.NONE),
        ((3, 1, 0, 0), {"missing": 5}, Outcome.VIOLATION, Reason.NONE),
        ((3, 0, 1, 0), {}, Outcome.UNKNOWN, Reason.LOST),
        ((3, 0, 0, 0), {"missing": 1}, Outcome.UNKNOWN, Reason.LOST),
        ((3, 0, 0, 0), {"incomplete": True}, Outcome.UNKNOWN, Reason.LOST),
        ((0, 0, 0, 2), {}, Outcome.UNKNOWN, Reason.UNOBSERVABLE),
        ((1, 0, 0, 2), {}, Outcome.PASS, Reason.NONE),
        ((0, 0, 0, 0), {"not_recorded": "no steps"}, Outcome.UNKNOWN, Reason.UNOBSERVABLE),
    ],
)
def test_outcome_and_reason(
    counts: tuple[int, int, int, int], more: dict[str, int], outcome: Outcome, reason: Reason
) -> None:
    """A violation always shows; a loss never lets a rule pass."""
    verdict = Verdict("rule", (Part("part", "words", *counts),), (), **more)  # type: ignore[arg-type]
    assert (verdict.outcome, verdict.reason) == (outcome, reason)
    assert verdict.count == sum(counts)


def test_parts_by_name() -> None:
    """All without a name."""
    parts = (Part("a", "", 1, 0, 0, 0), Part("b", "", 2, 0, 0, 0))
    verdict = Verdict("rule", parts, ())
    assert verdict.parts_named(()) == parts
    assert verdict.parts_named(("b",)) == parts[1:]
