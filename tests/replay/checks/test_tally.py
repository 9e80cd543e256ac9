# SPDX-License-Identifier: Apache-2.0
"""Verdicts in a few words."""

from __future__ import annotations

from replay.checks.registry import CHECKS
from replay.checks.run import run_checks
from replay.checks.tally import Tally
from tests.replay.checks.creating import MODEL, creations, only


def test_every_rule_is_in_one_place() -> None:
    """By what became of it."""
    trace = creations(0)
    only(trace)["child_state"] = 0
    tally = Tally.of(MODEL.name, run_checks(trace, MODEL))
    assert tally.model == "linux-6.18"
    assert tally.violated == ("new-task-state",)
    assert "shared-objects" in tally.holds
    assert "step-order" in tally.unknown
    assert "reaped-once" in tally.no_case
    places = [*tally.holds, *tally.violated, *tally.unknown, *tally.no_case]
    assert sorted(places) == sorted(check.id for check in CHECKS)


def test_a_loss_leaves_nothing_without_a_case() -> None:
    """What was lost may have been one."""
    trace = creations(0)
    trace.lose("started")
    tally = Tally.of(MODEL.name, run_checks(trace, MODEL))
    assert "reaped-once" in tally.unknown
    assert tally.no_case == ("child-runs-first",)


def test_what_was_not_asked() -> None:
    """Is told apart."""
    left, asked = CHECKS[:2], CHECKS[2:]
    tally = Tally.of(MODEL.name, run_checks(creations(0), MODEL, asked), left)
    assert tally.left == ("refused-flags", "step-errors")
    places = [*tally.holds, *tally.violated, *tally.unknown, *tally.no_case, *tally.left]
    assert sorted(places) == sorted(check.id for check in CHECKS)
