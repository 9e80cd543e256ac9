# SPDX-License-Identifier: Apache-2.0
"""Names events after the steps of a reference model.

A model says at which call sites a step allocates and from which cache. Caches of one size are
merged (SLUB), so a cache's name may be another's: the site decides, and the name only where
several steps allocate at the same site. What no step names belongs to the step before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from replay.model.values import Observed
from replay.steps.windows import ALLOCATES, FREES, What

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.model.values import Model, Observation, Step

UNDO: Final = "undo"
"""The step of what a failed call takes back."""
RETURNED: Final = "returned"
PAGE_TABLE: Final = "page table"
RSS_COUNTER: Final = "rss counter"
"""What a page table maps is counted for the child once it is copied (copy_pte_range())."""
KMALLOC: Final = "kmalloc"
"""What models call an allocation from no cache of its own."""

_KIND: Final = ("what", "function", "cache")

_GFP_ZERO: Final = 0x100
"""include/linux/gfp_types.h: ___GFP_ZERO, the same bit since 4.8. Page tables are zeroed."""
_MARKS: Final = {
    "task_newtask": What.PUBLISHED,
    "sched_process_fork": What.FORK_EVENT,
    "sched_wakeup_new": What.WOKEN,
}


def named(moments: pl.DataFrame, model: Model) -> pl.DataFrame:
    """Give `Windows.moments` with `step` and `part`; the step is null before the first that shows.

    `part` is what of the step an event is about: a cache as the model calls it, `page table`,
    `rss counter`, or the function. What a failed call frees is of the step UNDO.
    """
    kinds = moments.filter(pl.col("what").is_in(ALLOCATES)).select(*_KIND).unique().sort(*_KIND)
    rows = [(*kind, *_of_allocation(kind[1], kind[2], model)) for kind in kinds.iter_rows()]
    schema = moments.select(*_KIND).schema | {"own": pl.String(), "known": pl.String()}
    known = pl.DataFrame(rows, schema, orient="row")
    joined = moments.join(known, on=_KIND, how="left", nulls_equal=True, maintain_order="left")
    joined = joined.with_columns(_marked(model).alias("own"))
    joined = joined.with_columns(_so_far("own"))
    joined = _with_capabilities(joined, model).with_columns(_so_far("own"))
    in_tables = pl.col("step").is_in([*_steps_by(model, Observed.PAGE_TABLE).values()])
    is_table = (pl.col("what") == What.PAGES) & (pl.col("gfp") & _GFP_ZERO > 0)
    part = (
        pl.when(in_tables & is_table)
        .then(pl.lit(PAGE_TABLE))
        .when(pl.col("what") == What.RSS)
        .then(pl.lit(RSS_COUNTER))
        .when(pl.col("what") == What.PAGES)
        .then(pl.lit("pages"))
        .when(pl.col("what") == What.CAPABILITY)
        .then(pl.lit("capability check"))
        .otherwise(pl.coalesce("known", "cache", "function", pl.lit("")))
    )
    return joined.with_columns(part=part).drop("own", "known")


def _so_far(column: str) -> pl.Expr:
    return pl.col(column).forward_fill().over("window").alias("step")


def _of_allocation(
    function: str | None, cache: str | None, model: Model
) -> tuple[str | None, str | None]:
    """Give the step that allocates there, and what the model calls the object."""
    at_site = [(step.id, seen.name) for step, seen in _allocations(model) if function in seen.sites]
    by_name = [found for found in at_site if found[1] == cache]
    if by_name or len({step for step, _ in at_site}) == 1:
        return (by_name or at_site)[0]
    return None, None


def _allocations(model: Model) -> Iterator[tuple[Step, Observation]]:
    for step in model.steps:
        for seen in step.observe.get("t0", ()):
            # A kmalloc that may also be missing is in a helper that several steps call.
            if seen.kind is Observed.ALLOC and (seen.sure or seen.name != KMALLOC):
                yield step, seen


def _steps_by(model: Model, kind: Observed) -> dict[str, str]:
    """Give the step of each name that the model observes in this way, the first one first."""
    found: dict[str, str] = {}
    for step in model.steps:
        for seen in step.observe.get("t0", ()):
            if seen.kind is kind:
                found.setdefault(seen.name, step.id)
    return found


def _marked(model: Model) -> pl.Expr:
    """Add the steps of the moments that are no rows of the table, and of what is undone."""
    steps = {
        int(_MARKS[tracepoint]): step
        for tracepoint, step in _steps_by(model, Observed.TRACEPOINT).items()
        if tracepoint in _MARKS
    }
    steps[What.RETURNED] = RETURNED
    moment = pl.col("what").replace_strict(steps, default=None, return_dtype=pl.String)
    undone = pl.when(pl.col("failed") & pl.col("what").is_in(FREES)).then(pl.lit(UNDO))
    return undone.otherwise(pl.coalesce(moment, "own"))


def _with_capabilities(moments: pl.DataFrame, model: Model) -> pl.DataFrame:
    """Name a check after the step that asks for that capability, if that one is not yet over.

    Others ask for the same: dup_mmap() for CAP_SYS_ADMIN, whenever memory is accounted.
    """
    places = {step.id: place for place, step in enumerate(model.steps)} | {UNDO: len(model.steps)}
    asking = {int(name): step for name, step in _steps_by(model, Observed.CAPABILITY).items()}
    rows = moments.get_column("what").eq(int(What.CAPABILITY)).arg_true()
    checks = moments[rows].select(
        "step",
        candidate=pl.col("amount")
        .cast(pl.Int64)
        .replace_strict(asking, default=None, return_dtype=pl.String),
    )
    here, there = (
        pl.col(name).replace_strict(places, default=len(places), return_dtype=pl.Int64)
        for name in ("step", "candidate")
    )
    fits = checks.select((pl.col("candidate").is_not_null() & (there >= here)).alias("fits"))
    of_a_step = rows.filter(fits.to_series())
    named = checks.get_column("candidate").filter(fits.to_series())
    own = moments.get_column("own").scatter(of_a_step, named)
    return moments.with_columns(own=own)
