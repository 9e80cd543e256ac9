# SPDX-License-Identifier: Apache-2.0
"""The verdicts of a check as text and as JSON: a line per rule, then what did not pass."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from replay.checks.sentences import Kept
from replay.checks.tally import Tally
from replay.checks.verdict import Outcome, Reason
from replay.report.screen import BAD, BOLD, DIM, GOOD, NOTABLE, PLAIN, Line, Piece, aligned
from replay.report.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.checks.sentences import Judgement
    from replay.checks.verdict import Case, Verdict, WitnessEvent
    from replay.model.values import Model

_SHOWN: Final = 5
"""So many cases of each rule are shown as text; JSON has more."""
_STYLES: Final = {Outcome.PASS: GOOD, Outcome.VIOLATION: BAD, Outcome.UNKNOWN: NOTABLE}
_KEPT_STYLES: Final = {Kept.KEPT: GOOD, Kept.NOT_KEPT: BAD, Kept.NOT_OBSERVABLE: NOTABLE}
_NS_PER_S: Final = 10**9


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What the report shows."""

    model: Model
    note: str
    """What a reader must know of the choice of the model; empty for nothing."""
    verdicts: tuple[Verdict, ...]
    sentences: tuple[Judgement, ...]
    begin_ns: int
    """Times are shown from here, CLOCK_MONOTONIC."""


def check_lines(report: CheckReport) -> Iterator[Line]:
    """Give the report as lines."""
    yield [("model   ", BOLD), (f"{report.model.name}: {report.model.title}", PLAIN)]
    if report.note:
        yield [("note    ", BOLD), (report.note, NOTABLE)]
    yield [("result  ", BOLD), *_result(report)]
    yield []
    yield from aligned([_head(), *(_row(verdict) for verdict in report.verdicts)], numbers=(2, 3))
    if report.sentences:
        yield []
        yield from _sentence_lines(report.sentences)
    for verdict in report.verdicts:
        yield from _case_lines(verdict, report.begin_ns)


def check_json(report: CheckReport) -> dict[str, Any]:
    """Give the report as values."""
    return {
        "model": report.model.name,
        "note": report.note,
        "begin_ns": report.begin_ns,
        "rules": [_verdict_json(verdict) for verdict in report.verdicts],
        "sentences": [
            {
                "id": judgement.sentence.id,
                "says": judgement.sentence.says,
                "kept": judgement.kept.value,
                "held": judgement.held,
                "count": judgement.count,
                "kernel": judgement.sentence.kernel,
            }
            for judgement in report.sentences
        ],
    }


def _result(report: CheckReport) -> Line:
    """Sum the rules up: how many hold, are violated or open, and of how many there is no case."""
    tally = Tally.of(report.model.name, report.verdicts)
    held = counted(len(tally.holds), "rule holds", "rules hold")
    others = (
        (tally.violated, "violated", BAD),
        (tally.unknown, "unknown", NOTABLE),
        (tally.no_case, "without a case", DIM),
    )
    found = [(f", {len(rules)} {words}", style) for rules, words, style in others if rules]
    return [(held, GOOD if tally.holds else PLAIN), *found]


def _head() -> list[Piece]:
    return [(name, DIM) for name in ("RULE", "VERDICT", "HOLDS", "OF")]


def _row(verdict: Verdict) -> list[Piece]:
    if verdict.has_no_case:
        return [(verdict.rule, DIM), ("no case" if verdict.parts else "not asked", DIM)]
    outcome, remark = verdict.outcome, _remark(verdict)
    cells: list[Piece] = [
        (verdict.rule, PLAIN),
        (outcome.value, _STYLES[outcome]),
        (f"{verdict.passed:,}", PLAIN),
        (f"{verdict.count:,}", PLAIN),
    ]
    return [*cells, (remark, DIM)] if remark else cells


def _remark(verdict: Verdict) -> str:
    """Say what the numbers leave open."""
    said = []
    if verdict.violated:
        said.append(counted(verdict.violated, "violation"))
    if verdict.lost:
        said.append(f"{verdict.lost:,} unknown by loss")
    if verdict.missing:
        said.append(f"{counted(verdict.missing, 'lost record')} may hide more")
    if verdict.incomplete:
        said.append("the trace is cut off")
    if verdict.unobservable:
        said.append(f"{verdict.unobservable:,} not observable")
    if verdict.not_recorded:
        said.append(verdict.not_recorded)
    return ", ".join(said)


def _sentence_lines(sentences: tuple[Judgement, ...]) -> Iterator[Line]:
    for judgement in sentences:
        sentence, kept = judgement.sentence, judgement.kept
        figure = f"{judgement.held:,} of {judgement.count:,}" if judgement.count else ""
        yield [
            (f"{sentence.id}  ", BOLD),
            (kept.value, _KEPT_STYLES[kept]),
            (f"  {figure}" if figure else "", PLAIN),
        ]
        yield [(f"    {sentence.says}", PLAIN)]
        if kept is not Kept.KEPT and sentence.kernel:
            yield [(f"    kernel: {sentence.kernel}", DIM)]


def _case_lines(verdict: Verdict, begin_ns: int) -> Iterator[Line]:
    shown = [case for case in verdict.cases if case.outcome is Outcome.VIOLATION]
    shown += [case for case in verdict.cases if case.outcome is Outcome.UNKNOWN]
    for case in shown[:_SHOWN]:
        yield []
        reason = f" ({case.reason})" if case.reason else ""
        yield [
            (case.outcome.value, _STYLES[case.outcome]),
            (f"  {verdict.rule} · {case.part}{reason}", BOLD),
        ]
        yield [(f"  {case.why}", PLAIN)]
        yield from aligned([_event(event, begin_ns) for event in case.events], "    ", (0,))
    left = verdict.violated + verdict.lost + verdict.unobservable - len(shown[:_SHOWN])
    if left > 0 and shown:
        yield [(f"  and {counted(left, 'more case', 'more cases')} of {verdict.rule}", DIM)]


def _event(event: WitnessEvent, begin_ns: int) -> list[Piece]:
    seconds = (event.time_ns - begin_ns) / _NS_PER_S
    return [(f"{seconds:.6f} s", DIM), (event.name, PLAIN), (event.text, PLAIN)]


def _verdict_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "rule": verdict.rule,
        "outcome": verdict.outcome.value,
        "reason": verdict.reason.value,
        "passed": verdict.passed,
        "violated": verdict.violated,
        "lost": verdict.lost,
        "unobservable": verdict.unobservable,
        "missing_records": verdict.missing,
        "complete": not verdict.incomplete,
        "not_recorded": verdict.not_recorded,
        "parts": [asdict(part) for part in verdict.parts],
        "cases": [_case_json(case) for case in verdict.cases],
    }


def _case_json(case: Case) -> dict[str, Any]:
    return {
        "part": case.part,
        "outcome": case.outcome.value,
        "reason": (case.reason or Reason.NONE).value,
        "why": case.why,
        "events": [asdict(event) for event in case.events],
    }
