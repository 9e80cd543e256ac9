# SPDX-License-Identifier: Apache-2.0
"""Arrow streams that a decoder must not be given, all with right CRCs."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.traces.build import columns_of, with_buffer
from traces.arrow import MAX_DECODED_BYTES, check_stream
from traces.blocks import DamageError
from traces.columns import decode, split
from traces.schema import TABLES
from traces.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polars._typing import IpcCompression

TABLE = Table("t", "", (Column("n", "u64", "", "delta"), Column("s", "bytes", "")))
STREAM = next(split(TABLE, columns_of(TABLE, 3)))[1]
OFFSETS, STRINGS = 3, 4


def stream_of(columns: Mapping[str, pl.Series], compression: IpcCompression = "zstd") -> bytes:
    """Give what polars writes for these columns."""
    buffer = io.BytesIO()
    oldest = pl.CompatLevel.oldest()
    frame = pl.DataFrame(columns)
    frame.write_ipc_stream(buffer, compression=compression, compat_level=oldest)
    return buffer.getvalue()


def plain(*numbers: int) -> bytes:
    """Give a buffer that is marked as not compressed."""
    return struct.pack(f"<q{len(numbers)}q", -1, *numbers)


N = pl.Series([1, 2, 3], dtype=pl.UInt64)
S = pl.Series([b"", b"a", b"b"], dtype=pl.Binary)


def test_sound_stream() -> None:
    """The size that a sound stream decodes to is what its buffers hold."""
    assert check_stream(STREAM, TABLE, 3) == 3 * 8 + 4 * 8 + 6
    assert check_stream(stream_of({"n": N, "s": S}), TABLE, 3) == 3 * 8 + 4 * 8 + 2


def test_every_table_is_accepted() -> None:
    """What the writer gives for any table is sound."""
    for table in TABLES.values():
        (payload,) = [payload for _, payload in split(table, columns_of(table, 9))]
        assert check_stream(payload, table, 9) > 0


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (b"", "past its end"),
        (b"\0" * 64, "cut off"),
        (STREAM[:-1], "past its end"),
        (STREAM[:-8], "past its end"),
        (STREAM[:300], "cut off"),
        (STREAM + b"\0", "follows its end"),
        (STREAM + STREAM, "follows its end"),
        (STREAM[:-8] * 2 + STREAM[-8:], "one schema and one record batch"),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff" + STREAM, "cut off"),
        (b"\xff\xff\xff\xff\0\0\0\0", "one schema and one record batch"),
        (stream_of({"n": N, "s": S}, "uncompressed"), "a part is missing"),
        (stream_of({"n": N, "s": S}, "lz4"), "not compressed with zstd"),
        (stream_of({"s": S, "n": N}), "column 0 is not n of type u64"),
        (stream_of({"n": N}), "2 columns of table t"),
        (stream_of({"n": N, "s": S, "x": N}), "2 columns of table t"),
        (stream_of({"n": N, "x": S}), "column 1 is not s of type bytes"),
        (stream_of({"n": N.cast(pl.Int64), "s": S}), "column 0"),
        (stream_of({"n": N.cast(pl.UInt32), "s": S}), "column 0"),
        (stream_of({"n": N.cast(pl.Float64), "s": S}), "column 0"),
        (stream_of({"n": N, "s": S.cast(pl.String)}), "column 1"),
        (stream_of({"n": N, "s": S.cast(pl.String).cast(pl.Categorical)}), "one schema"),
        (stream_of({"n": N, "s": pl.Series([[1], [2], [3]])}), "column 1"),
        (stream_of({"n": pl.Series([1, None, 3], dtype=pl.UInt64), "s": S}), "without nulls"),
        (stream_of({"n": N[:2], "s": S[:2]}), "does not hold 3 rows"),
        (with_buffer(STREAM, 1, plain(1, 2)), "buffers do not hold 3 rows"),
        (with_buffer(STREAM, 0, plain(7)), "buffers do not hold 3 rows"),
        (with_buffer(STREAM, 1, b"1234567"), "outside its body"),
        (with_buffer(STREAM, 1, struct.pack("<q", -2)), "negative size"),
        (with_buffer(STREAM, STRINGS, struct.pack("<q", 1 << 62)), "would decode to"),
        (with_buffer(STREAM, STRINGS, struct.pack("<q", MAX_DECODED_BYTES)), "would decode to"),
    ],
)
def test_refused(stream: bytes, reason: str) -> None:
    """Whatever our writer does not write is refused before a decoder sees it."""
    with pytest.raises(DamageError, match=reason):
        check_stream(stream, TABLE, 3)


@pytest.mark.parametrize(
    "offsets",
    [(0, 2, 4, 7), (0, 2, 4, 1 << 40), (0, 1 << 40, 4, 6), (-5, 2, 4, 6), (0, 4, 2, 6)],
)
def test_string_offsets_outside_the_data(offsets: tuple[int, ...]) -> None:
    """Offsets are compressed, so the decoder has to check them; it does."""
    stream = with_buffer(STREAM, OFFSETS, plain(*offsets))
    check_stream(stream, TABLE, 3)
    with pytest.raises(DamageError, match="cannot be decoded"):
        decode(stream, TABLE, 3)


def test_decompression_bomb_is_cut() -> None:
    """A zstd frame of 10 GB that claims 6 bytes gives 6 bytes, and one of 1 byte is refused."""
    run = (128 << 10) << 3 | 1 << 1
    frame = b"\x28\xb5\x2f\xfd\x00\x58" + (run.to_bytes(3, "little") + b"A") * 80_000
    bomb = with_buffer(STREAM, STRINGS, struct.pack("<q", 6) + frame)
    assert decode(bomb, TABLE, 3)[0]["s"].to_list() == [b"AA", b"AA", b"AA"]
    short = frame[:6] + (1 << 3 | 1 << 1 | 1).to_bytes(3, "little") + b"A"
    with pytest.raises(DamageError, match="cannot be decoded"):
        decode(with_buffer(STREAM, STRINGS, struct.pack("<q", 6) + short), TABLE, 3)


@settings(max_examples=500)
@given(st.lists(st.tuples(st.integers(0, len(STREAM) - 1), st.integers(0, 255)), max_size=4))
def test_any_bytes_changed(changes: list[tuple[int, int]]) -> None:
    """A stream with bytes changed decodes to 3 rows of the table or is refused, never worse."""
    stream = bytearray(STREAM)
    for at, byte in changes:
        stream[at] = byte
    try:
        frame, _ = decode(bytes(stream), TABLE, 3)
    except DamageError:
        return
    assert frame.schema == {"n": pl.UInt64, "s": pl.Binary}
    assert len(frame["s"].to_list()) == 3
