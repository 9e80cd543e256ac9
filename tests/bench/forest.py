# SPDX-License-Identifier: Apache-2.0
"""How many process events a second ProcessForest.from_trace rebuilds, and in how much memory.

    python -m tests.bench.forest [PROCESSES]

The trace is generated: a shell that forks, whose child executes a program and exits, and is
waited for; eight rows a process, of which `newtask`, `started`, `clone_call`, `exec`, `exit`,
`dead` and `wait` are counted as events, and its strings (four rows of `text`) are not.
"""

from __future__ import annotations

import resource
import sys
import time
from typing import Any

import numpy as np
import polars as pl

from replay.forest import ProcessForest
from tests.histories.fake import FakeTrace
from traces.schema import TABLES

_PER_PROCESS_NS = 100_000
_INUM = 4026531836
EVENTS = ("newtask", "started", "clone_call", "exec", "exit", "dead", "wait")


class GeneratedTrace(FakeTrace):
    """A trace with columns in place of rows."""

    def __init__(self, processes: int) -> None:
        super().__init__()
        self._frames = _frames(processes)
        self.add("adopted", tid=1, tgid=1, start_ns=1, leader_start_ns=1, pidns_inum=_INUM)
        self.add("end_task", tid=1, tgid=1, start_ns=1, leader_start_ns=1)

    def table(self, name: str) -> pl.DataFrame:
        """Give a table."""
        return self._frames[name] if name in self._frames else super().table(name)

    def events(self) -> int:
        """Give how many process events it holds."""
        return sum(len(self._frames[name]) for name in EVENTS)


def _table(name: str, rows: int, **values: Any) -> pl.DataFrame:  # noqa: ANN401 - any column
    dtypes = FakeTrace().table(name).schema
    columns = []
    for column in TABLES[name].columns:
        value = values.get(column.name, b"" if column.type == "bytes" else 0)
        whole = value if isinstance(value, np.ndarray | pl.Series) else [value] * rows
        columns.append(pl.Series(column.name, whole).cast(dtypes[column.name]))
    return pl.DataFrame(columns)


def _frames(n: int) -> dict[str, pl.DataFrame]:
    at = np.arange(1, n + 1, dtype=np.int64) * _PER_PROCESS_NS
    tid = np.arange(n, dtype=np.int64) % 30_000 + 100
    shell = {"tid": 1, "tgid": 1, "start_ns": 1}
    child = {"tid": tid, "tgid": tid, "start_ns": at + 1}
    born = {"child_tid": tid, "child_tgid": tid, "child_start_ns": at + 1,
            "child_leader_start_ns": at + 1}  # fmt: skip
    parent = {"real_parent_tid": 1, "real_parent_tgid": 1, "real_parent_start_ns": 1}
    space = {"pidns_inum": _INUM, "ns_tid": tid}
    argv = pl.Series([b"cc\0-c\0-o\0file%d.o\0" % (i % 5000) for i in range(n)])
    strings = (1, b"/usr/bin/cc"), (2, argv), (3, b"src\0home\0"), (5, b"cc\0bin\0usr\0")
    text = [_table("text", n, time_ns=at + 40, tid=tid, what=what, data=data)
            for what, data in strings]  # fmt: skip
    return {
        "newtask": _table("newtask", n, time_ns=at + 10, **shell, **born, **parent, **space,
                          exit_signal=17, comm=b"sh"),
        "started": _table("started", n, time_ns=at + 30, **child, wakeup_new_ns=at + 20),
        "clone_call": _table("clone_call", n, time_ns=at + 25, enter_ns=at, **shell, syscall=56,
                             result=tid),
        "exec": _table("exec", n, time_ns=at + 40, **child, old_tid=tid, old_start_ns=at + 1,
                       argc=4, **space),
        "exit": _table("exit", n, time_ns=at + 50, **child, **parent, group_dead=1, comm=b"cc"),
        "dead": _table("dead", n, time_ns=at + 60, **child, exit_state=0x20),
        "wait": _table("wait", n, time_ns=at + 70, enter_ns=at + 26, **shell, syscall=61, id=-1,
                       idtype=-1, result=tid, ns_pid=tid, got=3, blocked_ns=at + 27,
                       blocked_total_ns=40),
        "text": pl.concat(text),
    }  # fmt: skip


def _resident_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    """Measure once and print a line."""
    processes = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    trace = GeneratedTrace(processes)
    before_mib = _resident_mib()
    began = time.perf_counter()
    forest = ProcessForest.from_trace(trace)
    seconds = time.perf_counter() - began
    assert len(forest.processes) == processes + 1
    assert not forest.anomalies.found()
    events = trace.events()
    sys.stdout.write(
        f"{processes} processes, {events} events in {seconds:.2f} s: "
        f"{events / seconds / 1000:.0f} k events/s; "
        f"peak memory {before_mib} -> {_resident_mib()} MiB\n"
    )


if __name__ == "__main__":
    main()
