# SPDX-License-Identifier: Apache-2.0
"""The children of a task that ends get a new parent by the kernel's order of heirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from replay.checks.ancestors import with_ancestry
from replay.checks.check import Check
from replay.checks.judge import Cases, Question, judged
from replay.checks.lives import PROCESS, TASK, with_leader
from replay.checks.verdict import Verdict
from replay.checks.words import at, ordered

if TYPE_CHECKING:
    from replay.checks.evidence import Evidence
    from replay.checks.verdict import WitnessEvent

_TABLES: Final = ("dead", "exit", "newtask", "adopted", "orphan")
_GROUP_EXIT: Final = 4


def _run(evidence: Evidence) -> Verdict:
    heirs = [
        sequence.settings.get("heirs")
        for sequence in evidence.model.sequences
        if sequence.id == "reparent"
    ]
    if not heirs:
        return Verdict(CHECK.id, (), ())
    whole = ~pl.lit(evidence.anything_lost(_TABLES))
    sibling = pl.col("reaper_tgid") == pl.col("tgid")
    has_reaper = pl.col("reaper_tid") != 0
    of_namespace = pl.col("reaper_is_init").fill_null(value=False)
    above = pl.col("is_ancestor")
    # What a followed process creates is followed, so that one which is no ancestor up to where the
    # recording begins is none at all; but a process can leave a cgroup, and its recording.
    told = above.is_not_null() | (pl.col("reaper_born_ns").is_not_null() & ~_by_cgroup(evidence))
    questions = [
        Question(
            part="somebody",
            rule="children that are left behind get a new parent",
            applies=pl.col("left") > 0,
            # The children of a namespace's init are killed and die with it.
            holds=pl.when(has_reaper | pl.col("is_init").fill_null(value=False))
            .then(statement=True)
            .when(whole & ~pl.col("first_gone")).then(statement=False),
            missing="it may have been lost, or the child that would tell was gone before",
            found=lambda _: "nobody has them",
        ),
        Question(
            part="thread_first",
            rule="a thread of the same process that lives on comes first",
            applies=has_reaper & (pl.col("left") > 0) & (sibling | pl.col("surely_alive")),
            holds=pl.when(pl.col("surely_alive")).then(sibling)
            .when(pl.col("reaper_lived")).then(statement=True)
            .when(whole).then(statement=False),
            missing="the reaper's life is not known",
            found=lambda row: f"{row['reaper_tid']} of process {row['reaper_tgid']} has them",
        ),
        Question(
            part="then_ancestor_or_init",
            rule="then an ancestor that is a subreaper, else the init of the pid namespace",
            applies=has_reaper & ~sibling,
            holds=pl.when(of_namespace | above.fill_null(value=False)).then(statement=True)
            .when(whole & told).then(statement=False),
            missing="ancestors of the process were not recorded",
            found=lambda row: f"{row['reaper_tgid']} is neither",
        ),
    ]  # fmt: skip
    named = isinstance(heirs[0], tuple) and len(heirs[0]) > 1
    asked = questions if named else questions[:1]
    return judged(CHECK.id, evidence, Cases(_frame(evidence), _TABLES, _events), asked)


def _by_cgroup(evidence: Evidence) -> pl.Expr:
    recording = evidence.trace.metadata.get("recording")
    return pl.lit(isinstance(recording, dict) and bool(recording.get("cgroup")))


def _frame(evidence: Evidence) -> pl.DataFrame:
    """Give every last switch with what was left behind, and what is known of the reaper."""
    orphans = evidence.trace.table("orphan").group_by(TASK, maintain_order=True).agg(
        pl.col("child_tid", "child_start_ns").first(), left=pl.len()
    )  # fmt: skip
    dead = with_leader(evidence.trace.table("dead"), evidence.lives).join(
        orphans, on=TASK, how="left", maintain_order="left"
    )
    dead = dead.with_columns(pl.col("left").fill_null(0)).filter(
        (pl.col("left") > 0) | (pl.col("reaper_tid") != 0)
    )
    exits = evidence.ends.select(*TASK, "signal_flags", exit_ns="time_ns").unique(TASK, keep="last")
    frame = dead.join(exits, on=TASK, how="left", maintain_order="left")
    frame = _with_first_gone(frame, evidence)
    frame = _with_siblings(frame, evidence)
    return with_ancestry(_with_reaper(frame, evidence), evidence)


def _with_first_gone(frame: pl.DataFrame, evidence: Evidence) -> pl.DataFrame:
    """Add whether the first child ended before its father's last switch.

    It is the one whose parent is looked at then, and there is nothing to look at if it was reaped.
    """
    ends = evidence.ends.group_by(child_tid="tid", child_start_ns="start_ns").agg(
        child_end_ns=pl.col("time_ns").min()
    )
    frame = frame.join(
        ends, on=["child_tid", "child_start_ns"], how="left", maintain_order="left"
    )  # fmt: skip
    gone = pl.col("child_end_ns") < pl.col("time_ns")
    return frame.with_columns(first_gone=gone.fill_null(value=False))


def _with_siblings(frame: pl.DataFrame, evidence: Evidence) -> pl.DataFrame:
    """Add surely_alive: a thread of the process was born before and never ended in the recording.

    A thread that ends soon after may have been exiting already, which the kernel passes over.
    """
    ended = evidence.ends.select(TASK).unique()
    gone = evidence.executions.filter(pl.col("old_tid") != pl.col("tid")).select(
        tid="old_tid", start_ns="old_start_ns"
    )
    there = evidence.lives.join(ended, on=TASK, how="anti").join(gone, on=TASK, how="anti")
    first = there.group_by(PROCESS).agg(first_born_ns=pl.col("born_ns").min())
    alive = (pl.col("first_born_ns") < pl.col("exit_ns")).fill_null(value=False)
    group_exits = ((pl.col("signal_flags") & _GROUP_EXIT) != 0).fill_null(value=True)
    return frame.join(first, on=PROCESS, how="left", maintain_order="left").with_columns(
        surely_alive=alive & ~group_exits
    )


def _with_reaper(frame: pl.DataFrame, evidence: Evidence) -> pl.DataFrame:
    """Add is_init and reaper_is_init (of the namespace), and reaper_lived at the father's end."""
    mine = evidence.lives.select(*PROCESS, "tid", inum="pidns_inum", ns_pid="ns_tid")
    mine = mine.filter(pl.col("tid") == pl.col("tgid")).drop("tid")
    reapers = evidence.lives.select(
        reaper_tid="tid", reaper_start_ns="start_ns", reaper_inum="pidns_inum", reaper_ns="ns_tid",
        reaper_born_ns="born_ns",
    )  # fmt: skip
    ends = evidence.ends.group_by(reaper_tid="tid", reaper_start_ns="start_ns").agg(
        reaper_end_ns=pl.col("time_ns").max()
    )
    key = ["reaper_tid", "reaper_start_ns"]
    frame = frame.join(mine, on=PROCESS, how="left", maintain_order="left")
    frame = frame.join(reapers, on=key, how="left", maintain_order="left")
    frame = frame.join(ends, on=key, how="left", maintain_order="left")
    same = pl.col("reaper_inum") == pl.col("inum")
    return frame.with_columns(
        is_init=pl.col("ns_pid") == 1,
        # The init of the host is never followed, and its pid is 1.
        reaper_is_init=(pl.col("reaper_tgid") == 1) | (same & (pl.col("reaper_ns") == 1)),
        reaper_lived=pl.col("reaper_born_ns").is_not_null()
        & (pl.col("reaper_end_ns") > pl.col("exit_ns")).fill_null(value=True),
    )


