# SPDX-License-Identifier: Apache-2.0
"""A trace made by hand, with the columns and types of the schema."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from traces.schema import TABLES

_DTYPES: dict[str, Any] = {
    "u64": pl.UInt64, "i64": pl.Int64, "u32": pl.UInt32, "i32": pl.Int32, "u16": pl.UInt16,
    "i16": pl.Int16, "u8": pl.UInt8, "bytes": pl.Binary,
}  # fmt: skip

Row = dict[str, Any]


@dataclass
class FakeTrace:
    """Rows as dicts, where a column that is left out is 0 or empty."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    complete: bool = True

    def add(self, table: str, **values: int | bytes) -> None:
        """Add a row; a column that the schema does not know is refused."""
        unknown = set(values) - set(TABLES[table].column_names())
        if unknown:
            message = f"{table} has no column {sorted(unknown)}"
            raise KeyError(message)
        self.rows.setdefault(table, []).append(values)

    def table(self, name: str) -> pl.DataFrame:
        """Give a table with the columns and types of the schema."""
        rows = self.rows.get(name, [])
        series = []
        for column in TABLES[name].columns:
            empty = b"" if column.type == "bytes" else 0
            values = [row.get(column.name, empty) for row in rows]
            series.append(pl.Series(column.name, values, _DTYPES[column.type]))
        return pl.DataFrame(series)

    def of(self, table: str, **values: int) -> list[Row]:
        """Give the rows that have these values."""
        return [row for row in self.rows.get(table, []) if values.items() <= row.items()]

    def drop(self, table: str, **values: int) -> int:
        """Remove the rows that have these values; give how many they were."""
        dropped = self.of(table, **values)
        self.rows[table] = [row for row in self.rows.get(table, []) if row not in dropped]
        return len(dropped)

    def lose(self, table: str, **values: int) -> None:
        """Remove rows, and say in `lost` that the recorder could not write them."""
        count = self.drop(table, **values)
        assert count, "a test that loses nothing tests nothing"
        last_ns = max(row.get("time_ns", 0) for rows in self.rows.values() for row in rows)
        self.add("lost", time_ns=last_ns, ring=b"events", count=count, first_ns=1, last_ns=last_ns)
