# SPDX-License-Identifier: Apache-2.0
"""Where the time of a creation goes: the time from each event to the next, summed up by step.

What is done to an object follows its allocation, so that time is the step's own. The time before
the first event (the entry, the checks, and the allocation of task_struct) is the entry's. The sleep
of a vfork's parent is no work of any step: it stands apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from replay.names import CLONE_VFORK
from replay.steps.windows import What

if TYPE_CHECKING:
    from replay.model.values import Model
    from replay.steps.windows import Windows

ENTRY: Final = "entry"
"""The step of the time before the first event."""


@dataclass(frozen=True, slots=True)
class Costs:
    """The sums over all calls that created a task."""

    creations: int
    failed: int
    total_ns: int
    """From entry to return, of all creations together, without the sleep of vfork parents."""
    slept: int
    """Creations whose vfork parent slept until the child executed or ended."""
    slept_ns: int
    """How long those parents slept, all together."""
    rows: pl.DataFrame
    """By step and part, in the model's order: step, part, events, ns, share, mean_ns,
    median_ns (of the creations that have it)."""


def costs(windows: Windows, moments: pl.DataFrame, model: Model) -> Costs:
    """Sum up named moments (`naming.named`) over all calls that created a task."""
    created = windows.calls.filter(pl.col("child_tid").is_not_null())
    own = moments.join(created.select("window"), on="window", how="semi")
    spans = own.with_columns(step=pl.col("step").fill_null(ENTRY)).select(
        "window", "step", "part", "took_ns", counted=pl.col("what") < What.ENTERED
    )
    asleep = created.filter(_SLEPT).select("window", "blocked_total_ns")
    each = (
        _without_sleep(spans, asleep)
        .group_by("window", "step", "part")
        .agg(pl.col("took_ns").sum(), events=pl.col("counted").sum())
    )
    total_ns = int(each["took_ns"].sum())
    places = {step.id: place for place, step in enumerate(model.steps)} | {ENTRY: -1}
    rows = (
        each.group_by("step", "part")
        .agg(pl.col("events").sum(), ns=pl.col("took_ns").sum(), median_ns=pl.median("took_ns"))
        .with_columns(
            share=pl.col("ns") / max(total_ns, 1),
            mean_ns=pl.col("ns") / max(len(created), 1),
            place=pl.col("step").replace_strict(places, default=len(places), return_dtype=pl.Int64),
        )
        .filter((pl.col("ns") > 0) | (pl.col("events") > 0))
        .sort(["place", "ns", "part"], descending=[False, True, False])
        .select("step", "part", "events", "ns", "share", "mean_ns", "median_ns")
    )
    failed = windows.calls.filter(pl.col("result") < 0)
    slept_ns = int(asleep["blocked_total_ns"].sum())
    return Costs(len(created), len(failed), total_ns, len(asleep), slept_ns, rows)


_SLEPT: Final = (pl.col("clone_flags") & CLONE_VFORK > 0) & (pl.col("blocked_total_ns") > 0)


def _without_sleep(spans: pl.DataFrame, asleep: pl.DataFrame) -> pl.DataFrame:
    """Take the sleep of vfork parents out of the longest span of their call, which it is in."""
    joined = spans.join(asleep, on="window", how="left", maintain_order="left")
    longest = pl.col("took_ns") == pl.col("took_ns").max().over("window")
    slept = pl.min_horizontal("took_ns", pl.col("blocked_total_ns").fill_null(0))
    took = pl.when(longest).then(pl.col("took_ns") - slept).otherwise(pl.col("took_ns"))
    return joined.with_columns(took_ns=took).drop("blocked_total_ns")