def _events(row: dict[str, Any]) -> tuple[WitnessEvent, ...]:
    left = f"{row['tid']} of process {row['tgid']} ends and leaves {row['left']} children"
    given = f"they are given to {row['reaper_tid']} of process {row['reaper_tgid']}"
    return ordered(
        at(row["exit_ns"], "sched_process_exit", left), at(row["time_ns"], "sched_switch", given)
    )


CHECK: Final = Check(
    id="reparenting",
    title="orphans go to a thread of the group, a subreaper above, or the namespace's init",
    what="For every task that ends with children: they are given to somebody; to a thread of the "
    "same process as long as one surely lives on; otherwise to an ancestor of the process, or to "
    "the init of its pid namespace.",
    why="Who adopts decides who must wait: a process without a waiting parent stays a zombie.",
    limits="Which ancestor is a subreaper is not recorded, so any ancestor passes; ancestors "
    "that are not followed leave the case unknown. A thread that ends soon after the parent may "
    "have been exiting already and is not demanded.",
    example="An orphan that is given to a sibling of its parent violates it.",
    source="kernel/exit.c: forget_original_parent(), find_new_reaper(), find_alive_thread()",
    observed="`orphan` at sched_process_exit of the parent, reaper in `dead`.",
    run=_run,
)
"""The check."""
