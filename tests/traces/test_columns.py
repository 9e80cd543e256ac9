# SPDX-License-Identifier: Apache-2.0
"""Columns to payloads and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.traces.build import columns_of, values_of
from traces.arrow import MAX_DECODED_BYTES, WIDTHS
from traces.blocks import MAX_ROWS, DamageError
from traces.columns import MAX_BLOCK_STRING_BYTES, NUMPY_TYPES, decode, empty, polars_schema, split
from traces.schema import TABLES
from traces.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Callable

STRINGS = Table("t", "", (Column("n", "u8", ""), Column("s", "bytes", "")))


def limits(column: Column) -> st.SearchStrategy[Any]:
    """Give every value of a column's type, its extremes often."""
    if column.type == "bytes":
        return st.binary(max_size=20) | st.just(b"\0a\0") | st.just(b"\xff\n")
    info = np.iinfo(NUMPY_TYPES[column.type])
    return st.integers(int(info.min), int(info.max)) | st.sampled_from([info.min, info.max])


def strings(values: list[bytes]) -> dict[str, Any]:
    """Give the columns of STRINGS."""
    return {"n": np.zeros(len(values), np.uint8), "s": values}


@given(data=st.data(), table=st.sampled_from(list(TABLES.values())))
def test_round_trip(data: st.DataObject, table: Table) -> None:
    """Any values of any table come back, times that go backwards too."""
    rows = data.draw(st.lists(st.tuples(*map(limits, table.columns)), min_size=1, max_size=5))
    columns = {
        column.name: values_of(column, values)
        for column, values in zip(table.columns, zip(*rows, strict=True), strict=True)
    }
    ((count, payload),) = split(table, columns)
    frame, _ = decode(payload, table, count)
    assert frame.rows() == rows
    assert frame.schema == polars_schema(table) == empty(table).schema


def test_delta_columns_are_stored_as_wrapping_differences() -> None:
    """The example of FORMAT.md, read without the reader."""
    table = Table("t", "", (Column("time_ns", "u64", "", "delta"),))
    times = np.array([5, 3, 2**64 - 1], np.uint64)
    ((_, payload),) = split(table, {"time_ns": times})
    stored = pl.read_ipc_stream(payload)["time_ns"].to_list()
    assert stored == [5, 2**64 - 2, 2**64 - 4]
    assert times.tolist() == [5, 3, 2**64 - 1]


def test_fields_of_a_record_array_are_taken() -> None:
    """Columns may be strided views, and comm an array of S16."""
    records = np.zeros(4, dtype=[("n", "u1"), ("x", "u8"), ("s", "S16")])
    records["n"] = [1, 2, 3, 4]
    records["s"] = [b"sh", b"", b"a\0b", b"0123456789abcdef"]
    ((_, payload),) = split(STRINGS, {"n": records["n"], "s": records["s"]})
    frame, _ = decode(payload, STRINGS, 4)
    assert frame["n"].to_list() == [1, 2, 3, 4]
    assert frame["s"].to_list() == [b"sh", b"", b"a\0b", b"0123456789abcdef"]


def test_split_by_rows() -> None:
    """No block has more rows than the format allows, and none is lost between blocks."""
    table = TABLES["started"]
    pieces = list(split(table, columns_of(table, 3) | {
        column.name: np.arange(2 * MAX_ROWS + 1).astype(f"u{WIDTHS[column.type]}")
        for column in table.columns
    }))  # fmt: skip
    assert [rows for rows, _ in pieces] == [MAX_ROWS, MAX_ROWS, 1]
    joined = pl.concat(decode(payload, table, rows)[0] for rows, payload in pieces)
    assert joined["time_ns"].to_list() == list(range(2 * MAX_ROWS + 1))


def test_split_by_strings() -> None:
    """Long strings fill a block long before its rows do."""
    half = bytes(MAX_BLOCK_STRING_BYTES // 2)
    sizes = [rows for rows, _ in split(STRINGS, strings([half, half, b"a", half, b"", half, b"b"]))]
    assert sizes == [2, 3, 2]
    with pytest.raises(ValueError, match="row 1 of table t has 16777217 bytes"):
        list(split(STRINGS, strings([b"", bytes(MAX_BLOCK_STRING_BYTES + 1)])))


def test_no_rows_no_blocks() -> None:
    """A block has at least one row."""
    assert list(split(STRINGS, strings([]))) == []


def test_largest_block_can_be_read() -> None:
    """Of no table does a full block decode to more than the reader accepts."""
    for table in TABLES.values():
        row_bytes = sum(WIDTHS.get(column.type, 8) for column in table.columns)
        assert (MAX_ROWS + 1) * row_bytes + MAX_BLOCK_STRING_BYTES <= MAX_DECODED_BYTES


@pytest.mark.parametrize(
    ("columns", "error"),
    [
        ({"n": np.zeros(1, np.uint8)}, ValueError),
        (strings([b"a"]) | {"x": np.zeros(1)}, ValueError),
        (strings([b"a"]) | {"s": [b"a", b"b"]}, ValueError),
        (strings([b"a"]) | {"n": np.zeros(1, np.int8)}, TypeError),
        (strings([b"a"]) | {"n": np.zeros(1, np.uint64)}, TypeError),
        (strings([b"a"]) | {"n": np.zeros((1, 1), np.uint8)}, TypeError),
        (strings([b"a"]) | {"n": [1]}, TypeError),
        (strings([b"a"]) | {"s": ["a"]}, TypeError),
        (strings([b"a"]) | {"s": [None]}, TypeError),
        (strings([b"a"]) | {"s": b"a"}, TypeError),
        (strings([b"a"]) | {"s": np.zeros(1, np.uint8)}, TypeError),
    ],
)
def test_wrong_columns(columns: dict[str, Any], error: type[Exception]) -> None:
    """Columns that are not exactly the table's are refused, never converted."""
    with pytest.raises(error, match=r"column"):
        list(split(STRINGS, columns))


def test_header_must_agree() -> None:
    """A payload with another number of rows than its header says is damage."""
    ((_, payload),) = split(STRINGS, strings([b"a", b"b"]))
    with pytest.raises(DamageError, match="does not hold 3 rows"):
        decode(payload, STRINGS, 3)


def _panic(_: object) -> pl.DataFrame:
    raise pl.exceptions.PanicException("line\nline")


@pytest.mark.parametrize(
    ("decoder", "reason"),
    [
        (_panic, "cannot be decoded .PanicException."),
        (lambda _: pl.DataFrame({"n": [1]}), "does not decode to 1 rows of table t"),
        (lambda _: empty(STRINGS), "does not decode to 1 rows of table t"),
    ],
)
def test_decoder_is_not_trusted(
    monkeypatch: pytest.MonkeyPatch, decoder: Callable[[object], pl.DataFrame], reason: str
) -> None:
    """A panic of the decoder, or another table than the one that was checked, is damage."""
    ((_, payload),) = split(STRINGS, strings([b"a"]))
    monkeypatch.setattr(pl, "read_ipc_stream", decoder)
    with pytest.raises(DamageError, match=reason):
        decode(payload, STRINGS, 1)
