# SPDX-License-Identifier: Apache-2.0
"""The audit of a recording as text and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from replay.anomalies import Severity
from replay.audit import Verdict
from replay.names import syscall_name
from replay.report.audit_memory import memory_json, memory_lines
from replay.report.screen import BAD, BOLD, DIM, GOOD, NOTABLE, PLAIN, Line, Piece, aligned
from replay.report.tree_json import id_text
from replay.report.units import counted
from traces.shown import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.anomalies import Anomaly
    from replay.audit import Audit
    from replay.findings import Finding

STATUS_COMPLETE: Final = 0
STATUS_CONTRADICTION: Final = 1
STATUS_INCOMPLETE: Final = 3

_VERDICT_STYLES: Final = {
    Verdict.COMPLETE: GOOD,
    Verdict.INCOMPLETE: BAD,
    Verdict.TRUNCATED: BAD,
}
_MISSED: Final = "missed_"
_SHOWN_OPEN: Final = 10


def audit_status(audit: Audit) -> int:
    """Give the exit status: 0 complete, 3 something was lost, 1 a contradiction without a loss.

    A truncated trace is incomplete: its counters are not there to contradict it.
    """
    if audit.verdict is Verdict.COMPLETE:
        return STATUS_COMPLETE
    failed = [finding.name for finding in audit.findings if finding.holds is False]
    lost = any(name == "lost_records" or name.startswith(_MISSED) for name in failed)
    impossible = any(anomaly.kind.severity is Severity.ERROR for anomaly in audit.anomalies)
    if audit.verdict is Verdict.TRUNCATED or lost:
        return STATUS_INCOMPLETE
    return STATUS_CONTRADICTION if failed or impossible else STATUS_INCOMPLETE


def audit_json(audit: Audit) -> dict[str, object]:
    """Give the audit as a value for JSON."""
    return {
        "verdict": audit.verdict,
        "reasons": list(audit.reasons),
        "findings": [asdict(finding) for finding in audit.findings],
        "tasks": asdict(audit.tasks),
        "losses": [
            {**asdict(loss), "ring": loss.ring.decode(errors="backslashreplace")}
            for loss in audit.losses
        ],
        "anomalies": [
            {
                "name": anomaly.kind.name,
                "severity": anomaly.kind.severity,
                "count": anomaly.count,
                "sentence": anomaly.kind.sentence,
            }
            for anomaly in audit.anomalies
        ],
        **memory_json(audit),
        "contradictions": [
            {
                "name": found.kind.name,
                "severity": found.kind.severity,
                "count": found.count,
                "sentence": found.kind.sentence,
            }
            for found in audit.contradictions
        ],
        "open_tasks": [
            {"task": id_text(task.id), "state": shown(task.state)} for task in audit.open_tasks
        ],
        "open_calls": [
            {
                "task": id_text(call.caller),
                "syscall": syscall_name(call.syscall),
                "enter_ns": call.enter_ns,
            }
            for call in audit.open_calls
        ],
    }


def verdict_line(audit: Audit) -> Line:
    """Give the verdict in one line."""
    created = audit.finding("created_tasks")
    line: Line = [(str(audit.verdict), _VERDICT_STYLES[audit.verdict])]
    if created.expected is not None:
        line.append((f"  {created.recorded:,} of {created.expected:,} creations recorded", PLAIN))
    lost = sum(loss.count for loss in audit.losses)
    return [*line, (f", {counted(lost, 'record')} lost", BAD if lost else PLAIN)]


def audit_lines(audit: Audit) -> Iterator[Line]:
    """Give the report: verdict, why, the comparisons, what was noticed, what was still open."""
    yield [("recording  ", DIM), *verdict_line(audit)]
    for reason in audit.reasons:
        yield [("  - ", DIM), (reason, PLAIN)]
    yield []
    yield from _finding_lines(audit)
    yield []
    yield from _task_lines(audit)
    yield from memory_lines(audit)
    yield from _anomaly_lines(audit)
    yield from _open_lines(audit)


def _finding_lines(audit: Audit) -> Iterator[Line]:
    heading: list[Piece] = [(text, DIM) for text in ("CHECK", "", "RECORDED", "EXPECTED")]
    rows: list[list[Piece]] = [
        [
            (finding.name, PLAIN),
            _holds(finding),
            (_number(finding.recorded), PLAIN),
            (_number(finding.expected), PLAIN),
        ]
        for finding in audit.findings
    ]
    head, *lines = aligned([heading, *rows], numbers=(2, 3))
    yield head
    for finding, line in zip(audit.findings, lines, strict=True):
        yield line
        yield [(f"  {finding.sentence}", DIM)]


def _number(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"


def _holds(finding: Finding) -> Piece:
    if finding.holds is None:
        return "unknown", NOTABLE
    return ("holds", GOOD) if finding.holds else ("FAILS", BAD)


def _task_lines(audit: Audit) -> Iterator[Line]:
    came = {"created": audit.tasks.created, "adopted": audit.tasks.adopted,
            "listed at the start": audit.tasks.only_listed,
            "of unknown origin": audit.tasks.unknown_origin}  # fmt: skip
    went = {"ended": audit.tasks.ended, "still there": audit.tasks.alive,
            "became the leader by exec": audit.tasks.became_leader,
            "unaccounted for": audit.tasks.unaccounted}  # fmt: skip
    yield [("tasks came  ", DIM), (_listed(came), PLAIN)]
    yield [("tasks went  ", DIM), (_listed(went), PLAIN)]


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {word}" for word, count in counts.items() if count) or "none"


def _anomaly_lines(audit: Audit) -> Iterator[Line]:
    yield from _counter_lines("noticed by replay", audit.anomalies)
    yield from _counter_lines("faults that did not fit their pages", audit.contradictions)


def _counter_lines(title: str, counters: tuple[Anomaly, ...]) -> Iterator[Line]:
    if not counters:
        return
    yield []
    yield [(title, BOLD)]
    styles = {Severity.INFO: PLAIN, Severity.DATA_LOSS: NOTABLE, Severity.ERROR: BAD}
    rows: list[list[Piece]] = [
        [
            (f"{anomaly.count:,}", PLAIN),
            (anomaly.kind.name, PLAIN),
            (str(anomaly.kind.severity), styles[anomaly.kind.severity]),
            (anomaly.kind.sentence, DIM),
        ]
        for anomaly in counters
    ]
    yield from aligned(rows, indent="  ", numbers=(0,))


def _open_lines(audit: Audit) -> Iterator[Line]:
    tasks = [f"{task.id.tid} ({shown(task.state) or '?'})" for task in audit.open_tasks]
    calls = [f"{call.caller.tid} in {syscall_name(call.syscall)}" for call in audit.open_calls]
    for what, found in (("tasks", tasks), ("calls", calls)):
        if found:
            more = len(found) - _SHOWN_OPEN
            text = ", ".join(found[:_SHOWN_OPEN]) + (f", {more:,} more" if more > 0 else "")
            yield [(f"open {what}  ", DIM), (text, PLAIN)]
