# SPDX-License-Identifier: Apache-2.0
"""What checks look at: a trace with its model, joined once, and what was lost of it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

import polars as pl

from replay.checks.allocations import allocated
from replay.checks.creations import with_request
from replay.checks.lives import ended_processes, ends, executions, tasks
from replay.checks.reaped import reaped_children
from replay.losses import Losses
from replay.memory.history import PageHistories
from replay.steps.naming import named
from replay.steps.windows import Windows

if TYPE_CHECKING:
    from collections.abc import Collection

    from replay.model.values import Model
    from replay.tables import TraceTables

SYSCALL_CLONE: Final = 56
SYSCALL_CLONE3: Final = 435
_TABLES_OF_RING: Final = {
    b"fault ring": frozenset({"fault"}),
    b"step ring": frozenset({"step", "slab_cache"}),
    b"text ring": frozenset({"text"}),
    b"text scratch": frozenset({"text"}),
}
"""Places whose losses concern these tables alone; a loss elsewhere may concern any but those."""
_ONLY_THERE: Final[frozenset[str]] = frozenset().union(*_TABLES_OF_RING.values())
_EVERYTHING: Final = b"followed tasks"
"""A task that could not be followed loses all of its rows."""


class Evidence:
    """A trace, the model that it is held against, and what both give for checks."""

    def __init__(
        self, trace: TraceTables, model: Model, memory: PageHistories | None = None
    ) -> None:
        self.trace = trace
        self.model = model
        self._memory = memory
        self.losses = Losses.of(trace)

    @property
    def complete(self) -> bool:
        """Whether the trace was written to its end."""
        return self.trace.complete

    def lost(self, tables: Collection[str]) -> int:
        """Give how many lost records may have been rows of these tables."""
        return sum(loss.count for loss in self.losses.by_place if _concerns(loss.ring, set(tables)))

    def anything_lost(self, tables: Collection[str]) -> bool:
        """Say whether a row of these tables may be missing, by loss or because the end is cut."""
        return not self.complete or self.lost(tables) > 0

    @cached_property
    def newtasks(self) -> pl.DataFrame:
        """The rows of `newtask` in order of time, with `returned_ns` and `requested`."""
        return with_request(self.trace.table("newtask"), self.trace)

    @cached_property
    def states(self) -> pl.DataFrame:
        """The rows of `newtask` with the columns of `newtask_state`, null where it has none."""
        child = ["child_tid", "child_start_ns"]
        more = self.trace.table("newtask_state").drop("time_ns", "cpu", "tid").unique(child)
        return self.newtasks.join(more, on=child, how="left")

    @cached_property
    def clone_calls(self) -> pl.DataFrame:
        """The rows of `clone_call` that returned, with `errno` (0 for success).

        `flags` are those that the kernel looks at: sys_clone() takes the lower 32 bits without
        the signal.
        """
        calls = self.trace.table("clone_call").filter(pl.col("unfinished") == 0)
        result, flags = pl.col("result"), pl.col("flags")
        return calls.with_columns(
            flags=pl.when(pl.col("syscall") == SYSCALL_CLONE)
            .then(flags & pl.lit(0xFFFFFF00, pl.UInt64))
            .otherwise(flags),
            errno=pl.when(result < 0).then(-result).otherwise(0),
        )

    @cached_property
    def lives(self) -> pl.DataFrame:
        """Each task once; see `lives.tasks`."""
        return tasks(self.trace)

    @cached_property
    def ends(self) -> pl.DataFrame:
        """The rows of `exit`; see `lives.ends`."""
        return ends(self.trace, self.lives)

    @cached_property
    def ended(self) -> pl.DataFrame:
        """Each process that ended; see `lives.ended_processes`."""
        return ended_processes(self.ends)

    @cached_property
    def executions(self) -> pl.DataFrame:
        """The rows of `exec`; see `lives.executions`."""
        return executions(self.trace, self.lives)

    @cached_property
    def reaped(self) -> pl.DataFrame:
        """The wait calls that reaped, each with its child; see `reaped.reaped_children`."""
        return reaped_children(self.trace, self.lives, self.ended)

    @cached_property
    def windows(self) -> Windows:
        """The calls of the clone family with their steps."""
        return Windows.of(self.trace)

    @cached_property
    def moments(self) -> pl.DataFrame:
        """The events within these calls, named after the model's steps."""
        return named(self.windows.moments, self.model)

    @cached_property
    def allocated(self) -> pl.DataFrame:
        """The allocations that steps are known by; see `allocations.allocated`."""
        return allocated(self.moments, self.model)

    @cached_property
    def memory(self) -> PageHistories:
        """The memory of a recording with faults: the one that was given, or else rebuilt."""
        return self._memory or PageHistories.from_trace(self.trace)

    @property
    def has_steps(self) -> bool:
        """Whether the steps of creations were recorded."""
        recording = self.trace.metadata.get("recording")
        asked = isinstance(recording, dict) and recording.get("steps") is True
        return asked or len(self.trace.table("step")) > 0

    def unobserved(self, *facts: str) -> str:
        """Give the first of these facts that the plan calls inferred or unobservable, or ''."""
        plan = self.trace.metadata.get("plan")
        rows = plan if isinstance(plan, list) else []
        seen = {row.get("fact"): row.get("certainty") for row in rows if isinstance(row, dict)}
        return next((fact for fact in facts if seen.get(fact, "observed") != "observed"), "")


def _concerns(ring: bytes, tables: set[str]) -> bool:
    if ring in _TABLES_OF_RING:
        return bool(tables & _TABLES_OF_RING[ring])
    return ring == _EVERYTHING or bool(tables - _ONLY_THERE)
