# SPDX-License-Identifier: Apache-2.0
"""Which writes to shared pages might have gone otherwise: what the order of things leaves open.

For each page that a fork shared it is known who joined in the sharing, who wrote and who dropped
the page, and which of these are ordered. All orders that are possible are tried.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from replay.simulator.frames import FIRST

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from replay.memory.ranges import Ints
    from replay.simulator.faults import Faults
    from replay.simulator.order import Stamp

JOIN, WRITE, DROP = 0, 1, 2
MOST_ORDERED: Final = 8
"""Events of one page of which all orders are tried; of more, only bounds are given."""


@dataclass(frozen=True, slots=True)
class _Event:
    kind: int
    region: int
    space: int
    """Who joined, wrote or dropped."""
    other: int
    """JOIN: from whom."""
    stamp: Stamp


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
        self._events: list[_Event] = []
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
        self._add(_Event(JOIN, region, child, parent, stamp), frames)

    def written(self, region: int, space: int, stamp: Stamp, faults: Faults) -> None:
        """Note writes that ended sharing."""
        self.reused += int((faults.broke & ~faults.copied & (faults.old_level == 1)).sum())
        self._note(_Event(WRITE, region, space, space, stamp), faults.old_frame[faults.broke])

    def dropped(self, region: int, space: int, stamp: Stamp, frames: Ints) -> None:
        """Note that an address space gave frames up."""
        self._note(_Event(DROP, region, space, space, stamp), frames)

    def _note(self, event: _Event, frames: Ints) -> None:
        frames = frames[frames < len(self._shared)]
        frames = frames[self._shared[frames]]
        if frames.size:
            self._add(event, frames)

    def _add(self, event: _Event, frames: Ints) -> None:
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
            ways = _ways(events) if len(events) <= MOST_ORDERED else set()
            if len(ways) != 1:
                spaces = tuple(events[at].space for at in writes)
                yield OpenWrites(
                    events[writes[0]].region, count, spaces, tuple(sorted(ways)), _taken(events)
                )

    def _histories(self) -> Iterator[tuple[int, list[_Event]]]:
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


def _unordered(events: Sequence[_Event]) -> bool:
    """Tell whether a write and something else may be in either order."""
    return any(
        write.kind == WRITE
        and not event.stamp.before(write.stamp)
        and not write.stamp.before(event.stamp)
        for write in events
        for event in events
        if event is not write
    )


def _all_copy(events: Sequence[_Event]) -> bool:
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


def _taken(events: Sequence[_Event]) -> str:
    """Give which writes copied and which reused in the order of the simulation."""
    holders, letters = frozenset({events[0].other}), []
    for event in events:
        holders, letter = _step(event, holders)
        letters.append(letter)
    return "".join(letters)


def _ways(events: Sequence[_Event]) -> set[str]:
    """Try all orders; give which writes copied and which reused in each.

    A write that copies gives the old page up only when the copy is made (wp_page_copy(),
    mm/memory.c): until then others find it shared, and two who write at once may both copy.
    """
    count = len(events)
    before = [
        {
            at + count * (earlier.kind == WRITE)
            for at, earlier in enumerate(events)
            if earlier is not event and _must_precede(earlier, event)
        }
        for event in events
    ]
    start = frozenset({events[0].other})
    found: set[str] = set()
    seen: set[tuple[frozenset[int], frozenset[int], tuple[tuple[int, str], ...]]] = set()
    waiting = [(frozenset[int](), start, tuple[tuple[int, str], ...]())]
    while waiting:
        state = waiting.pop()
        if state in seen:
            continue
        seen.add(state)
        done, holders, outcome = state
        if done.issuperset(range(count)):
            found.add("".join(letter for _, letter in sorted(outcome)))
            continue
        letters = dict(outcome)
        for at, event in enumerate(events):
            if at in done:
                if event.kind == WRITE and at + count not in done:
                    left = holders - {event.space} if letters[at] == "c" else holders
                    waiting.append((done | {at + count}, left, outcome))
            elif before[at] <= done:
                after, letter = _step(event, holders)
                if event.kind == WRITE:
                    more = tuple(sorted((*outcome, (at, letter))))
                    waiting.append((done | {at}, holders, more))
                else:
                    waiting.append((done | {at}, after, outcome))
    return found


def _must_precede(earlier: _Event, event: _Event) -> bool:
    return earlier.stamp.before(event.stamp)


def _step(event: _Event, holders: frozenset[int]) -> tuple[frozenset[int], str]:
    """Give who holds a page after an event, and what became of a write."""
    if event.kind == JOIN:
        return (holders | {event.space} if event.other in holders else holders), ""
    if event.kind == DROP:
        return holders - {event.space}, ""
    if event.space not in holders:
        # Its thread wrote it before: nothing is left to end.
        return holders, "-"
    if len(holders) == 1:
        return holders, "r"
    return holders - {event.space}, "c"
