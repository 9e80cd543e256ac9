# SPDX-License-Identifier: Apache-2.0
"""The framing: headers are judged before anything is believed."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traces import blocks
from traces.blocks import DamageError, Kind

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,31}", fullmatch=True)


def header(**changed: int | bytes) -> bytes:
    """Give a header with a right CRC, with fields changed."""
    fields = {
        "sync": b"\xf5BLK", "kind": 1, "zero": 0, "sequence": 5, "length": 3, "rows": 2,
        "name": b"wait", "crc": zlib.crc32(b"abc"),
    } | changed  # fmt: skip
    packed = struct.pack("<4sHHQII32sI", *fields.values())
    return packed + struct.pack("<I", zlib.crc32(packed))


@given(name=NAMES, sequence=st.integers(0, 2**64 - 1), payload=st.binary(max_size=99))
def test_block_round_trip(name: str, sequence: int, payload: bytes) -> None:
    """What is packed is unpacked."""
    packed = blocks.pack_block(Kind.TABLE, name, sequence, 7, payload)
    block = blocks.unpack_block_header(packed[: blocks.BLOCK_HEADER_BYTES], 16, sequence)
    assert (block.kind, block.name, block.sequence, block.rows) == (Kind.TABLE, name, sequence, 7)
    assert (block.offset, block.payload_offset, block.end) == (16, 80, 80 + len(payload))
    assert packed[blocks.BLOCK_HEADER_BYTES :] == payload


def test_header_is_as_specified() -> None:
    """FORMAT.md's offsets, written down a second time."""
    assert blocks.pack_block(Kind.TABLE, "wait", 5, 2, b"abc") == header() + b"abc"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"sync": b"BLK\xf5"}, "does not begin as a block"),
        ({"sequence": 6}, "block 5 at byte 99 is missing: the block there has the number 6"),
        ({"kind": 4}, "of a kind"),
        ({"kind": 0}, "of a kind"),
        ({"zero": 1}, "of a kind"),
        ({"name": b""}, "of a kind"),
        ({"name": b"wait\0x"}, "of a kind"),
        ({"name": b"\xff"}, "of a kind"),
        ({"length": blocks.MAX_PAYLOAD_BYTES + 1}, "cannot be"),
        ({"kind": 2, "rows": 0, "length": blocks.MAX_METADATA_BYTES + 1}, "cannot be"),
        ({"kind": 2, "rows": 1}, "cannot be"),
        ({"rows": 0}, "cannot be"),
        ({"rows": blocks.MAX_ROWS + 1}, "cannot be"),
    ],
)
def test_header_refused(changed: dict[str, int | bytes], reason: str) -> None:
    """Even with a right CRC, a header is held to the specification."""
    with pytest.raises(DamageError, match=reason):
        blocks.unpack_block_header(header(**changed), 99, 5)


@given(at=st.integers(0, 63), bit=st.integers(0, 7))
def test_header_flip_is_noticed(at: int, bit: int) -> None:
    """Any bit of a block header is covered by its CRC or by the sync marker."""
    data = bytearray(header())
    data[at] ^= 1 << bit
    with pytest.raises(DamageError):
        blocks.unpack_block_header(bytes(data), 0, 5)


def test_too_large_is_not_written() -> None:
    """The writer keeps the limits that the reader enforces."""
    with pytest.raises(ValueError, match="too large"):
        blocks.pack_block(Kind.TABLE, "wait", 0, blocks.MAX_ROWS + 1, b"")
    with pytest.raises(ValueError, match="too large"):
        blocks.pack_block(Kind.METADATA, "host", 0, 0, bytes(blocks.MAX_METADATA_BYTES + 1))


@pytest.mark.parametrize("name", ["", "Host", "1", "a b", "a\0", "ä", "a" * 33])
def test_bad_names(name: str) -> None:
    """A name must fit the header and be plain."""
    with pytest.raises(ValueError, match="not a block name"):
        blocks.check_name(name)


def test_claimed_length_is_not_allocated() -> None:
    """A header that claims 64 MiB in a short file costs no memory."""
    block = blocks.unpack_block_header(header(length=blocks.MAX_PAYLOAD_BYTES), 0, 5)
    file = io.BytesIO(bytes(100))
    tracemalloc.start()
    with pytest.raises(DamageError, match="36 of 67108864 bytes"):
        blocks.check_payload(file, block, 100)
    # The file shrank after its size was taken: still no more than one chunk is read.
    with pytest.raises(DamageError, match="checksum"):
        blocks.check_payload(file, block, 1 << 40)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 << 20


def test_changed_payload_is_noticed() -> None:
    """A payload that was sound when the file was opened is checked again."""
    block = blocks.unpack_block_header(header(), 0, 5)
    assert blocks.read_payload(io.BytesIO(header() + b"abc"), block) == b"abc"
    for payload in (b"abd", b"ab"):
        with pytest.raises(DamageError, match="changed since"):
            blocks.read_payload(io.BytesIO(header() + payload), block)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\x89PTRACE", "does not begin"),
        (b"\x7fELF" + bytes(60), "does not begin"),
        (blocks.pack_file_header(1)[:15], "within its header, after 15"),
        (b"\x89PTRACE\n" + bytes(8), "checksum"),
    ],
)
def test_file_header_refused(data: bytes, reason: str) -> None:
    """Only a whole header with its magic and CRC names a version."""
    with pytest.raises(DamageError, match=reason):
        blocks.unpack_file_header(data)


@given(st.integers(0, 2**32 - 1))
def test_file_header_round_trip(version: int) -> None:
    """The header names the version it was made for."""
    assert blocks.unpack_file_header(blocks.pack_file_header(version)) == version
