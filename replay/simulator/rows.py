# SPDX-License-Identifier: Apache-2.0
"""The rows of a simulated trace, collected and written as a recorder would."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from traces.columns import NUMPY_TYPES
from traces.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from traces.columns import Values
    from traces.writer import TraceWriter

_ROWS_TOGETHER = 1 << 16


class Rows:
    """Rows by table: single ones of events, and whole columns of faults."""

    def __init__(self) -> None:
        self._rows: dict[str, list[dict[str, int | bytes]]] = defaultdict(list)
        self._faults: list[dict[str, NDArray[Any]]] = []

    def add(self, table: str, **values: int | bytes) -> None:
        """Add a row; a column that is left out is 0 or empty."""
        self._rows[table].append(values)

    def count(self, table: str) -> int:
        """Give how many single rows of a table there are."""
        return len(self._rows[table])

    def add_faults(self, columns: Mapping[str, NDArray[Any]]) -> None:
        """Add faults, given as all columns of table `fault`."""
        names = TABLES["fault"].columns
        self._faults.append(
            {one.name: columns[one.name].astype(NUMPY_TYPES[one.type]) for one in names}
        )

    def write(self, writer: TraceWriter) -> None:
        """Write all tables in the order of the schema."""
        for name, table in TABLES.items():
            rows = self._rows.get(name, [])
            for begin in range(0, len(rows), _ROWS_TOGETHER):
                part = rows[begin : begin + _ROWS_TOGETHER]
                columns: dict[str, Values] = {}
                for column in table.columns:
                    if column.type == "bytes":
                        columns[column.name] = [_bytes(row.get(column.name, b"")) for row in part]
                    else:
                        values = [row.get(column.name, 0) for row in part]
                        columns[column.name] = np.array(values, NUMPY_TYPES[column.type])
                writer.rows(name, columns)
            if name == "fault" and self._faults:
                writer.rows(name, self._all_faults())

    def _all_faults(self) -> dict[str, Values]:
        return {
            column.name: np.concatenate([part[column.name] for part in self._faults])
            for column in TABLES["fault"].columns
        }


def _bytes(value: int | bytes) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()
