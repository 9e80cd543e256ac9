# SPDX-License-Identifier: Apache-2.0
"""An exec that fails changes nothing; nothing but exec changes the address space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from replay.checks.check import Check
from replay.checks.judge import Cases, Question, judged
from replay.checks.lives import TASK
from replay.checks.words import at, ordered
from replay.names import errno_name

if TYPE_CHECKING:
    from replay.checks.evidence import Evidence
    from replay.checks.verdict import Verdict, WitnessEvent

_TABLES: Final = ("exec_failed", "exec", "newtask", "adopted", "exit")
_SIGNAL: Final = 0x7F


def _run(evidence: Evidence) -> Verdict:
    asked = any(sequence.id == "exec" for sequence in evidence.model.sequences)
    seen = _sightings(evidence)
    failed = evidence.trace.table("exec_failed").select(
        *TASK, "result", failed_ns="time_ns", enter_ns="enter_ns"
    )
    killed_ones = evidence.ends.select(
        *TASK, killed=((pl.col("exit_code") | pl.col("group_exit_code")) & _SIGNAL) != 0
    ).unique(TASK)
    frame = _around(failed.sort("failed_ns"), seen).join(killed_ones, on=TASK, how="left")
    # Past the point of no return there is no way back: the task is killed by SIGSEGV.
    killed = pl.col("killed").fill_null(value=False)
    same = pl.col("mm_after") == pl.col("mm_before")
    question = Question(
        part="same_memory",
        rule="after an exec that failed the task has the address space that it had before",
        applies=pl.col("mm_after").is_not_null(),
        holds=pl.when(same).then(statement=True).when(~killed).then(statement=False),
        missing="the address space before was not recorded, or the task was killed",
        found=lambda row: f"it was {row['mm_before'] or 0:#x} and is {row['mm_after']:#x}",
    )
    cases = Cases(frame, _TABLES, _events)
    return judged(CHECK.id, evidence, cases, [question] if asked else [])


def _sightings(evidence: Evidence) -> pl.DataFrame:
    """Give (task, time, mm) of every row that shows the mm of a task."""
    trace = evidence.trace
    born = trace.table("newtask").select(
        "time_ns", tid="child_tid", start_ns="child_start_ns", mm="child_mm"
    )
    shown = [trace.table(name).select("time_ns", *TASK, "mm") for name in ("adopted", "newtask")]
    executed = trace.table("exec").select("time_ns", *TASK, "mm")
    called = trace.table("exec").select(
        time_ns="enter_ns", tid="old_tid", start_ns="old_start_ns", mm="old_mm"
    )
    ended = evidence.ends.select("time_ns", *TASK, "mm")
    order = ["time_ns", *TASK, "mm"]
    both = pl.concat([frame.select(order) for frame in (born, *shown, executed, called, ended)])
    return both.filter(pl.col("mm") != 0).sort("time_ns", maintain_order=True)


def _around(failed: pl.DataFrame, seen: pl.DataFrame) -> pl.DataFrame:
    """Add mm_before and mm_after: what was last seen before and first seen after each failure."""
    sides = failed
    for name, strategy in (("before", "backward"), ("after", "forward")):
        rows = seen.rename({"mm": f"mm_{name}", "time_ns": f"{name}_ns"})
        sides = sides.join_asof(
            rows,
            left_on="failed_ns",
            right_on=f"{name}_ns",
            by=TASK,
            strategy=strategy,  # type: ignore[arg-type] # one of polars' two words
            check_sortedness=False,
        )
    return sides


def _events(row: dict[str, Any]) -> tuple[WitnessEvent, ...]:
    tid = row["tid"]
    failed = f"{tid} returns from execve: {errno_name(-row['result'])}"
    return ordered(
        at(row["before_ns"], "mm", f"{tid} has mm {row['mm_before'] or 0:#x}"),
        at(row["failed_ns"], "sys_exit", failed),
        at(row["after_ns"], "mm", f"{tid} has mm {row['mm_after'] or 0:#x}"),
    )


CHECK: Final = Check(
    id="exec-failed",
    title="an exec that fails changes nothing",
    what="For every execve that returned an error: the next event that shows the task's mm shows "
    "the one that it had before.",
    why="A shell tries every folder of PATH in this way, and must remain what it was.",
    limits="Only the address space is compared, and only where a later event shows it. An exec "
    "that fails after the point of no return kills the task; that is not judged.",
    example="A task whose mm differs after ENOENT violates it.",
    source="fs/exec.c: bprm_execve(), begin_new_exec() up to bprm->point_of_no_return",
    observed="`exec_failed`, and mm in `newtask`, `adopted`, `exec` and `exit`.",
    run=_run,
)
"""The check."""
