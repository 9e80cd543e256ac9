# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.collector: what the rings hold ends up in the trace, in order of time."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import numpy as np

from tracer import collector
from tracer.collector import Collector
from tracer.records import LARGE_SLOT_BYTES, SMALL_SLOT_BYTES, all_records
from traces.reader import Trace, open_trace
from traces.writer import TraceWriter

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from numpy.typing import NDArray


class Ring:
    """A ring with spans prepared by the test."""

    size_bytes = 1000

    def __init__(self, slot_bytes: int) -> None:
        self.spans: list[NDArray[np.uint8]] = []
        self.waiting = 0
        self._empty = np.empty((0, slot_bytes), np.uint8)

    def take(self) -> NDArray[np.uint8]:
        return self.spans.pop(0) if self.spans else self._empty

    def waiting_bytes(self) -> int:
        return self.waiting


class TextRing:
    """A ring of pieces prepared by the test."""

    size_bytes = 1000

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def take(self) -> list[bytes]:
        taken, self.pieces = self.pieces, []
        return taken

    def waiting_bytes(self) -> int:
        return 0


class Bench:
    """A collector between prepared rings and a trace in memory."""

    def __init__(self) -> None:
        self.file = io.BytesIO()
        self.writer = TraceWriter(self.file)
        self.small, self.large = Ring(SMALL_SLOT_BYTES), Ring(LARGE_SLOT_BYTES)
        self.text = TextRing()
        self.collector = Collector(self.writer, [self.small, self.large], self.text)  # type: ignore[arg-type, list-item]

    def trace(self, folder: Path) -> Trace:
        self.collector.flush()
        path = folder / "a.ptrace"
        path.write_bytes(self.file.getvalue())
        return open_trace(path)


def _span(table: str, times_ns: list[int]) -> NDArray[np.uint8]:
    record = all_records()[table]
    rows = np.zeros(len(times_ns), record.dtype)
    rows["kind"] = record.kind
    rows["time_ns"] = times_ns
    slots = np.zeros((len(times_ns), record.slot_bytes), np.uint8)
    slots[:, : record.dtype.itemsize] = rows.view(np.uint8).reshape(len(times_ns), -1)
    return slots


def test_spans_of_all_rings_are_written_in_order_of_time(tmp_path: Path) -> None:
    """Two CPUs stamp and reserve in different order; a table is sorted as it is written."""
    bench = Bench()
    bench.small.spans = [_span("started", [30, 10]), _span("started", [20])]
    bench.large.spans = [_span("newtask", [5])]
    bench.collector.drain()
    bench.collector.drain()
    trace = bench.trace(tmp_path)
    assert trace.table("started")["time_ns"].to_list() == [10, 20, 30]
    assert trace.table("newtask")["time_ns"].to_list() == [5]


def test_pieces_of_text_keep_their_exact_bytes(tmp_path: Path) -> None:
    """Head and data of a piece, NULs included."""
    bench = Bench()
    head = struct.pack("<QIHHII", 99, 7, 2, 1, 4096, 5000)
    bench.text.pieces = [head + b"a\0\xff\0", head]
    bench.collector.drain()
    rows = bench.trace(tmp_path).table("text").rows()
    assert rows == [(99, 7, 2, 1, 4096, 5000, b"a\0\xff\0"), (99, 7, 2, 1, 4096, 5000, b"")]


def test_a_table_that_grew_is_written_without_a_flush(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory stays bounded however long a flush is away."""
    monkeypatch.setattr(collector, "ROWS_BEFORE_WRITING", 3)
    bench = Bench()
    bench.small.spans = [_span("dead", [1, 2]), _span("dead", [3])]
    bench.collector.drain()
    assert bench.writer.rows_written == {}
    bench.collector.drain()
    assert bench.writer.rows_written == {"dead": 3}


def test_fullness_is_that_of_the_fullest_ring() -> None:
    """One full ring is enough to lose records."""
    bench = Bench()
    assert bench.collector.fullness() == 0
    bench.large.waiting = 250
    assert bench.collector.fullness() == 0.25
