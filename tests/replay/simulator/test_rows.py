# SPDX-License-Identifier: Apache-2.0
"""Rows are written as the schema says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from replay.simulator.rows import Rows
from traces.reader import open_trace
from traces.schema import TABLES
from traces.writer import TraceWriter

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_left_out_is_nothing(tmp_path: Path) -> None:
    """Numbers are 0 and strings empty; faults come as columns."""
    rows = Rows()
    rows.add("exit", time_ns=5, tid=7, comm=b"x")
    columns = {column.name: np.arange(3) for column in TABLES["fault"].columns}
    rows.add_faults(columns)
    rows.add_faults(columns)
    assert (rows.count("exit"), rows.count("exec")) == (1, 0)
    path = tmp_path / "a.ptrace"
    with path.open("wb") as file:
        writer = TraceWriter(file)
        rows.write(writer)
        writer.finish()
    trace = open_trace(path)
    (row,) = trace.table("exit").to_dicts()
    assert (row["tid"], row["comm"], row["cgroup"]) == (7, b"x", 0)
    assert trace.table("fault")["address"].to_list() == [0, 1, 2, 0, 1, 2]
    assert not len(trace.table("exec"))
