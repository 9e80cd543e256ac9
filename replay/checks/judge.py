# SPDX-License-Identifier: Apache-2.0
"""Counts cases by two expressions, and shows those that did not pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from replay.checks.verdict import Case, Outcome, Part, Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    import polars as pl

    from replay.checks.evidence import Evidence
    from replay.checks.verdict import WitnessEvent

_ROW: Final = "number of the row"
MOST_CASES: Final = 100
"""So many cases of each part are shown."""


@dataclass(frozen=True, slots=True)
class Question:
    """One part of a rule as expressions over a frame with a row for each possible case."""

    part: str
    rule: str
    """The rule in words."""
    applies: pl.Expr
    """Which rows are cases."""
    holds: pl.Expr
    """Whether the rule holds there; null where the row does not tell."""
    missing: str
    """What is not known where `holds` is null, in words."""
    found: Callable[[dict[str, Any]], str]
    """What the row says instead, in words."""
    prepare: Callable[[pl.DataFrame], pl.DataFrame] | None = None
    """Adds to the rows that are cases, and to them alone, the columns that `holds` needs."""


@dataclass(frozen=True, slots=True)
class Cases:
    """Possible cases of a rule, a row each."""

    frame: pl.DataFrame
    tables: Collection[str]
    """The tables that the rule rests on: what is lost of them leaves it open."""
    events: Callable[[dict[str, Any]], tuple[WitnessEvent, ...]]
    """The events that a row is about, in their order."""


def judged(rule: str, evidence: Evidence, cases: Cases, questions: Sequence[Question]) -> Verdict:
    """Hold every row against every question."""
    lost = evidence.anything_lost(cases.tables)
    parts, shown = [], []
    for question in questions:
        part, open_cases = _part(cases, question, lost=lost)
        parts.append(part)
        shown += open_cases
    return Verdict(
        rule,
        tuple(parts),
        tuple(shown),
        missing=evidence.lost(cases.tables),
        incomplete=not evidence.complete,
    )


def nothing_recorded(rule: str, evidence: Evidence, tables: Collection[str], lacks: str) -> Verdict:
    """Give the verdict on a rule of which the recording holds nothing: unknown, and why."""
    return Verdict(
        rule,
        (),
        (),
        missing=evidence.lost(tables),
        incomplete=not evidence.complete,
        not_recorded=lacks,
    )


def _part(cases: Cases, question: Question, *, lost: bool) -> tuple[Part, list[Case]]:
    frame = cases.frame
    if question.prepare is not None:
        frame = question.prepare(frame.filter(question.applies))
    # Beside a column of the frame, so that what is the same for all rows has a row for each.
    answers = frame.with_row_index(_ROW).select(
        _ROW, applies=question.applies.fill_null(value=False), holds=question.holds
    )
    applies, holds = answers.get_column("applies"), answers.get_column("holds")
    unknown, violated = applies & holds.is_null(), applies & ~holds.fill_null(value=True)
    counts = int(unknown.sum()), int(violated.sum())
    part = Part(
        question.part,
        question.rule,
        passed=int(applies.sum()) - sum(counts),
        violated=counts[1],
        lost=counts[0] if lost else 0,
        unobservable=0 if lost else counts[0],
    )
    reason = Reason.LOST if lost else Reason.UNOBSERVABLE
    shown = []
    for row in _rows(frame, violated):
        why = f"{question.rule}; {question.found(row)}"
        shown.append(Case(part.name, Outcome.VIOLATION, Reason.NONE, why, cases.events(row)))
    for row in _rows(frame, unknown):
        why = f"{question.rule}; {question.missing}"
        shown.append(Case(part.name, Outcome.UNKNOWN, reason, why, cases.events(row)))
    return part, shown


def _rows(frame: pl.DataFrame, wanted: pl.Series) -> list[dict[str, Any]]:
    """Give the first of the wanted rows as dicts."""
    return frame[wanted.arg_true().head(MOST_CASES)].to_dicts()
