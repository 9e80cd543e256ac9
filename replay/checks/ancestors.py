# SPDX-License-Identifier: Apache-2.0
"""Whether a process stands above another in the tree, for a frame of pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from replay.checks.lives import TASK

if TYPE_CHECKING:
    from replay.checks.evidence import Evidence

_MOST_STEPS: Final = 4096
"""No tree of processes is deeper (pid_max ends it), unless a trace goes round in a circle."""


def with_ancestry(frame: pl.DataFrame, evidence: Evidence) -> pl.DataFrame:
    """Add is_ancestor: whether process reaper_tgid stands above process tgid at its end.

    Null where the chain leaves what was recorded before the reaper was met. A step goes to the
    real_parent that a process showed last: at its own end, or at its birth.
    """
    parents = _parents(evidence)
    rows = frame.with_row_index("row")
    walk = rows.select("row", "reaper_tgid", at_tgid="tgid", at_start_ns="leader_start_ns")
    found: list[pl.DataFrame] = []
    for _ in range(_MOST_STEPS):
        if walk.is_empty():
            break
        up = walk.join(parents, on=["at_tgid", "at_start_ns"], how="left")
        met = pl.col("parent_tgid") == pl.col("reaper_tgid")
        known = pl.col("parent_start_ns").is_not_null()
        # Beyond the first process of a namespace or of the host there is nobody.
        top = pl.col("parent_tgid") == 0
        answers = up.select(
            "row",
            answer=pl.when(met).then(statement=True).when(top).then(statement=False),
            done=met.fill_null(value=False) | top.fill_null(value=False) | ~known,
            next_tgid="parent_tgid", next_start_ns="parent_start_ns",
            reaper_tgid="reaper_tgid",
        )  # fmt: skip
        found.append(answers.filter("done").select("row", "answer"))
        walk = answers.filter(~pl.col("done")).select(
            "row", "reaper_tgid", at_tgid="next_tgid", at_start_ns="next_start_ns"
        )
    none = rows.select("row", answer=pl.lit(None, pl.Boolean)).clear()
    answers = pl.concat([none, *found]).rename({"answer": "is_ancestor"})
    return rows.join(answers, on="row", how="left", maintain_order="left").drop("row")


def _parents(evidence: Evidence) -> pl.DataFrame:
    """Give the parent process of each process: at_tgid, at_start_ns, parent_tgid, parent_start_ns.

    The start is that of the parent's leader; null for a parent that was not followed.
    """
    trace = evidence.trace
    born = trace.table("newtask").filter(pl.col("child_tid") == pl.col("child_tgid")).select(
        "real_parent_tid", "real_parent_tgid", "real_parent_start_ns",
        at_tgid="child_tgid", at_start_ns="child_start_ns",
    )  # fmt: skip
    columns = ["real_parent_tid", "real_parent_tgid", "real_parent_start_ns"]
    adopted = trace.table("adopted").filter(pl.col("tid") == pl.col("tgid")).select(
        *columns, at_tgid="tgid", at_start_ns="start_ns"
    )  # fmt: skip
    ended = evidence.ends.select(*columns, at_tgid="tgid", at_start_ns="leader_start_ns")
    shown = pl.concat([ended.reverse(), born, adopted]).unique(
        ["at_tgid", "at_start_ns"], keep="first", maintain_order=True
    )
    leaders = evidence.lives.select(
        *TASK, parent_tgid="tgid", parent_start_ns="leader_start_ns"
    ).rename({"tid": "real_parent_tid", "start_ns": "real_parent_start_ns"})
    joined = shown.join(leaders, on=["real_parent_tid", "real_parent_start_ns"], how="left")
    return joined.select(
        "at_tgid", "at_start_ns",
        parent_tgid=pl.col("parent_tgid").fill_null(pl.col("real_parent_tgid")),
        parent_start_ns="parent_start_ns",
    )  # fmt: skip
