# SPDX-License-Identifier: Apache-2.0
"""What a call that failed took back, and at which label of the kernel's ladder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from replay.model.values import Observed
from replay.steps.naming import UNDO
from replay.steps.windows import ALLOCATES, FREES

if TYPE_CHECKING:
    from replay.model.values import Model


@dataclass(frozen=True, slots=True)
class Undone:
    """Like frees of a failed call; all of these in the order in which they began."""

    function: str
    cache: str
    """What was freed, as the model calls what the call allocated; else the cache's own name."""
    count: int
    after_ns: int
    label: str
    """The label of copy_process() that frees such an object; empty where the model has none."""


def undone(own: pl.DataFrame, call: dict[str, Any], model: Model) -> tuple[Undone, ...]:
    """Give what a call took back, of its named moments (`naming.named`).

    SLUB merges caches, so that the cache of a free may have another's name: an object is what the
    step that allocated it says.
    """
    made = own.filter(pl.col("what").is_in(ALLOCATES) & (pl.col("object") > 0))
    made = made.unique("object", keep="last")
    frees = own.filter((pl.col("step") == UNDO) & pl.col("what").is_in(FREES))
    named = frees.join(
        made.select("object", made="part"), on="object", how="left", maintain_order="left"
    ).with_columns(cache=pl.coalesce("made", "cache"))
    kinds = named.group_by("function", "cache", maintain_order=True).agg(
        pl.len(), pl.first("time_ns")
    )
    labels = _labels(model)
    return tuple(
        Undone(
            function=function or "?",
            cache=cache or "",
            count=count,
            after_ns=time_ns - call["enter_ns"],
            label=labels.get(cache, ""),
        )
        for function, cache, count, time_ns in kinds.iter_rows()
    )


def entered_at(model: Model, steps: tuple[str, ...]) -> tuple[str, ...]:
    """Give the labels of the ladder that failures of these steps jump to, each once."""
    found = (model.step(step).undo for step in steps)
    return tuple(dict.fromkeys(label for label in found if label))


def _labels(model: Model) -> dict[str, str]:
    return {
        seen.name: rung.label
        for rung in model.undo
        for seen in rung.observe
        if seen.kind is Observed.FREE
    }
