# SPDX-License-Identifier: Apache-2.0
"""Which writes to shared pages might have gone otherwise: what the order of things leaves open.

For each page that a fork shared it is known who joined in the sharing, who wrote and who dropped
the page, and which of these are ordered. All orders that are possible are tried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from replay.simulator.frames import FIRST
from replay.simulator.ways import DROP, JOIN, WRITE, Event, taken_way, ways_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from replay.memory.ranges import Ints
    from replay.simulator.faults import Faults
    from replay.simulator.order import Stamp

MOST_ORDERED: Final = 8
"""Events of one page of which all orders are tried; of more, only bounds are given."""


class OpenWrites(NamedTuple):
    """Pages whose writes might go otherwise."""

    region: int
    pages: int
    spaces: tuple[int, ...]
    """Numbers of the address spaces that were written, in the order of the simulation."""
    permitted: tuple[str, ...]
    """For each way it may go, a letter for each write: c copied, r reused. Empty: too many."""
    taken: str
    """The way that the simulation went."""


class SharingLog:
    """What happened to pages that forks shared."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._frames: list[Ints] = []
        self._shared = np.zeros(1 << 14, np.bool_)
        self.reused = 0
        """Small pages that a write reused."""

    def joined(self, region: int, parent: int, child: int, stamp: Stamp, frames: Ints) -> None:
        """Note that a fork gave these frames to a child."""
        frames = frames[frames >= FIRST]
        if not frames.size:
            return
        self._reach(int(frames.max()))
        self._shared[frames] = True
        self._add(Event(JOIN, region, child, parent, stamp), frames)

    def written(self, region: int, space: int, stamp: Stamp, faults: Faults) -> None:
        """Note writes that ended sharing."""
        self.reused += int((faults.broke & ~faults.copied & (faults.old_level == 1)).sum())
        self._note(Event(WRITE, region, space, space, stamp), faults.old_frame[faults.broke])

    def dropped(self, region: int, space: int, stamp: Stamp, frames: Ints) -> None:
        """Note that an address space gave frames up."""
        self._note(Event(DROP, region, space, space, stamp), frames)

    def _note(self, event: Event, frames: Ints) -> None:
        frames = frames[frames < len(self._shared)]
        frames = frames[self._shared[frames]]
        if frames.size:
            self._add(event, frames)

    def _add(self, event: Event, frames: Ints) -> None:
        self._events.append(event)
        self._frames.append(np.unique(frames))

    def _reach(self, frame: int) -> None:
        if frame >= len(self._shared):
            more = max(frame + 1, 2 * len(self._shared)) - len(self._shared)
            self._shared = np.append(self._shared, np.zeros(more, np.bool_))

    def open_writes(self) -> Iterator[OpenWrites]:
        """Give the writes that are not determined, pages with the same history together."""
        for count, events in self._histories():
            writes = [at for at, event in enumerate(events) if event.kind == WRITE]
            if not writes or not _unordered(events) or _all_copy(events):
                continue
            ways = ways_of(events) if len(events) <= MOST_ORDERED else set()
            if len(ways) != 1:
                spaces = tuple(events[at].space for at in writes)
                yield OpenWrites(
                    events[writes[0]].region, count, spaces, tuple(sorted(ways)), taken_way(events)
                )

    def _histories(self) -> Iterator[tuple[int, list[Event]]]:
        """Give each different history with the number of pages that have it."""
        if not self._frames:
            return
        frame = np.concatenate(self._frames)
        sizes = [len(frames) for frames in self._frames]
        event = np.repeat(np.arange(len(sizes)), sizes)
        order = np.argsort(frame, kind="stable")
        frame, event = frame[order], event[order]
        first = np.flatnonzero(np.r_[True, frame[1:] != frame[:-1]])
        # Two histories of the same 128 bits are taken for one.
        draws = np.random.default_rng(0).integers(0, 2**64, (2, len(sizes)), np.uint64)
        place = np.arange(len(frame)) - np.repeat(first, np.diff(np.r_[first, len(frame)]))
        odd = 2 * place.astype(np.uint64) + np.uint64(1)
        marks: list[NDArray[np.uint64]] = [
            np.add.reduceat(draw[event] * odd, first) for draw in draws
        ]
        both = np.stack(marks, axis=1)
        _, where, counts = np.unique(both, axis=0, return_index=True, return_counts=True)
        ends = np.r_[first[1:], len(frame)]
        for at, count in sorted(zip(where.tolist(), counts.tolist(), strict=True)):
            yield count, [self._events[one] for one in event[first[at] : ends[at]]]


def _unordered(events: Sequence[Event]) -> bool:
    """Tell whether a write and something else may be in either order."""
    return any(
        write.kind == WRITE
        and not event.stamp.before(write.stamp)
        and not write.stamp.before(event.stamp)
        for write in events
        for event in events
        if event is not write
    )


def _all_copy(events: Sequence[Event]) -> bool:
    """Tell whether at each write somebody else surely has the page, so that all are copies."""
    joins = {event.space: event.stamp for event in events if event.kind == JOIN}
    root = next(event.other for event in events if event.kind == JOIN)
    gone = [event for event in events if event.kind != JOIN]
    return all(
        any(
            space != write.space
            and (space == root or joins[space].before(write.stamp))
            and all(write.stamp.before(one.stamp) for one in gone if one.space == space)
            for space in (root, *joins)
        )
        for write in events
        if write.kind == WRITE
    )
