# SPDX-License-Identifier: Apache-2.0
"""Address spaces: which there were, how each was made, who used it, and whose a fault was.

An address space is a kernel `mm_struct`. Its address is used again after its end, so each gets a
number here, in order of creation, by which all of `replay.memory` names it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from replay.memory.events import events
from replay.memory.ranges import PairRank
from replay.memory.walk import NOWHERE, Walk

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from replay.memory.walk import Space
    from replay.tables import TraceTables


@dataclass(frozen=True, slots=True)
class AddressSpaces:
    """Every address space of a recording, by number.

    `unseen_changes` counts tasks that turned out to use another mm than known: their exec was
    not recorded.
    """

    spaces: list[Space]
    unseen_changes: int
    _turns: pl.DataFrame
    _execs: pl.DataFrame

    @classmethod
    def from_trace(cls, trace: TraceTables) -> AddressSpaces:
        """Follow every task through `adopted`, `newtask`, `exec` and `exit`."""
        walk = Walk()
        for event in events(trace):
            walk.take(event)
        walk.close()
        turns = pl.DataFrame(walk.turns, _TURN, orient="row").sort("tid", "time_ns")
        execs = pl.DataFrame(walk.execs, _EXEC, orient="row").sort("tid", "enter_ns")
        return cls(walk.spaces, walk.unseen_changes, turns, execs)

    def parents(self) -> NDArray[np.int64]:
        """Give the parent of each address space; NOWHERE where it has none."""
        return np.array([space.parent for space in self.spaces], np.int64)

    def begins(self) -> NDArray[np.uint64]:
        """Give when each began."""
        return np.array([space.begin_ns for space in self.spaces], np.uint64)

    def ends(self) -> NDArray[np.uint64]:
        """Give when each ended; FOREVER where it did not."""
        return np.array([space.end_ns for space in self.spaces], np.uint64)

    def of_process(self, tgid: int) -> list[int]:
        """Give the address spaces that processes with this tgid used, in order of creation."""
        return [
            space.number
            for space in self.spaces
            if any(use.process.tgid == tgid for use in space.users)
        ]

    def assign(self, faults: pl.DataFrame) -> pl.DataFrame:
        """Give, row by row, whose fault it was: start_ns, tgid, leader_start_ns, space.

        The task is the one that had the tid at `time_ns`; a fault after the task's exit row is
        its too, for exit_mm_release() (kernel/fork.c) writes to user memory. In an exec the
        kernel reads strings of the old image and writes to the new one (padzero(),
        create_elf_tables(), fs/binfmt_elf.c) before sched_process_exec: such writes belong to
        the new address space. Unknown is 0, and NOWHERE for the space.
        """
        tid, time_ns = faults["tid"].to_numpy(), faults["time_ns"].to_numpy()
        at = _latest(self._turns, "time_ns", tid, time_ns)
        found = {name: _taken(self._turns[name].to_numpy(), at) for name in _TURN_VALUES}
        found["space"] = np.where(at < 0, np.int32(NOWHERE), found["space"])
        if len(self._execs) and {"flags", "error_code"} <= set(faults.columns):
            kernel = (faults["flags"].to_numpy() & 1) != 0
            rows = np.flatnonzero(kernel & ((faults["error_code"].to_numpy() & 2) != 0))
            inside = _latest(self._execs, "enter_ns", tid[rows], time_ns[rows])
            inside[time_ns[rows] >= _taken(self._execs["time_ns"].to_numpy(), inside)] = -1
            rows, inside = rows[inside >= 0], inside[inside >= 0]
            found["space"][rows] = self._execs["space"].to_numpy()[inside]
        return pl.DataFrame(found)


_TURN = {"tid": pl.UInt32, "time_ns": pl.UInt64, "start_ns": pl.UInt64, "tgid": pl.UInt32,
         "leader_start_ns": pl.UInt64, "space": pl.Int32}  # fmt: skip
_TURN_VALUES = ("start_ns", "tgid", "leader_start_ns", "space")
_EXEC = {"tid": pl.UInt32, "enter_ns": pl.UInt64, "time_ns": pl.UInt64, "space": pl.Int32}


def _latest(
    rows: pl.DataFrame, time: str, tid: NDArray[np.uint32], time_ns: NDArray[np.uint64]
) -> NDArray[np.int64]:
    """Give for each (tid, time) the last row of that tid not after it; -1 where there is none."""
    rank = PairRank(rows["tid"].to_numpy().astype(np.int64), rows[time].to_numpy().view(np.int64))
    return rank.last_not_after(rank.keys, tid.astype(np.int64), time_ns.view(np.int64))


def _taken(values: NDArray[np.generic], at: NDArray[np.int64]) -> NDArray[np.generic]:
    if not len(values):
        return np.zeros(len(at), values.dtype)
    return np.where(at < 0, values.dtype.type(0), values[at])
