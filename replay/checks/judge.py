# SPDX-License-Identifier: Apache-2.0
"""Counts cases by two expressions, and shows those that did not pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from replay.checks.verdict import Case, Outcome, Part, Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

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
    events: Callable[[dict[str, Any]], tuple[WitnessEvent, ...]] | None = None
    """The events that a row is about, where they are not those of all questions."""


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
    plain = _answers(cases.frame, [one for one in questions if one.prepare is None])
    parts: list[Part] = []
    shown: list[Case] = []
    for question in questions:
        if question.prepare is None:
            frame, answer = cases.frame, next(plain)
        else:
            frame = question.prepare(cases.frame.filter(question.applies))
            answer = next(_answers(frame, [question]))
        part = _part(question, answer, lost=lost)
        parts.append(part)
        if part.passed < part.count:
            shown += _open_cases(question, frame, answer, cases, lost=lost)
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


@dataclass(frozen=True, slots=True)
class _Answer:
    """What each row of a frame says to a question."""

    applies: pl.Series
    violated: pl.Series
    unknown: pl.Series


def _answers(frame: pl.DataFrame, questions: Sequence[Question]) -> Iterator[_Answer]:
    """Put questions to every row, all of them at once."""
    # Beside a column of the frame, so that what is the same for all rows has a row for each.
    answers = frame.with_row_index(_ROW).select(
        _ROW,
        *(
            expression.alias(f"{name} {number}")
            for number, one in enumerate(questions)
            for name, expression in (
                ("applies", one.applies.fill_null(value=False)),
                ("holds", one.holds),
            )
        ),
    )
    for number in range(len(questions)):
        applies, holds = answers[f"applies {number}"], answers[f"holds {number}"]
        violated = applies & ~holds.fill_null(value=True)
        yield _Answer(applies, violated, applies & holds.is_null())


def _part(question: Question, answer: _Answer, *, lost: bool) -> Part:
    unknown, violated = int(answer.unknown.sum()), int(answer.violated.sum())
    return Part(
        question.part,
        question.rule,
        passed=int(answer.applies.sum()) - unknown - violated,
        violated=violated,
        lost=unknown if lost else 0,
        unobservable=0 if lost else unknown,
    )


def _open_cases(
    question: Question, frame: pl.DataFrame, answer: _Answer, cases: Cases, *, lost: bool
) -> Iterator[Case]:
    """Give the first cases that did not pass, those that violate the rule before the others."""
    reason = Reason.LOST if lost else Reason.UNOBSERVABLE
    events = question.events or cases.events
    for row in _rows(frame, answer.violated):
        why = f"{question.rule}; {question.found(row)}"
        yield Case(question.part, Outcome.VIOLATION, Reason.NONE, why, events(row))
    for row in _rows(frame, answer.unknown):
        why = f"{question.rule}; {question.missing}"
        yield Case(question.part, Outcome.UNKNOWN, reason, why, events(row))


def _rows(frame: pl.DataFrame, wanted: pl.Series) -> list[dict[str, Any]]:
    """Give the first of the wanted rows as dicts."""
    return frame[wanted.arg_true().head(MOST_CASES)].to_dicts()
