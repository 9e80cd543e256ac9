# SPDX-License-Identifier: Apache-2.0
"""Opens a trace file and gives its tables as polars frames."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from traces.blocks import (
    BLOCK_HEADER_BYTES,
    FILE_HEADER_BYTES,
    BlockInfo,
    DamageError,
    Kind,
    check_payload,
    read_payload,
    unpack_block_header,
    unpack_file_header,
)
from traces.columns import decode, empty
from traces.errors import TraceFormatError
from traces.metadata import decode_json
from traces.migrate import CURRENT, Format

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import BinaryIO

    from traces.metadata import JsonValue
    from traces.table import Table

_HINT_DAMAGED = "copy the file again from where it was recorded, or record again"
_HINT_NO_TRACE = "name a file that `proctrace record -o FILE` wrote"


@dataclass
class _Scan:
    """What the blocks of a file are, up to its end or to the first one that is not sound."""

    blocks: list[BlockInfo] = field(default_factory=list)
    metadata: dict[str, JsonValue] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    complete: bool = False


class Trace:
    """A trace file that was opened; see `open_trace`.

    `path` is the file, `format_version` the version it was written in. `complete` says that its
    trailer was found, and `truncated` otherwise says in one line why reading ended. `metadata`
    holds the last value of each name, `blocks` the header of each sound block in file order.
    """

    def __init__(
        self, path: Path, *, version: int, scan: _Scan, truncated: str | None, fmt: Format
    ) -> None:
        self.path = path
        self.format_version = version
        self.complete = scan.complete
        self.truncated = truncated
        self.metadata = fmt.upgraded_metadata(version, scan.metadata)
        self.blocks: Sequence[BlockInfo] = tuple(scan.blocks)
        self._rows = scan.rows
        self._format = fmt
        self._tables: dict[str, pl.DataFrame] = {}

    def rows(self, name: str) -> int:
        """Give the number of rows of a table, without decoding it if no migration is needed.

        KeyError when there is no such table.
        """
        self._check_name(name)
        if self.format_version != self._format.version:
            return len(self.table(name))
        return self._rows.get(name, 0)

    def table(self, name: str) -> pl.DataFrame:
        """Give a table: its rows in file order, the columns and dtypes of its schema.

        Decoded at the first call and kept. KeyError when there is no such table;
        TraceFormatError when a block does not hold what its header says, when the file has
        changed since it was opened, or when the table takes more than half of the memory.
        """
        self._check_name(name)
        if name not in self._tables:
            self._tables[name] = self._format.upgraded_table(
                self.format_version, name, self._stored_table
            )
        return self._tables[name]

    def _check_name(self, name: str) -> None:
        if name not in self._format.tables:
            raise KeyError(name)

    def _stored_table(self, name: str) -> pl.DataFrame:
        table = self._format.tables_of(self.format_version)[name]
        blocks = [b for b in self.blocks if b.kind is Kind.TABLE and b.name == name]
        if not blocks:
            return empty(table)
        try:
            with self.path.open("rb") as file:
                frames = self._decoded(file, table, blocks)
        except OSError as error:
            raise _unreadable(self.path, error) from error
        # Column by column, each freed as it is joined: at no time is the table there twice.
        return pl.DataFrame(
            [
                pl.concat([frame.drop_in_place(column) for frame in frames], rechunk=True)
                for column in table.column_names()
            ]
        )

    def _decoded(self, file: BinaryIO, table: Table, blocks: list[BlockInfo]) -> list[pl.DataFrame]:
        frames = []
        left = _memory_bytes() // 2
        for block in blocks:
            try:
                frame, decoded_bytes = decode(read_payload(file, block), table, block.rows)
            except DamageError as damage:
                why = f"{block}: {damage}"
                raise TraceFormatError(_what(self.path), why, _HINT_DAMAGED) from damage
            left -= decoded_bytes
            if left < 0:
                why = f"table {table.name} would take more than half of this machine's memory"
                hint = "read it on a machine with more memory"
                raise TraceFormatError(_what(self.path), why, hint)
            frames.append(frame)
        return frames


def open_trace(path: str | os.PathLike[str], fmt: Format = CURRENT) -> Trace:
    """Open a trace: check all its blocks, read its metadata, leave its tables for later.

    A file without trailer is read up to its last whole block, and up to the first block that is
    not sound; `Trace.truncated` says so. `fmt` is what to read it as. TraceFormatError when the
    file cannot be read, is no trace, or is of a newer format.
    """
    where = Path(path)
    try:
        with _open_regular(where) as file:
            size = os.fstat(file.fileno()).st_size
            version = _version(where, file.read(FILE_HEADER_BYTES), fmt)
            scan = _Scan()
            truncated = _read_blocks(file, size, fmt.tables_of(version), scan)
    except OSError as error:
        raise _unreadable(where, error) from error
    return Trace(where, version=version, scan=scan, truncated=truncated, fmt=fmt)


def _what(path: Path) -> str:
    return f"cannot read {str(path)!r} as a trace"


def _unreadable(path: Path, error: OSError) -> TraceFormatError:
    hint = "check the path"
    if isinstance(error, PermissionError):
        hint = "a trace belongs to the user who recorded it: read it as that user"
    return TraceFormatError(_what(path), error.strerror or type(error).__name__, hint)


def _memory_bytes() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _open_regular(path: Path) -> BinaryIO:
    # O_NONBLOCK: opening a FIFO must not wait for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        why = "it is a directory" if stat.S_ISDIR(mode) else "it is not a regular file"
        raise TraceFormatError(_what(path), why, _HINT_NO_TRACE)
    return os.fdopen(descriptor, "rb")


def _version(path: Path, header: bytes, fmt: Format) -> int:
    try:
        version = unpack_file_header(header)
    except DamageError as damage:
        raise TraceFormatError(_what(path), str(damage), _HINT_NO_TRACE) from damage
    if version > fmt.version:
        why = f"it is of trace format {version}, and this proctrace reads up to {fmt.version}"
        raise TraceFormatError(_what(path), why, "upgrade proctrace to the one that recorded it")
    if version < 1:
        why = f"there is no trace format {version}"
        raise TraceFormatError(_what(path), why, _HINT_DAMAGED)
    return version


def _read_blocks(file: BinaryIO, size: int, tables: Mapping[str, Table], scan: _Scan) -> str | None:
    """Fill `scan` with all sound blocks; give why it ended before a trailer, if it did."""
    offset = FILE_HEADER_BYTES
    try:
        while offset < size and not scan.complete:
            file.seek(offset)
            header = file.read(BLOCK_HEADER_BYTES)
            block = unpack_block_header(header, offset, len(scan.blocks))
            check_payload(file, block, size)
            _take(file, block, tables, scan)
            offset = block.end
    except DamageError as damage:
        return str(damage)
    if not scan.complete:
        return f"the file ends without a trailer, after {len(scan.blocks)} whole blocks"
    if offset < size:
        scan.complete = False
        return f"{size - offset} bytes follow the trailer"
    return None


def _take(file: BinaryIO, block: BlockInfo, tables: Mapping[str, Table], scan: _Scan) -> None:
    if block.kind is Kind.TABLE:
        if block.name not in tables:
            raise DamageError(f"{block} is of a table that this format does not have")
        scan.rows[block.name] = scan.rows.get(block.name, 0) + block.rows
    else:
        try:
            value = decode_json(read_payload(file, block))
        except DamageError as damage:
            raise DamageError(f"{block}: {damage}") from damage
        if block.kind is Kind.METADATA:
            scan.metadata[block.name] = value
        elif value != {"blocks": len(scan.blocks), "rows": scan.rows}:
            raise DamageError(f"{block} does not agree with the blocks before it")
        else:
            scan.complete = True
    scan.blocks.append(block)
