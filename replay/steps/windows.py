# SPDX-License-Identifier: Apache-2.0
"""Each call of the clone family as a window in time, and the recorded events within it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from replay.tables import TraceTables

IN_INTERRUPT: Final = 1
"""step.flags: it happened in an interrupt on top of the call."""


class What(IntEnum):
    """What happened: `step.what`, and the moments of a call that other tables tell."""

    SLAB_ALLOC = 1
    SLAB_FREE = 2
    KMALLOC = 3
    KFREE = 4
    CAPABILITY = 5
    PAGES = 6
    RSS = 7
    ENTERED = 20
    PUBLISHED = 21
    FORK_EVENT = 22
    WOKEN = 23
    RETURNED = 24


ALLOCATES: Final = (What.SLAB_ALLOC, What.KMALLOC)
FREES: Final = (What.SLAB_FREE, What.KFREE)


@dataclass(frozen=True, slots=True)
class Windows:
    """Every call of the clone family, and what happened in each."""

    calls: pl.DataFrame
    """A row per call in the order of entry: window (its index), tid, enter_ns, time_ns (return),
    syscall, flags, args_read, requested (exit signal), result, unfinished, blocked_total_ns; of a
    call that made a task child_tid, clone_flags, published_ns, fork_ns, woken_ns, and the pointers
    of newtask; else null."""
    events: pl.DataFrame
    """A row per step in the order of time: window, time_ns, what, function, cache, object, amount,
    gfp, result. `function` and `cache` are names, null where unknown."""
    moments: pl.DataFrame
    """The events with the moments that other tables tell in between: entry, publication,
    sched_process_fork, wake-up, return. More columns: failed, and took_ns until the next one."""
    in_interrupt: int
    """Recorded events that were none of the calls', and are left out."""
    outside: int
    """Recorded events whose call was not recorded."""

    @classmethod
    def of(cls, trace: TraceTables) -> Windows:
        """Join a trace's steps with the calls that they are within."""
        calls = _calls(trace)
        steps = trace.table("step")
        own = steps.filter(pl.col("flags") & IN_INTERRUPT == 0)
        within = _within(own, calls)
        columns = (
            "window", "time_ns", "what", "function", "cache", "object", "amount", "gfp", "result",
        )  # fmt: skip
        named = _with_caches(_with_functions(within, trace), trace)
        events = named.sort("window", "time_ns", maintain_order=True).select(columns)
        return cls(
            calls,
            events,
            _moments(events, calls),
            in_interrupt=len(steps) - len(own),
            outside=len(own) - len(within),
        )


_MOMENTS: Final = {
    "enter_ns": What.ENTERED,
    "published_ns": What.PUBLISHED,
    "fork_ns": What.FORK_EVENT,
    "woken_ns": What.WOKEN,
    "time_ns": What.RETURNED,
}


def _moments(events: pl.DataFrame, calls: pl.DataFrame) -> pl.DataFrame:
    marks = [
        calls.select("window", time_ns=pl.col(column), what=pl.lit(int(what), pl.UInt8))
        .filter(pl.col("time_ns") > 0)
        for column, what in _MOMENTS.items()
    ]  # fmt: skip
    entered, *later = marks
    # At one and the same time the entry stands before what happened then, the others behind it.
    together = pl.concat([entered, events, *later], how="diagonal")
    together = together.sort("window", "time_ns", maintain_order=True)
    took_ns = pl.col("time_ns").shift(-1).over("window") - pl.col("time_ns")
    return together.join(
        calls.select("window", failed=pl.col("result") < 0), on="window", maintain_order="left"
    ).with_columns(took_ns=took_ns.fill_null(0))


def _calls(trace: TraceTables) -> pl.DataFrame:
    calls = (
        trace.table("clone_call")
        .sort("enter_ns", "tid")
        .with_row_index("window")
        .select(
            "window", "tid", "enter_ns", "time_ns", "syscall", "flags", "result", "unfinished",
            "blocked_total_ns", "args_read", requested="exit_signal",
        )
    )  # fmt: skip
    started = trace.table("started").select(
        pl.col("tid").alias("child_tid"),
        pl.col("start_ns").alias("child_start_ns"),
        "fork_ns",
        pl.col("wakeup_new_ns").alias("woken_ns"),
    )
    newtask = _within(trace.table("newtask").drop("cpu", "start_ns", "tgid"), calls)
    children = newtask.rename({"time_ns": "published_ns"}).join(
        started.unique(["child_tid", "child_start_ns"]),
        on=["child_tid", "child_start_ns"],
        how="left",
    )
    children = children.unique("window", keep="first", maintain_order=True)
    return calls.join(children.drop("tid"), on="window", how="left", maintain_order="left")


def _within(rows: pl.DataFrame, calls: pl.DataFrame) -> pl.DataFrame:
    """Give the rows that happened within a call of their task, with its window."""
    spans = calls.select("window", "tid", "enter_ns", until_ns="time_ns").sort("enter_ns")
    joined = rows.sort("time_ns", maintain_order=True).join_asof(
        spans,
        left_on="time_ns",
        right_on="enter_ns",
        by="tid",
        strategy="backward",
        check_sortedness=False,
    )
    return joined.filter(pl.col("time_ns") <= pl.col("until_ns")).drop("enter_ns", "until_ns")


def _with_functions(events: pl.DataFrame, trace: TraceTables) -> pl.DataFrame:
    """Name the function of each site: few sites are shared by all events."""
    functions = trace.table("kernel_function").sort("address")
    sites = (
        events.select("site")
        .unique()
        .filter(pl.col("site") > 0)
        .with_columns(inside=pl.col("site") - 1)
        .sort("inside")
        .join_asof(functions, left_on="inside", right_on="address", strategy="backward")
        .filter(pl.col("inside") - pl.col("address") < pl.col("bytes"))
        .select("site", function=_text("name"))
    )
    return events.join(sites, on="site", how="left", maintain_order="left")


def _with_caches(events: pl.DataFrame, trace: TraceTables) -> pl.DataFrame:
    caches = trace.table("slab_cache").unique("cache", keep="last", maintain_order=True)
    names = caches.select("cache", name=_text("name"))
    joined = events.join(names, on="cache", how="left", maintain_order="left")
    return joined.drop("cache").rename({"name": "cache"})


def _text(column: str) -> pl.Expr:
    """Give a name of the kernel's as text, without what the compiler put behind it (.isra.0)."""
    text = pl.col(column).cast(pl.String, strict=False)
    return text.str.replace(r"\.[a-z0-9.]+$", "")
