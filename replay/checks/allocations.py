# SPDX-License-Identifier: Apache-2.0
"""The allocations by which a model knows its steps, and those that calls made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from replay.model.values import Observed
from replay.steps.windows import ALLOCATES

if TYPE_CHECKING:
    from replay.model.values import Model, Observation, Step


def allocations(model: Model) -> list[tuple[Step, Observation]]:
    """Give the allocations that a step makes whenever it is taken with these flags."""
    return [
        (step, seen)
        for step in model.steps
        for seen in step.observe.get("t0", ())
        if seen.kind is Observed.ALLOC and seen.sure and not step.only_if
    ]


def allocated(moments: pl.DataFrame, model: Model) -> pl.DataFrame:
    """Give every allocation that a step is known by: window, step, part, object, time_ns."""
    known = pl.DataFrame(
        [(step.id, seen.name) for step, seen in allocations(model)],
        {"step": pl.String, "part": pl.String},
        orient="row",
    ).unique()
    rows = moments.filter(pl.col("what").is_in(ALLOCATES))
    return rows.join(known, on=["step", "part"], how="semi").select(
        "window", "step", "part", "object", "time_ns"
    )
