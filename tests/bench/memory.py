# SPDX-License-Identifier: Apache-2.0
"""How many faults a second replay classifies and sums up by fork, and in how much memory.

    python -m tests.bench.memory [FAULTS] [PAGES]

The trace is generated: a process that touches PAGES pages, then forks children one after the
other, each of which writes to all of them and exits.
"""

from __future__ import annotations

import resource
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from replay.memory.fork_costs import fork_costs
from replay.memory.history import PageHistories
from tests.histories.memory import SAVED_DIRTY, MemoryHistory

if TYPE_CHECKING:
    from numpy.typing import NDArray

_OLD, _NEW = SAVED_DIRTY | 0x25, 0x67
_FAULT_NS = 1000


class StormHistory(MemoryHistory):
    """A history whose faults are columns in place of rows."""

    def __init__(self, faults: int, pages: int) -> None:
        super().__init__()
        self._parts: list[dict[str, Any]] = []
        self._pages = np.arange(pages, dtype=np.uint64)
        self._next = 0x1000
        frames = self._touch("sh", None)
        for child in range(max(faults // pages - 1, 1)):
            self.tell(f"sh forks c{child}")
            self._touch(f"c{child}", frames)
            self.tell(f"c{child} exits, sh waits c{child}")
        self._table = self._joined()

    def _touch(self, who: str, old: NDArray[np.uint64] | None) -> NDArray[np.uint64]:
        count = len(self._pages)
        frames = np.arange(self._next, self._next + count, dtype=np.uint64)
        self._next += count
        shift = np.uint64(12)
        began = self.now_ns + 1
        self.now_ns += count * _FAULT_NS
        none = np.zeros(count, np.uint64)
        self._parts.append({
            "time_ns": began + np.arange(count, dtype=np.uint64) * _FAULT_NS,
            "tid": np.full(count, self.threads[who].tid, np.uint32),
            "address": 0x7F0000000000 + (self._pages << shift),
            "old_pte": none if old is None else old << shift | np.uint64(_OLD),
            "new_pte": frames << shift | np.uint64(_NEW),
            "error_code": np.full(count, 6 if old is None else 7, np.uint8),
        })  # fmt: skip
        return frames

    def _joined(self) -> pl.DataFrame:
        schema = self.made.table("fault").schema
        constant = {"took_ns": 500, "ip": 0x401000, "flags": 4, "old_level": 1, "new_level": 1}
        frame = pl.concat([pl.DataFrame(part) for part in self._parts])
        rest = [pl.lit(constant.get(n, 0), t).alias(n) for n, t in schema.items()
                if n not in frame.columns]  # fmt: skip
        return frame.with_columns(rest).select(schema.names()).cast(schema).rechunk()

    @property
    def metadata(self) -> dict[str, Any]:
        """What the recorder wrote."""
        return self.made.metadata

    @property
    def complete(self) -> bool:
        """Whether nothing is cut off."""
        return True

    def table(self, name: str) -> pl.DataFrame:
        """Give a table."""
        return self._table if name == "fault" else self.made.table(name)


def _resident_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """Measure once and print a line."""
    faults = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000
    pages = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    trace = StormHistory(faults, pages)
    count = len(trace.table("fault"))
    before = _resident_bytes()
    began = time.perf_counter()
    memory = PageHistories.from_trace(trace)
    costs = fork_costs(memory)
    seconds = time.perf_counter() - began
    grown = _resident_bytes() - before
    assert costs["child_copied"].sum() == count - pages
    assert costs["shared"].to_list() == [pages] * len(costs)
    sys.stdout.write(
        f"{count} faults, {len(costs)} forks in {seconds:.2f} s: "
        f"{count / seconds / 1e6:.2f} M faults/s; {grown / count:.0f} bytes a fault at the peak\n"
    )


if __name__ == "__main__":
    main()
