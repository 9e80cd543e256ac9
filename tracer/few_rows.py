# SPDX-License-Identifier: Apache-2.0
"""Rows that are few and made in Python, one mapping each, as columns of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from traces.columns import NUMPY_TYPES
from traces.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from traces.writer import TraceWriter


def write_few_rows(writer: TraceWriter, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write `rows`; a column that a row does not name is 0 or empty in it."""
    if not rows:
        return
    columns: dict[str, Any] = {}
    for column in TABLES[table].columns:
        if column.type == "bytes":
            columns[column.name] = [row.get(column.name, b"") for row in rows]
        else:
            values = [row.get(column.name, 0) for row in rows]
            columns[column.name] = np.array(values, NUMPY_TYPES[column.type])
    writer.rows(table, columns)
