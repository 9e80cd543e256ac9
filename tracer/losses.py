# SPDX-License-Identifier: Apache-2.0
"""What could not be recorded: the programs' own counters, per ring and CPU."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracer.few_rows import write_few_rows

if TYPE_CHECKING:
    from tracer.bcc_seam import Table
    from traces.writer import TraceWriter

PLACES = (
    "small ring",
    "large ring",
    "text ring",
    "followed tasks",
    "text scratch",
    "fault ring",
    "step ring",
)
"""In the order of the enum LOST_* in bpf/follow.h."""


@dataclass(frozen=True, slots=True)
class Loss:
    """So many records lost in one place on one CPU since it was last looked at."""

    place: str
    cpu: int
    count: int
    first_ns: int
    last_ns: int


class LossCounters:
    """The per-CPU map `lost` and what was read of it before."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._seen: dict[tuple[int, int], tuple[int, int]] = {}

    def read(self) -> list[Loss]:
        """Give what was lost since the last call."""
        losses = []
        for slot, place in enumerate(PLACES):
            for cpu, leaf in enumerate(self._table[ctypes.c_int(slot)]):
                count, last_ns = self._seen.get((slot, cpu), (0, leaf.first_ns))
                if leaf.count > count:
                    first_ns = leaf.first_ns if not count else last_ns
                    losses.append(Loss(place, cpu, leaf.count - count, first_ns, leaf.last_ns))
                    self._seen[slot, cpu] = (leaf.count, leaf.last_ns)
        return losses


def write_losses(writer: TraceWriter, losses: list[Loss], now_ns: int) -> None:
    """Put losses in-band."""
    write_few_rows(
        writer,
        "lost",
        [
            {
                "time_ns": now_ns,
                "ring": loss.place.encode(),
                "cpu": loss.cpu,
                "count": loss.count,
                "first_ns": loss.first_ns,
                "last_ns": loss.last_ns,
            }
            for loss in losses
        ],
    )
