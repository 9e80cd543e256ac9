# SPDX-License-Identifier: Apache-2.0
"""Columns of a table to the payload of a block, and back.

A payload is a self-contained Arrow IPC stream of one record batch, zstd-compressed; delta
columns are stored as wrapping differences, of which the first is the absolute value.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from traces.arrow import WIDTHS, check_stream
from traces.blocks import MAX_ROWS, DamageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from traces.table import Column, ColumnType, Table

Values: TypeAlias = NDArray[Any] | Sequence[bytes]
"""The values of one column: an array of exactly its type, or byte strings.

An array of numpy's `S` type serves for a bytes column, too: trailing NULs are not part of its
values, which suits `comm`.
"""

MAX_BLOCK_STRING_BYTES = 16 << 20
"""The most bytes that the strings of one block have together, and so the longest string."""

_POLARS: dict[ColumnType, pl.DataType] = {
    "u64": pl.UInt64(), "i64": pl.Int64(), "u32": pl.UInt32(), "i32": pl.Int32(),
    "u16": pl.UInt16(), "i16": pl.Int16(), "u8": pl.UInt8(), "bytes": pl.Binary(),
}  # fmt: skip
NUMPY_TYPES: dict[ColumnType, np.dtype[Any]] = {
    name: np.dtype(f"<{name[0]}{width}") for name, width in WIDTHS.items()
}
"""The dtype that an array for a column of each fixed-width type must have."""
# Binary views are newer than many Arrow libraries; offsets and data are for everyone.
_COMPATIBLE = pl.CompatLevel.oldest()


def polars_schema(table: Table) -> pl.Schema:
    """Give the names and dtypes of a table's columns, in stored order."""
    return pl.Schema({column.name: _POLARS[column.type] for column in table.columns})


def empty(table: Table) -> pl.DataFrame:
    """Give the table without rows."""
    return pl.DataFrame(schema=polars_schema(table))


def split(table: Table, columns: Mapping[str, Values]) -> Iterator[tuple[int, bytes]]:
    """Give rows as payloads that each fit a block, as pairs (number of rows, payload).

    ValueError or TypeError when the columns are not exactly the table's, and before any payload.
    """
    checked = _check_columns(table, columns)
    bounds = _bounds(table, checked)
    for start, stop in pairwise(bounds):
        piece = {name: values[start:stop] for name, values in checked.items()}
        yield stop - start, _encode(table, piece)


def _check_columns(table: Table, columns: Mapping[str, Values]) -> dict[str, Values]:
    names = set(table.column_names())
    if names != set(columns):
        differing = sorted(names ^ set(columns))
        raise ValueError(f"columns given and columns of table {table.name} differ in {differing}")
    checked = {column.name: _check_values(column, columns[column.name]) for column in table.columns}
    if len({len(values) for values in checked.values()}) != 1:
        raise ValueError(f"columns of table {table.name} differ in length")
    return checked


def _check_values(column: Column, values: Values) -> Values:
    if column.type == "bytes":
        if isinstance(values, np.ndarray):
            values = values.tolist()
        if set(map(type, values)) <= {bytes}:
            return values
    elif _is_array_of(column.type, values):
        return values
    raise TypeError(f"column {column.name} is to be {column.type}, one-dimensional")


def _is_array_of(kind: ColumnType, values: Values) -> bool:
    return isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype == NUMPY_TYPES[kind]


def _bounds(table: Table, columns: Mapping[str, Values]) -> list[int]:
    """Give where each block begins and the last one ends."""
    rows = len(columns[table.columns[0].name])
    strings = np.zeros(rows, dtype=np.int64)
    for column in table.columns:
        if column.type == "bytes":
            strings += np.fromiter(map(len, columns[column.name]), dtype=np.int64, count=rows)
    ends = np.cumsum(strings)
    bounds = [0]
    while bounds[-1] < rows:
        start = bounds[-1]
        before = int(ends[start - 1]) if start else 0
        fitting = int(np.searchsorted(ends, before + MAX_BLOCK_STRING_BYTES, side="right"))
        if fitting == start:
            size = int(strings[start])
            raise ValueError(f"row {start} of table {table.name} has {size} bytes of strings")
        bounds.append(min(fitting, start + MAX_ROWS, rows))
    return bounds


def _encode(table: Table, columns: Mapping[str, Values]) -> bytes:
    frame = pl.DataFrame(
        [
            pl.Series(column.name, _stored(column, columns[column.name]), _POLARS[column.type])
            for column in table.columns
        ]
    )
    buffer = io.BytesIO()
    frame.write_ipc_stream(buffer, compression="zstd", compat_level=_COMPATIBLE)
    return buffer.getvalue()


def _stored(column: Column, values: Values) -> Values:
    if not isinstance(values, np.ndarray):
        return values
    if column.encoding == "plain":
        return np.ascontiguousarray(values)
    differences = values.copy()
    np.subtract(values[1:], values[:-1], out=differences[1:])
    return differences


def decode(payload: bytes, table: Table, rows: int) -> tuple[pl.DataFrame, int]:
    """Give the rows of one block with absolute values, and the bytes they decoded to.

    DamageError when the payload is not exactly `rows` rows of this table.
    """
    decoded_bytes = check_stream(payload, table, rows)
    try:
        frame = pl.read_ipc_stream(io.BytesIO(payload))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        # A Rust panic is a BaseException, and its text has many lines.
        raise DamageError(f"its Arrow stream cannot be decoded ({type(error).__name__})") from error
    if frame.schema != polars_schema(table) or len(frame) != rows:
        raise DamageError(f"its Arrow stream does not decode to {rows} rows of table {table.name}")
    return frame.with_columns(
        pl.Series(column.name, np.cumsum(frame[column.name].to_numpy(), dtype=np.uint64))
        for column in table.columns
        if column.encoding == "delta"
    ), decoded_bytes
