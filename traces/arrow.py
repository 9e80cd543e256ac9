# SPDX-License-Identifier: Apache-2.0
"""Checks the structure of an Arrow IPC stream before a decoder is given it.

A decoder allocates by the lengths that a stream claims. This walks the stream's flatbuffers
(Message.fbs and Schema.fbs of the Arrow columnar format) and accepts only what our writer
writes: the schema of one table, one record batch without nulls, zstd-compressed buffers whose
claimed size is what the number of rows needs.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from traces.blocks import DamageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from traces.table import Column, ColumnType, Table

MAX_DECODED_BYTES = 64 << 20
"""The most bytes that one block may decode to."""

WIDTHS: dict[ColumnType, int] = {
    "u64": 8, "i64": 8, "u32": 4, "i32": 4, "u16": 2, "i16": 2, "u8": 1,
}  # fmt: skip
"""Bytes per value of each type that has a fixed width."""

_CONTINUATION = 0xFFFFFFFF
_HEADER_SCHEMA, _HEADER_RECORD_BATCH = 1, 3
_TYPE_INT, _TYPE_LARGE_BINARY = 2, 19
_CODEC_ZSTD = 1
_OFFSET_BYTES = 8
_SIZE_BYTES = 8
_PADDING_BYTES = 64
_NOT_COMPRESSED = -1


def _fail(reason: str) -> DamageError:
    return DamageError(f"its Arrow stream is not sound: {reason}")


def _number(layout: str, data: bytes, position: int) -> int:
    if position < 0:
        raise _fail("an offset points before its start")
    try:
        (value,) = struct.unpack_from(layout, data, position)
    except struct.error:
        raise _fail("an offset points past its end") from None
    return int(value)


@dataclass(frozen=True, slots=True)
class _Flat:
    """A flatbuffer table: every access is checked against the ends of `data`."""

    data: bytes
    position: int

    def _slot(self, slot: int) -> int | None:
        vtable = self.position - _number("<i", self.data, self.position)
        if 4 + 2 * slot >= _number("<H", self.data, vtable):
            return None
        offset = _number("<H", self.data, vtable + 4 + 2 * slot)
        return self.position + offset if offset else None

    def number(self, slot: int, layout: str, default: int = 0) -> int:
        at = self._slot(slot)
        return default if at is None else _number(layout, self.data, at)

    def target(self, slot: int) -> int | None:
        at = self._slot(slot)
        return None if at is None else at + _number("<I", self.data, at)

    def child(self, slot: int) -> _Flat:
        at = self.target(slot)
        if at is None:
            raise _fail("a part is missing")
        return _Flat(self.data, at)

    def vector(self, slot: int) -> tuple[int, int]:
        """Give where the elements of a vector begin and how many there are."""
        at = self.target(slot)
        return (0, 0) if at is None else (at + 4, _number("<I", self.data, at))


@dataclass(frozen=True, slots=True)
class _Message:
    header_type: int
    header: _Flat
    body: memoryview


def check_stream(payload: bytes, table: Table, rows: int) -> int:
    """Check that an IPC stream is one batch of `rows` rows of this table.

    Gives the number of bytes it decodes to; DamageError when it is anything else.
    """
    messages = list(islice(_messages(payload), 3))
    if [message.header_type for message in messages] != [_HEADER_SCHEMA, _HEADER_RECORD_BATCH]:
        raise _fail("it is not one schema and one record batch")
    schema, batch = messages
    _check_schema(schema.header, table)
    return _check_batch(batch, table, rows)


def _messages(payload: bytes) -> Iterator[_Message]:
    offset = 0
    while True:
        marker = _number("<I", payload, offset)
        length = _number("<I", payload, offset + 4)
        offset += 8
        if marker != _CONTINUATION or length > len(payload) - offset:
            raise _fail("a message is cut off")
        if length == 0:
            break
        metadata = payload[offset : offset + length]
        offset += length
        message = _Flat(metadata, _number("<I", metadata, 0))
        body_bytes = message.number(3, "<q")
        if not 0 <= body_bytes <= len(payload) - offset:
            raise _fail("a message body is cut off")
        body = memoryview(payload)[offset : offset + body_bytes]
        offset += body_bytes
        yield _Message(message.number(1, "<B"), message.child(2), body)
    if offset != len(payload):
        raise _fail("something follows its end")


def _check_schema(schema: _Flat, table: Table) -> None:
    first, count = schema.vector(1)
    big_endian = schema.number(0, "<h")
    if big_endian or schema.vector(2)[1] or count != len(table.columns):
        raise _fail(f"it does not have the {len(table.columns)} columns of table {table.name}")
    for index, column in enumerate(table.columns):
        at = first + 4 * index
        field = _Flat(schema.data, at + _number("<I", schema.data, at))
        if not _is_column(field, column):
            raise _fail(f"its column {index} is not {column.name} of type {column.type}")


def _is_column(field: _Flat, column: Column) -> bool:
    start, length = field.vector(0)
    name = field.data[start : start + length]
    plain = field.target(4) is None and field.vector(5)[1] == 0 and field.vector(6)[1] == 0
    if not plain or name != column.name.encode():
        return False
    if column.type == "bytes":
        return field.number(2, "<B") == _TYPE_LARGE_BINARY
    if field.number(2, "<B") != _TYPE_INT:
        return False
    integer = field.child(3)
    signed = bool(integer.number(1, "<B"))
    return (integer.number(0, "<i"), signed) == (8 * WIDTHS[column.type], column.type[0] == "i")


def _check_batch(batch: _Message, table: Table, rows: int) -> int:
    header = batch.header
    _check_nodes(header, len(table.columns), rows)
    compression = header.child(3)
    if compression.number(0, "<b") != _CODEC_ZSTD or compression.number(1, "<b") != 0:
        raise _fail("its buffers are not compressed with zstd")
    sizes = list(_buffer_sizes(batch))
    total = sum(sizes)
    if total > MAX_DECODED_BYTES:
        raise _fail(f"it would decode to {total} bytes")
    wanted = [bounds for column in table.columns for bounds in _buffer_bounds(column, rows)]
    fit = len(sizes) == len(wanted) and all(
        low <= size <= high for size, (low, high) in zip(sizes, wanted, strict=True)
    )
    if not fit:
        raise _fail(f"its buffers do not hold {rows} rows of table {table.name}")
    return total


def _check_nodes(header: _Flat, columns: int, rows: int) -> None:
    first, count = header.vector(1)
    nodes = range(first, first + 16 * count, 16)
    shape = (header.number(0, "<q"), count, header.vector(4)[1])
    if shape != (rows, columns, 0) or any(
        (_number("<q", header.data, at), _number("<q", header.data, at + 8)) != (rows, 0)
        for at in nodes
    ):
        raise _fail(f"it does not hold {rows} rows of {columns} columns without nulls")


def _buffer_sizes(batch: _Message) -> Iterator[int]:
    """Give the claimed decoded size of each buffer."""
    data = batch.header.data
    first, count = batch.header.vector(2)
    for at in range(first, first + 16 * count, 16):
        start, length = _number("<q", data, at), _number("<q", data, at + 8)
        inside = start >= 0 and length >= 0 and start + length <= len(batch.body)
        if not inside or 0 < length < _SIZE_BYTES:
            raise _fail("a buffer lies outside its body")
        if length == 0:
            yield 0
            continue
        (claimed,) = struct.unpack_from("<q", batch.body, start)
        size = length - _SIZE_BYTES if claimed == _NOT_COMPRESSED else int(claimed)
        if size < 0:
            raise _fail("a buffer claims a negative size")
        yield size


def _buffer_bounds(column: Column, rows: int) -> list[tuple[int, int]]:
    """Give least and most decoded size of each buffer of a column: validity, then its values."""
    if column.type == "bytes":
        offsets = (rows + 1) * _OFFSET_BYTES
        return [(0, 0), (offsets, offsets + _PADDING_BYTES), (0, MAX_DECODED_BYTES)]
    values = rows * WIDTHS[column.type]
    return [(0, 0), (values, values + _PADDING_BYTES)]
