# SPDX-License-Identifier: Apache-2.0
"""How complete a recording is: what it holds against what the kernel itself counted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import polars as pl

from replay.anomalies import Anomaly, Severity
from replay.process import TaskId
from replay.tables import columns

if TYPE_CHECKING:
    from replay.forest import ProcessForest
    from replay.losses import Loss
    from replay.tables import TraceTables


class Verdict(StrEnum):
    """Whether a recording holds everything that happened."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    TRUNCATED = "truncated"
    """The file was cut off: the recorder did not finish it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One comparison of what was recorded with what it should be."""

    name: str
    recorded: int | None
    expected: int | None
    holds: bool | None
    """None where one of the two is not known, or the host was not quiet enough to tell."""
    sentence: str


@dataclass(frozen=True, slots=True)
class TaskCounts:
    """Followed tasks by how they came and how they went; `unaccounted` ones did not go."""

    created: int
    adopted: int
    unknown_origin: int
    """Tasks with events, but neither created nor adopted by any row."""
    only_listed: int
    """Tasks that /proc showed at the start and that had no event."""
    ended: int
    alive: int
    became_leader: int
    """Threads that went on as the leader of their process by exec."""
    unaccounted: int


@dataclass(frozen=True, slots=True)
class OpenTask:
    """A task that was still there as recording ended."""

    id: TaskId
    state: bytes
    """State letter of /proc; empty where it was just gone."""


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call that had not returned as recording ended."""

    caller: TaskId
    syscall: int
    enter_ns: int


@dataclass(frozen=True, slots=True)
class Audit:
    """The audit of a recording: numbers, and what they say together."""

    findings: tuple[Finding, ...]
    tasks: TaskCounts
    losses: tuple[Loss, ...]
    open_tasks: tuple[OpenTask, ...]
    open_calls: tuple[OpenCall, ...]
    anomalies: tuple[Anomaly, ...]
    verdict: Verdict
    reasons: tuple[str, ...]
    """Why the verdict is not COMPLETE, a sentence each; empty where it is."""

    @classmethod
    def of(cls, trace: TraceTables, forest: ProcessForest) -> Audit:
        """Audit a trace with the forest that was rebuilt from it."""
        tasks = _count_tasks(trace, forest)
        findings = (
            *_against_kernel(trace),
            *_missed_programs(trace),
            _births_against_ends(tasks, complete=trace.complete),
            _lost(forest),
        )
        anomalies = tuple(forest.anomalies.found())
        reasons = _reasons(findings, anomalies, complete=trace.complete)
        verdict = Verdict.INCOMPLETE if reasons else Verdict.COMPLETE
        return cls(
            findings,
            tasks,
            forest.losses.by_place,
            _open_tasks(trace),
            _open_calls(trace),
            anomalies,
            verdict if trace.complete else Verdict.TRUNCATED,
            reasons,
        )

    def finding(self, name: str) -> Finding:
        """Give one finding by name."""
        return next(finding for finding in self.findings if finding.name == name)


def _written(trace: TraceTables) -> dict[str, Any]:
    """Give the counters that the recorder wrote at its end; none for a truncated trace."""
    audit = trace.metadata.get("audit")
    return audit if isinstance(audit, dict) else {}


def _number(audit: dict[str, Any], name: str) -> int | None:
    value = audit.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _against_kernel(trace: TraceTables) -> tuple[Finding, ...]:
    audit = _written(trace)
    followed, other = _number(audit, "newtasks_followed"), _number(audit, "newtasks_other")
    proc_stat = _number(audit, "proc_stat_processes")
    counted = followed + other if followed is not None and other is not None else None
    agrees = None if counted is None or proc_stat is None else counted == proc_stat
    if agrees is False and audit.get("stable") is not True:
        agrees = None
    created, ended = len(trace.table("newtask")), len(trace.table("exit"))
    return (
        _equal(
            "created_tasks",
            created,
            followed,
            "Recorded creations of tasks, against those that the hooks saw of followed tasks.",
        ),
        Finding(
            "proc_stat_processes",
            counted,
            proc_stat,
            agrees,
            "All creations of tasks that the hooks saw, against the growth of `processes` in "
            "/proc/stat.",
        ),
        _equal(
            "ended_tasks",
            ended,
            _number(audit, "exits_followed"),
            "Recorded ends of tasks, against those that the hooks saw of followed tasks.",
        ),
    )


def _equal(name: str, recorded: int, expected: int | None, sentence: str) -> Finding:
    holds = None if expected is None else recorded == expected
    return Finding(name, recorded, expected, holds, sentence)


def _missed_programs(trace: TraceTables) -> list[Finding]:
    missed = _written(trace).get("missed_programs")
    if not isinstance(missed, dict):
        return []
    return [
        _equal(
            f"missed_{name}",
            count,
            0,
            f"Times that the kernel skipped the BPF program {name} because it was busy.",
        )
        for name, count in sorted(missed.items())
        if isinstance(count, int)
    ]


def _count_tasks(trace: TraceTables, forest: ProcessForest) -> TaskCounts:
    adopted_ids = set(columns(trace.table("adopted"), "tid", "start_ns"))
    counts = dict.fromkeys(TaskCounts.__dataclass_fields__, 0)
    for task in forest.tasks.values():
        if task.creation is not None:
            origin = "created"
        elif task.id in adopted_ids:
            origin = "adopted"
        else:
            listed = forest.processes[task.process].before_recording
            origin = "only_listed" if listed else "unknown_origin"
        counts[origin] += 1
        if task.end is not None:
            counts["ended"] += 1
        elif task.became_leader_ns:
            counts["became_leader"] += 1
        elif task.alive or origin == "only_listed":
            counts["alive"] += 1
        else:
            counts["unaccounted"] += 1
    return TaskCounts(**counts)


def _births_against_ends(tasks: TaskCounts, *, complete: bool) -> Finding:
    gone = tasks.ended + tasks.alive + tasks.became_leader
    known = gone + tasks.unaccounted
    holds = gone == known if complete else None
    sentence = "Tasks that ended or were still there at the end, against all tasks known."
    return Finding("tasks_accounted", gone, known, holds, sentence)


def _lost(forest: ProcessForest) -> Finding:
    count = forest.losses.count
    return _equal("lost_records", count, 0, "Records that the recorder reported as lost.")


def _open_tasks(trace: TraceTables) -> tuple[OpenTask, ...]:
    rows = trace.table("end_task").sort("start_ns", "tid", maintain_order=True)
    return tuple(
        OpenTask(TaskId(tid, start_ns), state)
        for tid, start_ns, state in columns(rows, "tid", "start_ns", "state")
    )


def _open_calls(trace: TraceTables) -> tuple[OpenCall, ...]:
    names = ("tid", "start_ns", "syscall", "enter_ns")
    frames = [
        trace.table(table).filter(pl.col("unfinished") == 1).select(names)
        for table in ("clone_call", "wait")
    ]
    rows = pl.concat(frames).sort("enter_ns", "tid", maintain_order=True)
    return tuple(
        OpenCall(TaskId(tid, start_ns), syscall, enter_ns)
        for tid, start_ns, syscall, enter_ns in columns(rows, *names)
    )


def _reasons(
    findings: tuple[Finding, ...], anomalies: tuple[Anomaly, ...], *, complete: bool
) -> tuple[str, ...]:
    reasons = [] if complete else ["The file was cut off before its end."]
    for finding in findings:
        if finding.holds is False:
            numbers = f"{finding.recorded} instead of {finding.expected}"
            reasons.append(f"{finding.sentence[:-1]}: {numbers}.")
    reasons += [
        f"{anomaly.kind.sentence[:-1]}: {anomaly.count} times."
        for anomaly in anomalies
        if anomaly.kind.severity is not Severity.INFO
    ]
    return tuple(reasons)
