# SPDX-License-Identifier: Apache-2.0
"""Runs checks over a trace, and gives the exit status that their verdicts mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from replay.checks.evidence import Evidence
from replay.checks.registry import CHECKS
from replay.checks.verdict import Outcome, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from replay.checks.check import Check
    from replay.checks.verdict import Verdict
    from replay.memory.history import PageHistories
    from replay.model.values import Model
    from replay.tables import TraceTables

STATUS_HOLDS: Final = 0
STATUS_VIOLATED: Final = 1
STATUS_UNDECIDED: Final = 3


def run_checks(
    trace: TraceTables,
    model: Model,
    checks: Iterable[Check] = CHECKS,
    memory: PageHistories | None = None,
) -> tuple[Verdict, ...]:
    """Hold a trace against a model, and give a verdict for each check in its order.

    `memory` is that of the trace, where it is known already.
    """
    evidence = Evidence(trace, model, memory)
    return tuple(check.run(evidence) for check in checks)


def status(verdicts: Sequence[Verdict]) -> int:
    """Give 1 where a rule is violated, else 3 where a loss leaves one open, else 0."""
    if any(verdict.outcome is Outcome.VIOLATION for verdict in verdicts):
        return STATUS_VIOLATED
    if any(verdict.reason is Reason.LOST for verdict in verdicts):
        return STATUS_UNDECIDED
    return STATUS_HOLDS
