# SPDX-License-Identifier: Apache-2.0
"""What a failed creation takes back, and in which order."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from replay.checks.check import Check
from replay.checks.failing_step import failed_events, failures
from replay.checks.judge import Cases, Question, judged, nothing_recorded
from replay.checks.seen_steps import TABLES, lacking
from replay.checks.verdict import Verdict
from replay.checks.words import at, ordered
from replay.model.values import Observed
from replay.steps.windows import FREES

if TYPE_CHECKING:
    from collections.abc import Callable

    from replay.checks.evidence import Evidence
    from replay.checks.verdict import WitnessEvent
    from replay.model.values import Model


def _run(evidence: Evidence) -> Verdict:
    rungs = _rungs(evidence.model)
    if not rungs:
        return Verdict(CHECK.id, (), ())
    if lacks := lacking(evidence):
        return nothing_recorded(CHECK.id, evidence, TABLES, lacks)
    whole = not evidence.anything_lost(TABLES)
    questions = [_freed(label, name, whole=whole) for label, name in rungs]
    questions += [_ordered(one[1], other[1]) for one, other in pairwise(rungs)]
    names = [name for _, name in rungs]
    cases = Cases(_frame(evidence, names), TABLES, _events(names))
    return judged(CHECK.id, evidence, cases, questions)


def _rungs(model: Model) -> list[tuple[str, str]]:
    """Give (label, cache) of what the ladder frees at once, in its order."""
    return [
        (rung.label, seen.name)
        for rung in model.undo
        for seen in rung.observe
        if seen.kind is Observed.FREE and seen.sure
    ]


def _frame(evidence: Evidence, names: list[str]) -> pl.DataFrame:
    """Give every failed call with made_CACHE, left_CACHE and freed_CACHE (when) for each cache."""
    failed = evidence.windows.calls.filter(pl.col("result") < 0).select("window")
    made = evidence.allocated.join(failed, on="window", how="semi")
    made = made.filter(pl.col("part").is_in(names))
    frees = (
        evidence.moments.filter(pl.col("failed") & pl.col("what").is_in(FREES))
        .select("window", "object", freed_ns="time_ns")
    )  # fmt: skip
    pairs = made.join(frees, on=["window", "object"], how="left")
    later = pairs.with_columns(
        freed_ns=pl.when(pl.col("freed_ns") >= pl.col("time_ns")).then("freed_ns")
    )
    objects = later.group_by("window", "part", "object", "time_ns").agg(pl.col("freed_ns").min())
    sums = objects.group_by("window", "part").agg(
        made=pl.len(), left=pl.col("freed_ns").null_count(), freed=pl.col("freed_ns").min()
    )
    frame = failures(evidence)
    for name in names:
        own = sums.filter(pl.col("part") == name).select(
            "window", **{f"{what}_{name}": pl.col(what) for what in ("made", "left", "freed")}
        )
        frame = frame.join(own, on="window", how="left", maintain_order="left")
    return frame


def _freed(label: str, name: str, *, whole: bool) -> Question:
    return Question(
        part=label,
        rule=f"{label} frees the {name} that the call allocated",
        applies=(pl.col(f"made_{name}") > 0).fill_null(value=False),
        holds=pl.when(pl.col(f"left_{name}") == 0).then(statement=True)
        .when(pl.lit(whole)).then(statement=False),
        missing="what freed it may have been lost",
        found=lambda row: f"{row[f'left_{name}']} of {row[f'made_{name}']} were not freed",
    )  # fmt: skip


def _ordered(one: str, other: str) -> Question:
    first, then = pl.col(f"freed_{one}"), pl.col(f"freed_{other}")
    return Question(
        part=f"{one} before {other}",
        rule=f"the ladder frees {one} before {other}",
        applies=first.is_not_null() & then.is_not_null(),
        holds=first <= then,
        missing="",
        found=lambda _: f"{other} was freed first",
    )


def _events(names: list[str]) -> Callable[[dict[str, Any]], tuple[WitnessEvent, ...]]:
    def events(row: dict[str, Any]) -> tuple[WitnessEvent, ...]:
        freed = [at(row[f"freed_{name}"], "kmem_cache_free", name) for name in names]
        return ordered(*failed_events(row), *freed)

    return events


CHECK: Final = Check(
    id="undo-ladder",
    title="a failed creation takes back what it made, in the ladder's order",
    what="For every call of the clone family that failed: each object that it allocated and that "
    "the kernel's ladder frees at once was freed before the call returned, in the ladder's order.",
    why="A failed fork that leaves something behind is a leak that any user can provoke.",
    limits="task_struct, credentials and pids are freed later, by RCU or deferred: that is not "
    "seen within the call. Only whole objects of own caches are followed.",
    example="A failed clone whose files_struct was allocated and not freed violates it.",
    source="kernel/fork.c: copy_process(), bad_fork_* labels",
    observed="`step`: kmem_cache_free of the same object, in the window of `clone_call`.",
    run=_run,
)
"""The check."""
