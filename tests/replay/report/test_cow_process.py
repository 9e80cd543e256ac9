# SPDX-License-Identifier: Apache-2.0
"""The memory of one process, part by part."""

from __future__ import annotations

from typing import Any

import polars as pl

from replay.memory.image_parts import COUNTS, PART
from replay.report.cow_process import ProcessView, SpaceView, process_json, process_lines
from replay.report.who import Who
from tests.histories.memory import MemoryHistory, remember


def _view(history: MemoryHistory, rows: list[tuple[Any, ...]]) -> ProcessView:
    memory, forest = history.memory(), history.forest()
    schema: dict[str, Any] = {"part": PART, "path": pl.Binary, **dict.fromkeys(COUNTS, pl.Int64)}
    parts = pl.DataFrame(rows, schema, orient="row")
    one = SpaceView(memory.spaces.spaces[1], parts, "exited")
    process = history.process(forest, "a")
    return ProcessView(process, [one], Who(forest, memory.spaces), 1_000_000, 2_000_000)


ROWS = [("heap", None, 40, 30, 10, 5, 1, 0), ("library", b"/x\x1b[1m", 20, 0, 0, 0, 0, 2)]


def test_bars() -> None:
    """Own pages, shared ones, then those of files; the greatest part fills the bar."""
    view = _view(remember("sh forks a, a exits"), ROWS)
    lines = ["".join(text for text, _ in line) for line in process_lines(view)]
    assert any("#" * 10 + "=" * 5 + "·" * 5 + "  heap" in line for line in lines)
    assert any("·" * 10 + " " * 10 + "  library /x\\x1b[1m" in line for line in lines)
    assert any(line.split() == ["60", "30", "10", "5", "1", "2", "in", "all"] for line in lines)
    assert any(line.startswith("1. sh, a copy of 101 sh's memory at 0.0") for line in lines)


def test_nothing_known() -> None:
    """It is said, and no table is drawn."""
    lines = ["".join(text for text, _ in line) for line in
             process_lines(_view(remember("sh forks a"), []))]  # fmt: skip
    assert "nothing is known of it" in lines
    assert any(line.endswith("still there at the end") for line in lines)


def test_json() -> None:
    """Bytes as text, sums beside the parts."""
    value: Any = process_json(_view(remember("sh forks a, a exits"), ROWS))
    [image] = value["images"]
    assert image["made"] == "fork"
    assert image["parts"][1]["path"] == "/x\x1b[1m"
    assert image["totals"]["resident"] == 60
