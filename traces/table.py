# SPDX-License-Identifier: Apache-2.0
"""What a table and a column are: names, types, units, how they are stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ColumnType = Literal["u64", "i64", "u32", "i32", "u16", "i16", "u8", "bytes"]
Encoding = Literal["plain", "delta"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, its type, what it says and in which unit.

    `delta` columns are stored in a block as the wrapping difference to the row before; the
    reader gives absolute values back.
    """

    name: str
    type: ColumnType
    doc: str
    encoding: Encoding = "plain"


@dataclass(frozen=True, slots=True)
class Table:
    """One kind of event (or of state) and its columns, in the order they are stored."""

    name: str
    doc: str
    columns: tuple[Column, ...]

    def column_names(self) -> tuple[str, ...]:
        """Give the names of the columns in stored order."""
        return tuple(column.name for column in self.columns)
