# SPDX-License-Identifier: Apache-2.0
"""How complete a recording is: what it holds against what the kernel itself counted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import polars as pl

from replay.anomalies import Anomaly, Severity
from replay.findings import (
    Finding,
    against_kernel,
    copy_findings,
    equal,
    fault_findings,
    missed_programs,
)
from replay.memory.contradictions import contradictions
from replay.memory.copy_audit import CopyAudit
from replay.memory.fault_audit import FaultAudit
from replay.process import TaskId
from replay.tables import columns

if TYPE_CHECKING:
    from replay.forest import ProcessForest
    from replay.losses import Loss
    from replay.memory.history import PageHistories
    from replay.tables import TraceTables


class Verdict(StrEnum):
    """Whether a recording holds everything that happened."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    TRUNCATED = "truncated"
    """The file was cut off: the recorder did not finish it."""


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
    faults: FaultAudit | None = None
    copies: CopyAudit | None = None
    """None where faults were not audited, or the kernel's counts of copies are not there."""
    contradictions: tuple[Anomaly, ...] = ()
    """Where faults do not fit what was known of their pages."""

    @classmethod
    def of(
        cls, trace: TraceTables, forest: ProcessForest, memory: PageHistories | None = None
    ) -> Audit:
        """Audit a trace with the forest that was rebuilt from it; its faults with `memory`."""
        tasks = _count_tasks(trace, forest)
        faults = FaultAudit.of(trace, memory) if memory is not None else None
        copies = CopyAudit.of(trace, memory, faults) if memory and faults else None
        found = tuple(contradictions(memory)) if memory is not None else ()
        findings = (
            *against_kernel(trace),
            *missed_programs(trace),
            _births_against_ends(tasks, complete=trace.complete),
            _lost(forest),
            *fault_findings(faults),
            *copy_findings(copies),
        )
        anomalies = tuple(forest.anomalies.found())
        reasons = _reasons(findings, (*anomalies, *found), complete=trace.complete)
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
            faults,
            copies,
            found,
        )

    def finding(self, name: str) -> Finding:
        """Give one finding by name."""
        return next(finding for finding in self.findings if finding.name == name)


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
    return equal("lost_records", count, 0, "Records that the recorder reported as lost.")


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
