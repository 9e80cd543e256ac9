# SPDX-License-Identifier: Apache-2.0
"""Which steps a creation takes, by its flags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from replay.checks.allocations import allocations
from replay.checks.check import Check
from replay.checks.judge import Cases, Question, judged, nothing_recorded
from replay.checks.post_conditions import flags_hold, flags_in_words
from replay.checks.seen_steps import TABLES, lacking, vague
from replay.checks.verdict import Verdict
from replay.checks.words import at, created, ordered

if TYPE_CHECKING:
    from replay.checks.evidence import Evidence
    from replay.checks.verdict import WitnessEvent
    from replay.model.values import FlagCondition, Observation, Step


def _run(evidence: Evidence) -> Verdict:
    pairs = allocations(evidence.model)
    if not pairs:
        return Verdict(CHECK.id, (), ())
    if lacks := lacking(evidence):
        return nothing_recorded(CHECK.id, evidence, TABLES, lacks)
    whole = not evidence.anything_lost(TABLES)
    frame = _frame(evidence, pairs)
    questions = [_asked(step, seen, whole=whole) for step, seen in pairs]
    return judged(CHECK.id, evidence, Cases(frame, TABLES, _events), questions)


def _frame(evidence: Evidence, pairs: list[tuple[Step, Observation]]) -> pl.DataFrame:
    """Give every call that made a task, with the number of allocations of each kind."""
    calls = evidence.windows.calls.filter(pl.col("child_tid").is_not_null())
    rows = evidence.allocated.with_columns(kind=pl.concat_str("step", "part", separator="/"))
    wide = rows.pivot("kind", index="window", values="time_ns", aggregate_function="len")
    kinds = [f"{step.id}/{seen.name}" for step, seen in pairs]
    missing = [pl.lit(0, pl.UInt32).alias(kind) for kind in kinds if kind not in wide.columns]
    frame = calls.join(wide.with_columns(missing), on="window", how="left", maintain_order="left")
    frame = frame.join(vague(evidence), on="window", how="left", maintain_order="left")
    return frame.with_columns(pl.col(kinds).fill_null(0), pl.col("vague").fill_null(value=False))


def _asked(step: Step, seen: Observation, *, whole: bool) -> Question:
    kind = f"{step.id}/{seen.name}"
    expected = flags_hold(step.when) & flags_hold(seen.when)
    taken = pl.col(kind) > 0
    # What explains another outcome is in the model's words, and no trace shows it.
    unless = next(
        (one.unless for one in step.leaves if one.unless and opposite(one.when, seen.when)), ""
    )
    sure = pl.when(expected).then(~pl.col("vague") & whole).otherwise(statement=not unless)
    return Question(
        part=kind,
        rule=f"{step.id} allocates {seen.name}{flags_in_words(seen.when)}, and not otherwise",
        applies=pl.lit(value=True),
        holds=pl.when(taken == expected).then(statement=True).when(sure).then(statement=False),
        missing=f"it may be that {unless}" if unless else "an allocation may have been lost",
        found=lambda row: f"{row[kind]} were allocated",
    )


def opposite(one: FlagCondition, other: FlagCondition) -> bool:
    """Tell whether one of the two conditions holds exactly where the other does not."""
    return (one.all | one.any, one.none) == (other.none, other.all | other.any)


def _events(row: dict[str, Any]) -> tuple[WitnessEvent, ...]:
    return ordered(
        at(row["enter_ns"], "sys_enter", f"{row['tid']} calls the clone family"),
        created({**row, "time_ns": row["published_ns"]}),
        at(row["time_ns"], "sys_exit", f"{row['tid']} returns"),
    )


CHECK: Final = Check(
    id="step-presence",
    title="a creation takes the steps that its flags ask for, and no other",
    what="For every creation and every step that allocates: the allocation is there when the "
    "flags ask for an own object, and is not when they ask for sharing.",
    why="What is shared costs nothing: this is why a vfork of a large process is quick. With "
    "CLONE_VM no mm, no mapping and no page table is copied.",
    limits="A step shows itself by where it allocates. Where the kernel merged caches and several "
    "steps allocate in one function, a missing allocation is unknown. An io_uring worker is "
    "created outside of these calls.",
    example="A vfork in which an mm_struct is allocated violates it, and so does a fork without.",
    source="kernel/fork.c: copy_files(), copy_fs(), copy_sighand(), copy_signal(), copy_mm(); "
    "kernel/cred.c; kernel/nsproxy.c; kernel/pid.c",
    observed="`step`: kmem_cache_alloc and kmalloc by call site, in the window of `clone_call`.",
    run=_run,
)
"""The check."""
