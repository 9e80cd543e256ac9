# SPDX-License-Identifier: Apache-2.0
"""In which ways a page may come to be copied or reused: all orders of what is not ordered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from replay.simulator.frames import NONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from replay.simulator.order import Stamp

JOIN, WRITE, DROP = 0, 1, 2
"""Kinds of events: a fork shared it, a write ended sharing, an address space gave it up."""


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to a page."""

    kind: int
    region: int
    space: int
    """Who joined, wrote or dropped."""
    other: int
    """JOIN: from whom."""
    stamp: Stamp


class _Holder(NamedTuple):
    """An address space that maps the page, or a copy of it."""

    space: int
    copy: int
    """Which write made it; NONE for the page itself."""
    written: bool
    """It was written since it was shared last, so that a write is no fault."""


_Holders: TypeAlias = frozenset[_Holder]


def taken_way(events: Sequence[Event]) -> str:
    """Give which writes copied and which reused in the order of the simulation."""
    holders, letters = _start(events), []
    for at, event in enumerate(events):
        holders, letter = _step(event, holders)
        if letter == "c":
            holders = _copied(event.space, at, holders)
        letters.append(letter)
    return "".join(letters)


def ways_of(events: Sequence[Event]) -> set[str]:
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
    found: set[str] = set()
    seen: set[tuple[frozenset[int], _Holders, tuple[tuple[int, str], ...]]] = set()
    waiting = [(frozenset[int](), _start(events), tuple[tuple[int, str], ...]())]
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
                    left = _copied(event.space, at, holders) if letters[at] == "c" else holders
                    waiting.append((done | {at + count}, left, outcome))
            elif before[at] <= done:
                after, letter = _step(event, holders)
                if event.kind == WRITE:
                    more = tuple(sorted((*outcome, (at, letter))))
                    waiting.append((done | {at}, after, more))
                else:
                    waiting.append((done | {at}, after, outcome))
    return found


def _must_precede(earlier: Event, event: Event) -> bool:
    return earlier.stamp.before(event.stamp)


def _start(events: Sequence[Event]) -> _Holders:
    """Give who has the page before it is shared."""
    return frozenset({_Holder(events[0].other, NONE, written=True)})


def _step(event: Event, holders: _Holders) -> tuple[_Holders, str]:
    """Give who holds which page after an event, and what becomes of a write.

    A copy is made afterwards, see _copied().
    """
    if event.kind == DROP:
        return frozenset(one for one in holders if one.space != event.space), ""
    who = event.other if event.kind == JOIN else event.space
    own = next((one for one in holders if one.space == who), None)
    if event.kind == JOIN:
        if own is None:
            return holders, ""
        both = {own._replace(written=False), _Holder(event.space, own.copy, written=False)}
        return holders - {own} | both, ""
    if own is None or own.written:
        # Another thread wrote it before, or dropped it: nothing is left to end.
        return holders, "-"
    if any(one.copy == own.copy for one in holders - {own}):
        return holders, "c"
    return holders - {own} | {own._replace(written=True)}, "r"


def _copied(space: int, at: int, holders: _Holders) -> _Holders:
    """Give a space the copy that its write made; whoever forks from it shares that from then on."""
    others = frozenset(one for one in holders if one.space != space)
    return others | {_Holder(space, at, written=True)} if others != holders else holders
