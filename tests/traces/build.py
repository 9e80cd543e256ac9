# SPDX-License-Identifier: Apache-2.0
"""Columns and small traces for the tests of reader and writer."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from traces import arrow
from traces.blocks import Kind, pack_block, pack_file_header
from traces.columns import NUMPY_TYPES
from traces.schema import TABLES
from traces.writer import TraceWriter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from traces.columns import Values
    from traces.table import Column, Table


def values_of(column: Column, values: Sequence[Any]) -> Values:
    """Give values as the writer takes them for this column."""
    if column.type == "bytes":
        return list(values)
    return np.array(values, dtype=NUMPY_TYPES[column.type])


def columns_of(table: Table, rows: int, first: int = 1) -> dict[str, Values]:
    """Give columns in which row i has the value first + i, as text in bytes columns."""
    numbers = range(first, first + rows)
    return {
        column.name: values_of(
            column, [b"%d\0" % n for n in numbers] if column.type == "bytes" else numbers
        )
        for column in table.columns
    }


def small_trace() -> bytes:
    """Give a whole trace: two metadata blocks, two blocks of `text` and one of `started`."""
    file = io.BytesIO()
    writer = TraceWriter(file)
    writer.metadata("host", {"kernel": "6.18", "cpus": 2})
    writer.rows("text", columns_of(TABLES["text"], 3))
    writer.rows("started", columns_of(TABLES["started"], 2))
    writer.metadata("host", {"kernel": "6.18", "cpus": 4})
    writer.rows("text", columns_of(TABLES["text"], 2, first=4))
    writer.finish()
    return file.getvalue()


def with_blocks(*blocks: tuple[Kind, str, int, bytes], version: int = 1) -> bytes:
    """Give a file of blocks (kind, name, rows, payload) whose CRCs and numbers are right."""
    packed = [pack_block(kind, name, i, n, data) for i, (kind, name, n, data) in enumerate(blocks)]
    return pack_file_header(version) + b"".join(packed)


def with_buffer(stream: bytes, index: int, buffer: bytes) -> bytes:
    """Give an Arrow stream with another buffer `index`, its claimed size included."""
    batch = 8 + struct.unpack_from("<i", stream, 4)[0]
    body = batch + 8 + struct.unpack_from("<i", stream, batch + 4)[0]
    metadata = bytearray(stream[batch + 8 : body])
    data = stream[body:-8]
    message = arrow._Flat(bytes(metadata), struct.unpack_from("<I", metadata)[0])  # noqa: SLF001
    first, _ = message.child(2).vector(2)
    struct.pack_into("<qq", metadata, first + 16 * index, len(data), len(buffer))
    data += buffer
    length_at = message._slot(3)  # noqa: SLF001
    assert length_at is not None
    struct.pack_into("<q", metadata, length_at, len(data))
    return stream[: batch + 8] + bytes(metadata) + data + stream[-8:]
