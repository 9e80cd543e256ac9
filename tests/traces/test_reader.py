# SPDX-License-Identifier: Apache-2.0
"""The reader: any bytes give a trace or TraceFormatError, and never wrong rows."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.traces.build import columns_of, small_trace, with_blocks
from traces import reader
from traces.blocks import FILE_HEADER_BYTES, MAGIC, Kind, pack_file_header
from traces.columns import polars_schema, split
from traces.errors import TraceFormatError
from traces.metadata import encode_json
from traces.reader import Trace, open_trace
from traces.schema import FORMAT_VERSION, TABLES

if TYPE_CHECKING:
    from pathlib import Path

SMALL = small_trace()
SAME_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXT = next(split(TABLES["text"], columns_of(TABLES["text"], 3)))[1]
TEXT_TIDS = [1, 2, 3, 4, 5]
STARTED_TIDS = [1, 2]


def opened(folder: Path, data: bytes) -> Trace:
    """Open these bytes as a file."""
    path = folder / "x.ptrace"
    path.write_bytes(data)
    return open_trace(path)


def assert_prefix(trace: Trace) -> None:
    """Assert that a trace holds the first rows of SMALL and nothing else."""
    for name, tids in (("text", TEXT_TIDS), ("started", STARTED_TIDS)):
        table = trace.table(name)
        found = table["tid"].to_list()
        assert found == tids[: len(found)]
        assert table["time_ns"].to_list() == found
        assert trace.rows(name) == len(found)
    assert trace.metadata in (
        {}, {"host": {"kernel": "6.18", "cpus": 2}}, {"host": {"kernel": "6.18", "cpus": 4}}
    )  # fmt: skip


def test_whole_trace(tmp_path: Path) -> None:
    """Everything that was written, in order, with the schema's dtypes."""
    trace = opened(tmp_path, SMALL)
    assert (trace.path, trace.format_version) == (tmp_path / "x.ptrace", FORMAT_VERSION)
    assert (trace.complete, trace.truncated) == (True, None)
    assert trace.metadata == {"host": {"kernel": "6.18", "cpus": 4}}
    assert trace.table("text")["tid"].to_list() == TEXT_TIDS
    assert trace.table("text")["data"].to_list() == [b"%d\0" % n for n in TEXT_TIDS]
    assert trace.table("started")["time_ns"].to_list() == STARTED_TIDS
    assert [(b.kind.name, b.name, b.rows) for b in trace.blocks] == [
        ("METADATA", "host", 0), ("TABLE", "text", 3), ("TABLE", "started", 2),
        ("METADATA", "host", 0), ("TABLE", "text", 2), ("TRAILER", "trailer", 0),
    ]  # fmt: skip
    assert trace.table("text") is trace.table("text")
    for name, table in TABLES.items():
        assert trace.table(name).schema == polars_schema(table)
        assert trace.rows(name) == len(trace.table(name))
    for call in (trace.rows, trace.table):
        with pytest.raises(KeyError):
            call("no_such_table")


def test_rows_do_not_decode(tmp_path: Path) -> None:
    """Counting rows reads no payload."""
    trace = opened(tmp_path, SMALL)
    trace.path.unlink()
    assert trace.rows("text") == 5


def test_cut_at_every_byte(tmp_path: Path) -> None:
    """A file that was cut anywhere is a prefix of the trace, marked truncated."""
    for length in range(len(SMALL)):
        if length < FILE_HEADER_BYTES:
            with pytest.raises(TraceFormatError):
                opened(tmp_path, SMALL[:length])
            continue
        trace = opened(tmp_path, SMALL[:length])
        assert not trace.complete
        assert trace.truncated
        assert "\n" not in trace.truncated
        assert_prefix(trace)


def test_truncated_says_why(tmp_path: Path) -> None:
    """The reasons tell a cut between blocks from one within a header or payload."""
    blocks = opened(tmp_path, SMALL).blocks
    last = blocks[-1]
    reasons = {
        FILE_HEADER_BYTES: "the file ends without a trailer, after 0 whole blocks",
        last.offset: "the file ends without a trailer, after 5 whole blocks",
        last.offset + 9: f"the file ends within the header of block 5 at byte {last.offset}",
        last.payload_offset + 4: f"the file ends within block 5 (trailer trailer) at byte "
        f"{last.offset}: 4 of {last.payload_bytes} bytes",
    }
    for length, reason in reasons.items():
        assert opened(tmp_path, SMALL[:length]).truncated == reason


def test_flip_at_every_byte(tmp_path: Path) -> None:
    """No changed byte gives wrong rows, and every one is noticed."""
    for at in range(len(SMALL)):
        damaged = bytearray(SMALL)
        damaged[at] ^= 1 << at % 8
        if at < FILE_HEADER_BYTES:
            with pytest.raises(TraceFormatError):
                opened(tmp_path, bytes(damaged))
            continue
        trace = opened(tmp_path, bytes(damaged))
        assert not trace.complete
        assert trace.truncated
        assert_prefix(trace)


