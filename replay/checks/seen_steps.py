# SPDX-License-Identifier: Apache-2.0
"""Which steps of the model each call of the clone family showed, and when first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from replay.checks.allocations import allocations
from replay.model.values import Observed
from replay.steps.naming import UNDO
from replay.steps.windows import ALLOCATES, What

if TYPE_CHECKING:
    from replay.checks.evidence import Evidence
    from replay.model.values import Model

TABLES: Final = ("step", "slab_cache", "clone_call", "newtask")
LACKS_STEPS: Final = "the recording has no steps: record with steps"
LACKS_FUNCTIONS: Final = (
    "the recording does not name the functions that steps were taken in: "
    "the host hid its addresses (kernel.kptr_restrict)"
)
_MARKS: Final = {
    "task_newtask": What.PUBLISHED,
    "sched_process_fork": What.FORK_EVENT,
    "sched_wakeup_new": What.WOKEN,
}


def observable(model: Model, *, always: bool = False) -> list[str]:
    """Give the steps that show themselves by an event, in the model's order.

    `always` leaves out those that show themselves only at times.
    """
    kinds = (Observed.ALLOC, Observed.CAPABILITY, Observed.TRACEPOINT)
    return [
        step.id
        for step in model.steps
        if any(
            seen.kind in kinds
            and (seen.kind is not Observed.TRACEPOINT or seen.name in _MARKS)
            and (seen.sure or not always)
            for seen in step.observe.get("t0", ())
        )
    ]


def lacking(evidence: Evidence) -> str:
    """Say why no step of a call can be seen; empty where they can."""
    if not evidence.has_steps:
        return LACKS_STEPS
    if fact := evidence.unobserved("slab_allocated"):
        return f"this host could not observe {fact}"
    trace = evidence.trace
    unnamed = len(trace.table("step")) > 0 and not len(trace.table("kernel_function"))
    # The recorder writes the names when it ends: a trace that is cut off may have lost them.
    return LACKS_FUNCTIONS if unnamed and evidence.complete else ""


def vague(evidence: Evidence) -> pl.DataFrame:
    """Give the windows with an allocation at a step's site whose cache is not the model's.

    SLUB merges caches: where several steps allocate in one function, such a one may be any's.
    """
    pairs = allocations(evidence.model)
    sites = sorted({site for _, seen in pairs for site in seen.sites})
    names = sorted({seen.name for _, seen in pairs})
    rows = evidence.moments.filter(pl.col("what").is_in(ALLOCATES))
    unnamed = pl.col("function").is_in(sites) & ~pl.col("part").is_in(names)
    return rows.filter(unnamed).select("window", vague=pl.lit(value=True)).unique()


def first_times(evidence: Evidence) -> pl.DataFrame:
    """Give a row per call, with the time of the first event of each observable step as a column.

    A capability that a step asks for first is the step's, wherever it comes.
    """
    model = evidence.model
    asked: dict[int, str] = {}
    for step in model.steps:
        numbers = [one for one in step.observe.get("t0", ()) if one.kind is Observed.CAPABILITY]
        if numbers:
            asked.setdefault(int(numbers[0].name), step.id)
    rows = evidence.moments
    named = (
        rows.filter(pl.col("step").is_not_null() & (pl.col("step") != UNDO))
        .filter(~pl.col("step").is_in(list(asked.values())))
        .select("window", "step", "time_ns")
    )
    checks = (
        rows.filter(pl.col("what") == What.CAPABILITY)
        .with_columns(
            step=pl.col("amount")
            .cast(pl.Int64)
            .replace_strict(asked, default=None, return_dtype=pl.String)
        )
        .filter(pl.col("step").is_not_null())
        .select("window", "step", "time_ns")
    )
    wanted = observable(model)
    both = pl.concat([named, checks]).filter(pl.col("step").is_in(wanted))
    wide = both.pivot("step", index="window", values="time_ns", aggregate_function="min")
    missing = [pl.lit(None, pl.UInt64).alias(one) for one in wanted if one not in wide.columns]
    wide = wide.with_columns(missing).rename({one: f"at_{one}" for one in wanted})
    return evidence.windows.calls.join(wide, on="window", how="left", maintain_order="left")
