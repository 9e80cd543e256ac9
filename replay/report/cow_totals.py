# SPDX-License-Identifier: Apache-2.0
"""What copy-on-write came to in a whole recording, for the summary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from replay.memory.cow import CowKey, cow_by
from replay.memory.fork_costs import fork_costs
from replay.report.screen import DIM, PLAIN, Piece
from replay.report.units import counted, duration, percent, size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.memory.history import PageHistories

_MAJOR = 2


@dataclass(frozen=True, slots=True)
class CowTotals:
    """Sums over a recording; pages of 4 KiB, times in ns."""

    faults: int
    major_faults: int
    forks: int
    shared: int
    """Pages that the forks shared, each counted once for every fork."""
    unbroken: int
    """Those of them that neither parent nor child wrote to while both were there."""
    copied: int
    copied_bytes: int
    copy_ns: int
    reused: int
    reuse_ns: int
    file_copied: int

    @classmethod
    def of(cls, memory: PageHistories) -> CowTotals:
        """Sum them up."""
        totals = cow_by(memory, CowKey.PROCESS).totals.row(0, named=True)
        costs = fork_costs(memory)
        major = memory.faults.select(((pl.col("flags") & _MAJOR) != 0).sum()).item()
        return cls(
            faults=len(memory.faults),
            major_faults=int(major),
            forks=len(costs),
            shared=int(costs["shared"].sum()),
            unbroken=int(costs["unbroken"].sum()),
            **totals,
        )


def cow_rows(totals: CowTotals) -> Iterator[list[Piece]]:
    """Give the rows of the summary."""
    major = f", {totals.major_faults:,} of them major" if totals.major_faults else ""
    yield [("faults", DIM), (counted(totals.faults, "page fault") + major, PLAIN)]
    if totals.forks:
        unbroken = f"{totals.unbroken:,} ({percent(totals.unbroken, totals.shared)})"
        text = f"{counted(totals.forks, 'fork')} shared {counted(totals.shared, 'page')}, "
        yield [("shared", DIM), (f"{text}of which {unbroken} needed no copy", PLAIN)]
    texts = ["no page on write"]
    if totals.copied:
        copied = f"{counted(totals.copied, 'page')} ({size(totals.copied_bytes)})"
        texts = [f"{copied} on write in {duration(totals.copy_ns)}"]
    if totals.reused:
        texts.append(f"{totals.reused:,} reused in {duration(totals.reuse_ns)}")
    if totals.file_copied:
        texts.append(f"{totals.file_copied:,} from files")
    yield [("copied", DIM), (", ".join(texts), PLAIN)]
