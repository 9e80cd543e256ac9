# SPDX-License-Identifier: Apache-2.0
"""The framing of a trace file: its header and its blocks, as FORMAT.md specifies them.

Nothing here knows what a table is. A header is checked before anything is read or allocated by
the lengths it claims, and a payload is read in pieces, so a damaged file costs no memory.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO

MAGIC = b"\x89PTRACE\n"
"""The first 8 bytes of every trace, of any format version."""
SYNC = b"\xf5BLK"
"""The first 4 bytes of every block; 0xf5 never occurs in UTF-8."""
MAX_ROWS = 1 << 16
"""The most rows that one block holds."""
MAX_PAYLOAD_BYTES = 64 << 20
"""The longest payload of a block."""
MAX_METADATA_BYTES = 16 << 20
"""The longest payload of a metadata block or trailer."""
TRAILER_NAME = "trailer"
"""The name in the header of the trailer block."""

_FILE_HEADER = struct.Struct("<8sII")
_BLOCK_HEADER = struct.Struct("<4sHHQII32sII")
FILE_HEADER_BYTES = _FILE_HEADER.size
"""Length of the file header."""
BLOCK_HEADER_BYTES = _BLOCK_HEADER.size
"""Length of a block header."""

_CRC_BYTES = 4
_CHUNK_BYTES = 1 << 20
_NAME = re.compile(rb"([a-z][a-z0-9_]{0,31})\0*")


class DamageError(Exception):
    """A block that cannot be read; its text is the reason in one line."""


class Kind(IntEnum):
    """What the payload of a block is."""

    TABLE = 1
    METADATA = 2
    TRAILER = 3


@dataclass(frozen=True, slots=True)
class BlockInfo:
    """The header of one block and where it is; `offset` counts bytes from the file's start."""

    kind: Kind
    name: str
    sequence: int
    rows: int
    offset: int
    payload_bytes: int
    payload_crc: int

    @property
    def payload_offset(self) -> int:
        """Where the payload begins, in bytes from the file's start."""
        return self.offset + BLOCK_HEADER_BYTES

    @property
    def end(self) -> int:
        """Where the next block begins, in bytes from the file's start."""
        return self.payload_offset + self.payload_bytes

    def __str__(self) -> str:
        """Name the block for a message."""
        return f"block {self.sequence} ({self.kind.name.lower()} {self.name}) at byte {self.offset}"


def pack_file_header(version: int) -> bytes:
    """Give the bytes that a file of this format version begins with."""
    checked = _FILE_HEADER.pack(MAGIC, version, 0)[:-_CRC_BYTES]
    return checked + zlib.crc32(checked).to_bytes(_CRC_BYTES, "little")


def unpack_file_header(data: bytes) -> int:
    """Give the format version that a file header names; DamageError when it is no such header."""
    if not data:
        raise DamageError("the file is empty")
    if not data.startswith(MAGIC):
        raise DamageError("it does not begin as a trace does")
    if len(data) != FILE_HEADER_BYTES:
        raise DamageError(f"it ends within its header, after {len(data)} bytes")
    _, version, crc = _FILE_HEADER.unpack(data)
    if zlib.crc32(data[:-_CRC_BYTES]) != crc:
        raise DamageError("its header is damaged (checksum)")
    return int(version)


def check_name(name: str) -> bytes:
    """Give the stored form of a block name; ValueError unless 1 to 32 of a-z, 0-9 and `_`."""
    stored = name.encode()
    if _NAME.fullmatch(stored) is None or b"\0" in stored:
        raise ValueError(f"not a block name: {name!r}")
    return stored


def pack_block(kind: Kind, name: str, sequence: int, rows: int, payload: bytes) -> bytes:
    """Give a whole block; ValueError when it would break a limit that readers enforce."""
    if rows > MAX_ROWS or len(payload) > _payload_limit(kind):
        raise ValueError(f"block {name} is too large: {rows} rows, {len(payload)} bytes")
    checked = _BLOCK_HEADER.pack(
        SYNC, kind, 0, sequence, len(payload), rows, check_name(name), zlib.crc32(payload), 0
    )[:-_CRC_BYTES]
    return checked + zlib.crc32(checked).to_bytes(_CRC_BYTES, "little") + payload


def _payload_limit(kind: Kind) -> int:
    return MAX_PAYLOAD_BYTES if kind is Kind.TABLE else MAX_METADATA_BYTES


def unpack_block_header(data: bytes, offset: int, sequence: int) -> BlockInfo:
    """Give the block whose header is `data`, read at `offset`.

    DamageError when the header is not sound, or not that of the block with this sequence number.
    """
    place = f"block {sequence} at byte {offset}"
    if len(data) != BLOCK_HEADER_BYTES:
        raise DamageError(f"the file ends within the header of {place}")
    sync, kind, zero, found, payload_bytes, rows, stored, payload_crc, crc = _BLOCK_HEADER.unpack(
        data
    )
    if sync != SYNC:
        raise DamageError(f"{place} does not begin as a block does")
    if zlib.crc32(data[:-_CRC_BYTES]) != crc:
        raise DamageError(f"the header of {place} is damaged (checksum)")
    if found != sequence:
        raise DamageError(f"{place} is missing: the block there has the number {found}")
    name = _NAME.fullmatch(stored)
    if zero != 0 or name is None or kind not in list(Kind):
        raise DamageError(f"{place} is of a kind that this format does not have")
    kind = Kind(kind)
    rows_fit = 1 <= rows <= MAX_ROWS if kind is Kind.TABLE else rows == 0
    if payload_bytes > _payload_limit(kind) or not rows_fit:
        raise DamageError(f"{place} claims {payload_bytes} bytes and {rows} rows, which cannot be")
    return BlockInfo(kind, name[1].decode(), sequence, rows, offset, payload_bytes, payload_crc)


def check_payload(file: BinaryIO, block: BlockInfo, file_bytes: int) -> None:
    """Read the payload of a block in pieces; DamageError when it is cut off or its CRC differs."""
    if block.end > file_bytes:
        there = file_bytes - block.payload_offset
        raise DamageError(f"the file ends within {block}: {there} of {block.payload_bytes} bytes")
    file.seek(block.payload_offset)
    crc = 0
    left = block.payload_bytes
    while left:
        chunk = file.read(min(left, _CHUNK_BYTES))
        if not chunk:
            break
        crc = zlib.crc32(chunk, crc)
        left -= len(chunk)
    if left or crc != block.payload_crc:
        raise DamageError(f"{block} is damaged (checksum)")


def read_payload(file: BinaryIO, block: BlockInfo) -> bytes:
    """Give the payload of a block that was checked before; DamageError when it has changed."""
    file.seek(block.payload_offset)
    payload = file.read(block.payload_bytes)
    if len(payload) != block.payload_bytes or zlib.crc32(payload) != block.payload_crc:
        raise DamageError(f"{block} has changed since the file was opened")
    return payload
