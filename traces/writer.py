# SPDX-License-Identifier: Apache-2.0
"""Writes a trace file, block by block."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from traces.blocks import TRAILER_NAME, Kind, check_name, pack_block, pack_file_header
from traces.columns import split
from traces.metadata import encode_json
from traces.schema import FORMAT_VERSION, TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

    from traces.columns import Values
    from traces.metadata import JsonValue


class TraceWriter:
    """A trace that is being written to a file open for writing bytes, at its beginning.

    Each call writes whole blocks and flushes them, so the file can be read up to the last one
    whenever the writer is killed. Each block costs 1 to 7 KB however few its rows are: collect
    some thousand before writing them. The file is the caller's to close.

    An OSError of the file (a full disk) reaches the caller as it is. The file is then readable
    up to its last whole block, and every later call raises OSError: rows that were not written
    must not be followed by a trailer that says the trace is complete.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._broken = False
        self._finished = False
        self._blocks = 0
        self._rows: dict[str, int] = {}
        self._bytes_written = 0
        self._write(pack_file_header(FORMAT_VERSION))

    @property
    def bytes_written(self) -> int:
        """How long the file is: bytes of its header and of all whole blocks."""
        return self._bytes_written

    @property
    def rows_written(self) -> Mapping[str, int]:
        """How many rows of each table were written; tables without rows are left out."""
        return dict(self._rows)

    def metadata(self, name: str, value: JsonValue) -> None:
        """Write a metadata block; a later one of the same name replaces it.

        ValueError when the name is not of a-z, 0-9 and `_`, or when the value is no finite JSON,
        nests too deep or has strings with lone surrogates (show bytes with `shown` first).
        """
        check_name(name)
        self._block(Kind.METADATA, name, 0, encode_json(value))

    def rows(self, table: str, columns: Mapping[str, Values]) -> None:
        """Write rows of a table, given as all its columns, in as many blocks as they need.

        KeyError when there is no such table; ValueError or TypeError when the columns are not
        exactly the table's (dtypes: `traces.columns.NUMPY_TYPES`). Without rows nothing is written.
        """
        for rows, payload in split(TABLES[table], columns):
            self._block(Kind.TABLE, table, rows, payload)
            self._rows[table] = self._rows.get(table, 0) + rows

    def finish(self) -> None:
        """Write the trailer, which says that the trace is complete; nothing may follow it."""
        totals: JsonValue = {"blocks": self._blocks, "rows": self._rows}
        self._block(Kind.TRAILER, TRAILER_NAME, 0, encode_json(totals))
        self._finished = True

    def _block(self, kind: Kind, name: str, rows: int, payload: bytes) -> None:
        if self._finished:
            raise ValueError("the trace is finished")
        self._write(pack_block(kind, name, self._blocks, rows, payload))
        self._blocks += 1

    def _write(self, data: bytes) -> None:
        if self._broken:
            raise OSError(errno.EIO, "an earlier block was not written whole")
        # Stays set when anything, a signal's exception too, leaves the block unfinished.
        self._broken = True
        left = memoryview(data)
        while left:
            written = self._file.write(left)
            if not written:
                raise OSError(errno.EIO, "the file took no bytes")
            left = left[written:]
        self._file.flush()
        self._broken = False
        self._bytes_written += len(data)
