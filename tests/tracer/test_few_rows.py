# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.few_rows: mappings become whole columns."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from tracer.few_rows import write_few_rows
from traces.reader import open_trace
from traces.writer import TraceWriter

if TYPE_CHECKING:
    from pathlib import Path


def test_unnamed_columns_are_zero_or_empty(tmp_path: Path) -> None:
    """A rare table is written without naming all its columns."""
    file = io.BytesIO()
    writer = TraceWriter(file)
    write_few_rows(writer, "start_task", [{"tid": 7, "argv": b"sh\0"}, {"tid": 8}])
    writer.finish()
    path = tmp_path / "a.ptrace"
    path.write_bytes(file.getvalue())
    rows = open_trace(path).table("start_task")
    assert rows["tid"].to_list() == [7, 8]
    assert rows["argv"].to_list() == [b"sh\0", b""]
    assert rows["start_ticks"].to_list() == [0, 0]


def test_no_rows_write_nothing() -> None:
    """An empty block would only cost bytes."""
    file = io.BytesIO()
    writer = TraceWriter(file)
    before = writer.bytes_written
    write_few_rows(writer, "end_task", [])
    assert writer.bytes_written == before
