# SPDX-License-Identifier: Apache-2.0
"""Faults and copies in the report of an audit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from replay.memory.copy_audit import CopyCause
from replay.memory.fault_audit import Cause
from replay.process import TaskId
from replay.report.screen import DIM, PLAIN, Line, Piece, aligned
from replay.report.tree_json import id_text
from replay.report.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl

    from replay.audit import Audit
    from replay.memory.copy_audit import CopyAudit
    from replay.memory.fault_audit import FaultAudit


def memory_json(audit: Audit) -> dict[str, object]:
    """Give the members `faults` and `copies`, null where they were not audited."""
    return {"faults": _faults_json(audit.faults), "copies": _copies_json(audit.copies)}


def _faults_json(faults: FaultAudit | None) -> dict[str, object] | None:
    if faults is None:
        return None
    return {
        "recorded": faults.recorded,
        "expected": faults.expected,
        "tasks": faults.tasks,
        "exact": faults.exact,
        "after_end": faults.after_end,
        "beyond": faults.beyond,
        "causes": dict(faults.causes),
        "tasks_that_differ": _differing(faults.by_task),
    }


def _copies_json(copies: CopyAudit | None) -> dict[str, object] | None:
    if copies is None:
        return None
    return {
        "recorded": copies.recorded,
        "expected": copies.expected,
        "tasks": copies.tasks,
        "exact": copies.exact,
        "without_count": copies.without_count,
        "beyond": copies.beyond,
        "causes": dict(copies.causes),
        "tasks_that_differ": _differing(copies.by_task),
    }


def _differing(tasks: pl.DataFrame) -> list[dict[str, Any]]:
    differ = tasks.filter(tasks["difference"] != 0)
    return [
        {"task": id_text(TaskId(row.pop("tid"), row.pop("start_ns"))), **row}
        for row in differ.iter_rows(named=True)
    ]


def memory_lines(audit: Audit) -> Iterator[Line]:
    """Give the lines: how many tasks agree, and why the others do not."""
    if audit.faults is not None:
        yield _compared("faults  ", audit.faults.exact, audit.faults.tasks)
        yield from _cause_lines(audit.faults.causes)
    if audit.copies is not None:
        line = _compared("copies  ", audit.copies.exact, audit.copies.tasks)
        left_out = audit.copies.without_count
        yield [*line, (f", {left_out:,} without a count", PLAIN)] if left_out else line
        yield from _cause_lines(audit.copies.causes)


def _compared(what: str, exact: int, tasks: int) -> Line:
    return [(what, DIM), (f"{exact:,} of {counted(tasks, 'task')} agree exactly", PLAIN)]


_CAUSES: Final = {
    Cause.EXEC_ARGUMENTS: "while execve wrote its arguments into the new stack",
    Cause.POPULATED: "while MAP_POPULATE, MAP_LOCKED or MADV_POPULATE_* touched a whole range",
    Cause.BEFORE_START: "before the task was followed",
    Cause.LOST: "may be among the lost records",
    Cause.OTHER_CALLS: "unseen: get_user_pages() for ptrace, process_vm_writev, O_DIRECT, mlock, "
    "a shared futex",
    CopyCause.RACED: "thrown away for another thread's, or made as a page came from swap",
    CopyCause.UNSEEN_FAULTS: "in those of the faults above that raised no event",
    CopyCause.UNEXPLAINED: "unexplained",
}


def _cause_lines(causes: Mapping[Cause, int] | Mapping[CopyCause, int]) -> Iterator[Line]:
    rows: list[list[Piece]] = [
        [(f"{count:,}", PLAIN), (_CAUSES[cause], DIM)] for cause, count in causes.items()
    ]
    yield from aligned(rows, indent="  ", numbers=(0,))
