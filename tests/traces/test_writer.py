# SPDX-License-Identifier: Apache-2.0
"""The writer: whole blocks, and what is left when a write fails."""

from __future__ import annotations

import errno
import io
import re
from pathlib import Path

import pytest

import traces
from tests.traces.build import columns_of, small_trace
from traces.reader import open_trace
from traces.schema import TABLES
from traces.writer import TraceWriter

TEXT = TABLES["text"]


class LimitedFile(io.RawIOBase):
    """A disk with room for `room` bytes that takes at most `step` per write, as a raw file may."""

    def __init__(self, room: int, step: int = 1 << 30) -> None:
        self.data = b""
        self.room = room
        self.step = step

    def writable(self) -> bool:
        """Say that it can be written."""
        return True

    def write(self, data: object) -> int:
        """Take what fits, or fail as a full disk does when nothing fits."""
        assert isinstance(data, memoryview)
        taken = bytes(data[: min(self.step, self.room - len(self.data))])
        if not taken:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.data += taken
        return len(taken)


def _write(file: io.RawIOBase) -> None:
    writer = TraceWriter(file)  # type: ignore[arg-type]
    writer.rows("text", columns_of(TEXT, 3))
    writer.rows("text", columns_of(TEXT, 2, first=4))
    writer.finish()


def test_example_of_format_md() -> None:
    """The bytes in FORMAT.md are what the writer writes."""
    text = Path(traces.__file__).with_name("FORMAT.md").read_text(encoding="utf-8")
    lines = re.findall(r"^    [0-9a-f]{8}  ((?:[0-9a-f]{2} )+)", text, re.MULTILINE)
    file = io.BytesIO()
    writer = TraceWriter(file)
    writer.metadata("host", {"cpus": 2})
    writer.finish()
    assert bytes.fromhex("".join(lines)) == file.getvalue()


def test_same_input_same_bytes() -> None:
    """A file depends on nothing but what was written."""
    assert small_trace() == small_trace()


def test_bytes_and_rows_written() -> None:
    """The counters say what the file holds."""
    file = io.BytesIO()
    writer = TraceWriter(file)
    writer.rows("text", columns_of(TEXT, 3))
    writer.rows("text", columns_of(TEXT, 4))
    writer.rows("started", columns_of(TABLES["started"], 0))
    assert writer.rows_written == {"text": 7}
    assert writer.bytes_written == len(file.getvalue())
    writer.finish()
    assert writer.bytes_written == len(file.getvalue())


def test_short_writes(tmp_path: Path) -> None:
    """A file that takes a few bytes at a time gets the same bytes."""
    file, whole = LimitedFile(1 << 30, step=7), LimitedFile(1 << 30)
    _write(file)
    _write(whole)
    assert file.data == whole.data
    path = tmp_path / "short.ptrace"
    path.write_bytes(file.data)
    assert open_trace(path).complete


def test_dev_full() -> None:
    """A full disk reaches the caller as it is."""
    with Path("/dev/full").open("wb", buffering=0) as file, pytest.raises(OSError) as error:  # noqa: PT011
        TraceWriter(file)
    assert error.value.errno == errno.ENOSPC


def test_full_disk_leaves_whole_blocks(tmp_path: Path) -> None:
    """Wherever the disk is full, the file is readable up to its last whole block."""
    whole = LimitedFile(1 << 30)
    _write(whole)
    path = tmp_path / "full.ptrace"
    for room in range(16, len(whole.data), 13):
        # GIVEN a disk with room for a part of the trace
        file = LimitedFile(room)
        # WHEN it fills up
        with pytest.raises(OSError, match="No space left"):
            _write(file)
        # THEN the rows of all whole blocks can be read
        path.write_bytes(file.data)
        trace = open_trace(path)
        assert not trace.complete
        assert trace.table("text")["tid"].to_list() in ([], [1, 2, 3], [1, 2, 3, 4, 5])


def test_nothing_after_a_failure() -> None:
    """After a failed write there is no trailer that would call the trace complete."""
    file = LimitedFile(100)
    writer = TraceWriter(file)  # type: ignore[arg-type]
    with pytest.raises(OSError, match="No space left"):
        writer.rows("text", columns_of(TEXT, 3))
    file.room = 1 << 30
    with pytest.raises(OSError, match="an earlier block"):
        writer.finish()
    assert len(file.data) == 100


def test_interrupted_write() -> None:
    """An exception of a signal handler leaves a block unfinished just as a full disk does."""

    class InterruptedFile(LimitedFile):
        def write(self, data: object) -> int:
            if len(self.data) > 50:
                raise KeyboardInterrupt
            return super().write(data)

    writer = TraceWriter(InterruptedFile(1 << 30, step=40))  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        writer.metadata("host", "x")
    with pytest.raises(OSError, match="an earlier block"):
        writer.metadata("host", "x")


def test_misuse() -> None:
    """Unknown tables, bad names, and anything after the trailer."""
    file = io.BytesIO()
    writer = TraceWriter(file)
    with pytest.raises(KeyError):
        writer.rows("no_such_table", {})
    with pytest.raises(ValueError, match="not a block name"):
        writer.metadata("Host", 1)
    writer.finish()
    length = len(file.getvalue())
    for call in (writer.finish, lambda: writer.metadata("host", 1)):
        with pytest.raises(ValueError, match="finished"):
            call()
    assert len(file.getvalue()) == length
