# SPDX-License-Identifier: Apache-2.0
"""The comparisons of an audit: what was recorded, and what the kernel says it should be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from replay.memory.fault_audit import Cause

if TYPE_CHECKING:
    from replay.memory.copy_audit import CopyAudit
    from replay.memory.fault_audit import FaultAudit
    from replay.tables import TraceTables


@dataclass(frozen=True, slots=True)
class Finding:
    """One comparison of what was recorded with what it should be."""

    name: str
    recorded: int | None
    expected: int | None
    holds: bool | None
    """None where one of the two is not known, or the host was not quiet enough to tell."""
    sentence: str


def _written(trace: TraceTables) -> dict[str, Any]:
    """Give the counters that the recorder wrote at its end; none for a truncated trace."""
    audit = trace.metadata.get("audit")
    return audit if isinstance(audit, dict) else {}


def _number(audit: dict[str, Any], name: str) -> int | None:
    value = audit.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def against_kernel(trace: TraceTables) -> tuple[Finding, ...]:
    """Compare tasks created and ended with the counters that the recorder wrote at its end."""
    audit = _written(trace)
    followed, other = _number(audit, "newtasks_followed"), _number(audit, "newtasks_other")
    proc_stat = _number(audit, "proc_stat_processes")
    counted = followed + other if followed is not None and other is not None else None
    agrees = None if counted is None or proc_stat is None else counted == proc_stat
    if agrees is False and audit.get("stable") is not True:
        agrees = None
    created, ended = len(trace.table("newtask")), len(trace.table("exit"))
    return (
        equal(
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
        equal(
            "ended_tasks",
            ended,
            _number(audit, "exits_followed"),
            "Recorded ends of tasks, against those that the hooks saw of followed tasks.",
        ),
    )


def equal(name: str, recorded: int, expected: int | None, sentence: str) -> Finding:
    """Give a finding that holds where both numbers are equal."""
    holds = None if expected is None else recorded == expected
    return Finding(name, recorded, expected, holds, sentence)


def missed_programs(trace: TraceTables) -> list[Finding]:
    """Say which BPF programs were skipped, and how often."""
    missed = _written(trace).get("missed_programs")
    if not isinstance(missed, dict):
        return []
    return [
        equal(
            f"missed_{name}",
            count,
            0,
            f"Times that the kernel skipped the BPF program {name} because it was busy.",
        )
        for name, count in sorted(missed.items())
        if isinstance(count, int)
    ]


def fault_findings(faults: FaultAudit | None) -> list[Finding]:
    """Compare faults; nothing to say without an audit of them.

    What raises no event is no contradiction, and leaves the first finding open where no recorded
    call explains it.
    """
    if faults is None:
        return []
    unseen = sum(count for cause, count in faults.causes.items() if cause is not Cause.LOST)
    return [
        Finding(
            "faults",
            faults.recorded,
            faults.expected,
            True if faults.explained else None,
            "Completed faults of tasks that ended, against the kernel's min_flt + maj_flt; "
            f"{unseen:,} of these raised no event to record.",
        ),
        equal(
            "faults_beyond_kernel",
            faults.beyond,
            0,
            "Faults recorded of a task beyond those that the kernel counted for it.",
        ),
    ]


def copy_findings(copies: CopyAudit | None) -> list[Finding]:
    """Compare copies; nothing to say without an audit of them."""
    if copies is None:
        return []
    return [
        Finding(
            "copies",
            copies.recorded,
            copies.expected,
            True if copies.explained else None,
            "Copies on write that faults showed, against the kernel's wpcopy_count, task by task.",
        ),
        equal(
            "copies_beyond_kernel",
            copies.beyond,
            0,
            "Copies seen of a task beyond those that the kernel counted for it.",
        ),
    ]
