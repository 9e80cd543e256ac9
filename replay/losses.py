# SPDX-License-Identifier: Apache-2.0
"""What the recorder could not record, and which conclusions that leaves open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from replay.tables import columns

if TYPE_CHECKING:
    from replay.tables import TraceTables


@dataclass(frozen=True, slots=True)
class Loss:
    """Records lost in one place on one CPU over the whole recording."""

    ring: bytes
    """Name of the ring, map or program that lost them."""
    cpu: int
    count: int
    first_ns: int
    """Earliest and latest loss, CLOCK_MONOTONIC ns; 0 where the recorder could not tell."""
    last_ns: int


@dataclass(frozen=True, slots=True)
class Losses:
    """Every loss of a recording, by ring and CPU."""

    by_place: tuple[Loss, ...]
    complete: bool
    """False for a trace that was cut off: anything may be missing from its end."""

    @classmethod
    def of(cls, trace: TraceTables) -> Losses:
        """Read them from the `lost` table."""
        found: dict[tuple[bytes, int], Loss] = {}
        rows = columns(trace.table("lost"), "ring", "cpu", "count", "first_ns", "last_ns")
        for ring, cpu, count, first_ns, last_ns in rows:
            loss = found.get((ring, cpu))
            if loss is not None:
                first_ns = min(loss.first_ns, first_ns)  # noqa: PLW2901 - the span grows
                last_ns = max(loss.last_ns, last_ns)  # noqa: PLW2901
                count += loss.count  # noqa: PLW2901
            found[ring, cpu] = Loss(ring, cpu, count, first_ns, last_ns)
        return cls(tuple(found[place] for place in sorted(found)), trace.complete)

    @property
    def count(self) -> int:
        """How many records were lost."""
        return sum(loss.count for loss in self.by_place)

    def possible_after(self, time_ns: int) -> bool:
        """Whether an event after a moment may be missing, for any reason."""
        if not self.complete:
            return True
        return any(
            loss.count and (loss.last_ns >= time_ns or not loss.last_ns) for loss in self.by_place
        )
