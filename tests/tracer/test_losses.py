# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.losses: counters that only grow become losses since the last look."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tracer.losses import PLACES, Loss, LossCounters, write_losses
from traces.reader import open_trace
from traces.writer import TraceWriter

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Leaf:
    """A struct lost_count of one CPU."""

    count: int = 0
    first_ns: int = 0
    last_ns: int = 0


class LostMap:
    """The per-CPU map, as bcc gives it: for each slot one leaf per CPU."""

    def __init__(self, cpus: int) -> None:
        self.leaves = [[Leaf() for _ in range(cpus)] for _ in PLACES]

    def __getitem__(self, slot: Any) -> list[Leaf]:  # noqa: ANN401 - a ctypes int
        return self.leaves[slot.value]


def test_losses_are_told_once_with_their_span() -> None:
    """The second row begins where the first one ended."""
    table = LostMap(2)
    counters = LossCounters(table)  # type: ignore[arg-type] # only what read() uses
    assert counters.read() == []
    table.leaves[0][1] = Leaf(3, 100, 120)
    assert counters.read() == [Loss("small ring", 1, 3, 100, 120)]
    assert counters.read() == []
    table.leaves[0][1] = Leaf(5, 100, 180)
    table.leaves[2][0] = Leaf(1, 150, 150)
    assert counters.read() == [
        Loss("small ring", 1, 2, 120, 180),
        Loss("text ring", 0, 1, 150, 150),
    ]


def test_losses_stand_in_the_trace(tmp_path: Path) -> None:
    """In-band: where, on which CPU, how many, and when."""
    file = io.BytesIO()
    writer = TraceWriter(file)
    write_losses(writer, [Loss("large ring", 1, 9, 5, 6)], 77)
    write_losses(writer, [], 78)
    path = tmp_path / "a.ptrace"
    path.write_bytes(file.getvalue())
    assert open_trace(path).table("lost").rows() == [(77, b"large ring", 1, 9, 5, 6)]