@SAME_FOLDER
@given(data=st.binary(max_size=300), head=st.sampled_from([b"", MAGIC, pack_file_header(1)]))
def test_any_bytes(tmp_path: Path, data: bytes, head: bytes) -> None:
    """Arbitrary bytes, also behind a right magic or header."""
    try:
        trace = opened(tmp_path, head + data)
    except TraceFormatError:
        assert head != pack_file_header(1)
        return
    assert not trace.complete
    assert trace.blocks == ()


@SAME_FOLDER
@given(payload=st.binary(max_size=400), rows=st.integers(1, 65_536))
def test_garbage_with_a_right_crc(tmp_path: Path, payload: bytes, rows: int) -> None:
    """A crafted block opens, counts as it claims, and fails as one table."""
    good = (Kind.TABLE, "text", 3, TEXT)
    data = with_blocks(good, (Kind.TABLE, "started", rows, payload))
    trace = opened(tmp_path, data)
    assert len(trace.table("text")) == 3
    with pytest.raises(TraceFormatError, match="cannot read") as error:
        trace.table("started")
    assert "block 1 (table started)" in error.value.why


def test_block_missing_in_the_middle(tmp_path: Path) -> None:
    """Sequence numbers prove a gap, though every block left is sound."""
    second = opened(tmp_path, SMALL).blocks[1]
    trace = opened(tmp_path, SMALL[: second.offset] + SMALL[second.end :])
    assert (
        trace.truncated
        == f"block 1 at byte {second.offset} is missing: the block there has the number 2"
    )


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        ((Kind.TABLE, "no_such_table", 3, TEXT), "a table that this format does not have"),
        ((Kind.METADATA, "host", 0, b"{"), "JSON is not sound"),
        ((Kind.METADATA, "host", 0, b"[" * 9999), "JSON nests too deep"),
        ((Kind.TRAILER, "trailer", 0, b"{}"), "does not agree"),
        ((Kind.TRAILER, "trailer", 0, b'{"blocks":1,"rows":{"text":4}}'), "does not agree"),
    ],
)
def test_unsound_block_ends_reading(
    tmp_path: Path, block: tuple[Kind, str, int, bytes], reason: str
) -> None:
    """What cannot be understood ends reading, with all that stands before it."""
    trace = opened(tmp_path, with_blocks((Kind.TABLE, "text", 3, TEXT), block))
    assert trace.truncated is not None
    assert reason in trace.truncated
    assert len(trace.table("text")) == 3


def test_something_behind_the_trailer(tmp_path: Path) -> None:
    """A file that goes on is not the one that was finished."""
    trace = opened(tmp_path, SMALL + b"\0\0\0")
    assert (trace.complete, trace.truncated) == (False, "3 bytes follow the trailer")
    assert_prefix(trace)
    assert trace.rows("text") == 5


def test_no_such_file_directory_fifo_device(tmp_path: Path) -> None:
    """What is no regular file is refused, without waiting for a FIFO's writer."""
    os.mkfifo(tmp_path / "fifo")
    reasons: dict[Path | str, str] = {
        tmp_path / "none": "No such file",
        tmp_path: "it is a directory",
        tmp_path / "fifo": "not a regular file",
        "/dev/zero": "not a regular file",
    }
    for path, reason in reasons.items():
        with pytest.raises(TraceFormatError, match="cannot read") as error:
            open_trace(path)
        assert reason in error.value.why
        assert error.value.status == 2


def test_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read anything, so the refusal is the kernel's by proxy."""

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(TraceFormatError) as error:
        open_trace(tmp_path / "x")
    assert error.value.why == "Permission denied"
    assert "user who recorded it" in error.value.hint


def test_version_0(tmp_path: Path) -> None:
    """There never was a format 0."""
    with pytest.raises(TraceFormatError) as error:
        opened(tmp_path, with_blocks(version=0))
    assert error.value.why == "there is no trace format 0"


def test_file_changes_after_opening(tmp_path: Path) -> None:
    """Rows of another file are never taken for those of the one that was opened."""
    for changed in (SMALL[:200], with_blocks((Kind.METADATA, "x", 0, encode_json("y" * 9999)))):
        trace = opened(tmp_path, SMALL)
        trace.path.write_bytes(changed)
        with pytest.raises(TraceFormatError, match="cannot read") as error:
            trace.table("text")
        assert "has changed since" in error.value.why
    trace.path.unlink()
    with pytest.raises(TraceFormatError):
        trace.table("text")


def test_table_larger_than_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that cannot be held is refused before it is decoded."""
    trace = opened(tmp_path, SMALL)
    monkeypatch.setattr(reader, "_memory_bytes", lambda: 300)
    assert len(trace.table("started")) == 2
    with pytest.raises(TraceFormatError) as error:
        trace.table("text")
    assert "table text would take more than half" in error.value.why


def test_frames_are_in_one_piece(tmp_path: Path) -> None:
    """Analyses get contiguous columns, however many blocks there were."""
    assert opened(tmp_path, SMALL).table("text").n_chunks("all") == [1] * 7
    assert isinstance(opened(tmp_path, SMALL).table("text"), pl.DataFrame)
