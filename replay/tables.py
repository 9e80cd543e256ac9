# SPDX-License-Identifier: Apache-2.0
"""What replay asks of a trace, and how it walks through a table without a dict per row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import polars as pl

from traces.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class TraceTables(Protocol):
    """A trace as replay sees it: the tables of `traces.schema`, from a file or from a test."""

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What was written about the host and the recording; any part may be missing."""

    @property
    def complete(self) -> bool:
        """Whether the trace has its trailer, so that nothing was cut off at its end."""

    def table(self, name: str) -> pl.DataFrame:
        """Give a table of the schema; one without rows where nothing was recorded."""


def columns(frame: pl.DataFrame, *names: str) -> Iterator[tuple[Any, ...]]:
    """Give the rows of a frame as tuples of the named columns, in the frame's order."""
    return zip(*(frame.get_column(name).to_list() for name in names), strict=True)


def identity_columns() -> Iterator[tuple[str, str, str]]:
    """Give (table, tid column, start_ns column) for every task identity that a row can hold."""
    for table in TABLES.values():
        names = set(table.column_names())
        for name in table.column_names():
            start = name.removesuffix("tid") + "start_ns"
            if name.endswith("tid") and start in names:
                yield table.name, name, start


def last_time_ns(trace: TraceTables) -> int:
    """Give the time of the last event of a trace, CLOCK_MONOTONIC ns; 0 where there is none."""
    timed = [name for name, table in TABLES.items() if "time_ns" in table.column_names()]
    ends = pl.concat([trace.table(name).select(pl.col("time_ns").max()) for name in timed])
    latest = ends.get_column("time_ns").max()
    return latest if isinstance(latest, int) else 0
