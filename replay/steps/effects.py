# SPDX-License-Identifier: Apache-2.0
"""What the steps of one creation left behind, held against the model as `check` does it.

Many a step leaves no event, yet a field of the new task that was recorded as it was published.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from replay.checks.creations import with_request
from replay.checks.evidence import Evidence
from replay.checks.post_conditions import judged_fields, judged_table

if TYPE_CHECKING:
    from replay.model.values import Model, Step
    from replay.tables import TraceTables

_BESIDE: Final = "newtask_state"


def effects(trace: TraceTables, model: Model, call: dict[str, Any]) -> dict[str, bool]:
    """Give by step whether it left behind what the model says; only where any of it was recorded.

    `call` is a row of `Windows.calls`. A call that made no task left nothing behind.
    """
    if call["child_tid"] is None:
        return {}
    evidence = _OneCreation(trace, model, call)
    found = {}
    for step in model.steps:
        evidence.model = replace(model, steps=(step,))
        verdicts = (
            judged_fields(step.id, evidence, _fields(step)),
            judged_table(step.id, evidence, _BESIDE),
        )
        if any(verdict.passed + verdict.violated for verdict in verdicts):
            found[step.id] = not any(verdict.violated for verdict in verdicts)
    return found


def _fields(step: Step) -> frozenset[str]:
    return frozenset(condition.field for condition in step.leaves)


class _OneCreation(Evidence):
    """The evidence of a trace, of which one creation alone is a case."""

    def __init__(self, trace: TraceTables, model: Model, call: dict[str, Any]) -> None:
        super().__init__(trace, model)
        self._child = call["child_tid"], call["child_start_ns"]

    @cached_property
    def newtasks(self) -> pl.DataFrame:
        """The one row of `newtask`."""
        tid, start_ns = self._child
        one = (pl.col("child_tid") == tid) & (pl.col("child_start_ns") == start_ns)
        return with_request(self.trace.table("newtask").filter(one), self.trace)
