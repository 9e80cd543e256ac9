# SPDX-License-Identifier: Apache-2.0
"""Trace files of told histories, and the one that the golden outputs are about."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from tests.histories.build import CLONE_VFORK, CLONE_VM, History
from traces.columns import NUMPY_TYPES
from traces.schema import TABLES
from traces.writer import TraceWriter

if TYPE_CHECKING:
    from pathlib import Path

    from tests.histories.fake import FakeTrace
    from traces.columns import Values
    from traces.metadata import JsonValue

HOSTILE = "a\x1b[31m[red]b\nc"
"""An escape sequence, rich markup and a line break in one argument."""

METADATA: dict[str, JsonValue] = {
    "host": {
        "hostname": "vm",
        "kernel": "6.18.0",
        "machine": "x86_64",
        "realtime_minus_monotonic_ns": 1_795_254_894_000_000_000,
    },
    "recording": {
        "command": "sh build.sh",
        "begin_ns": 1_000_000,
        "end_ns": 3_500_000,
        "status": 3,
        "stopped_by": "end of the command",
    },
    "plan": [
        {"fact": "task_created", "certainty": "observed", "hook": "raw tracepoint task_newtask"},
        {"fact": "reaped", "certainty": "inferred", "hook": "", "why": "before wait returned"},
    ],
}


def build_story() -> History:
    """Tell a history in which everything that the reports show happens once."""
    history = History(last_pid=4096)
    history.execs("sh", "sh", "build.sh")
    history.tell("sh forks true, true execs /bin/true, sh sleeps, true exits, sh waits true")
    history.tell("sh vforks cc")
    history.fails_to_exec("cc", "/usr/local/bin/cc")
    history.execs("cc", "cc", "-c", "a file.c", HOSTILE)
    history.forks("cc", "as", CLONE_VM | CLONE_VFORK, 435)
    history.tell("as execs as, as execs ld, as exits 1, cc waits as, cc exits 1, sh waits cc")
    history.tell("sh forks forked, forked exits 3")
    history.tell("sh makes_container box, box execs init, sh kills box, sh waits box")
    history.tell("sh forks server, server execs server --port 80, server threads_off t1")
    history.tell("server threads_off t2, t1 ends, server forks worker, worker forks orphan")
    history.tell("worker faults, server waits worker, sh fails_to_fork 11, sh exits 3")
    return history


def deep_story(depth: int) -> History:
    """Tell a history in which every process forks one child, before any of them ends."""
    history = History()
    names = ["sh", *(f"p{level}" for level in range(depth))]
    for parent, child in pairwise(names):
        history.forks(parent, child)
    return history


def write_story(
    history: History,
    path: Path,
    *,
    finish: bool = True,
    metadata: dict[str, JsonValue] | None = None,
) -> Path:
    """End a history and write it as a trace file; give its path."""
    made = history.end_recording()
    return write_tables(made, path, METADATA if metadata is None else metadata, finish=finish)


def write_tables(
    made: FakeTrace, path: Path, metadata: dict[str, JsonValue], *, finish: bool = True
) -> Path:
    """Write a trace made by hand as a trace file; give its path."""
    with path.open("wb") as file:
        writer = TraceWriter(file)
        for name, value in metadata.items():
            writer.metadata(name, value)
        for name, table in TABLES.items():
            frame = made.table(name)
            values: dict[str, Values] = {}
            for column in table.columns:
                cells = frame.get_column(column.name).to_list()
                values[column.name] = (
                    cells if column.type == "bytes" else np.array(cells, NUMPY_TYPES[column.type])
                )
            writer.rows(name, values)
        if made.metadata.get("audit"):
            writer.metadata("audit", made.metadata["audit"])
        if finish:
            writer.finish()
    return path
