# SPDX-License-Identifier: Apache-2.0
"""Pages that madvise keeps from children: MADV_DONTFORK and MADV_WIPEONFORK.

It is a property of the mapping: a child has it from its parent, mremap takes it along
(copy_vma(), mm/vma.c), and whatever is mapped anew does not have it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from replay.memory.changes import What
from replay.memory.ranges import NOT_FOUND, ints

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.memory.changes import Changes
    from replay.memory.pte import Bools
    from replay.memory.ranges import Ints
    from replay.memory.spaces import AddressSpaces

_Ranges = list[tuple[int, int]]


class _Step(NamedTuple):
    """A fork, of which the pages are nothing, or a change, of which the child is NOT_FOUND."""

    time_ns: int
    space: int
    child: int
    low: int = 0
    high: int = 0
    hides: bool = False
    source: int = NOT_FOUND
    """Of what mremap made, the page that the pages from `low` on have the property of."""
    each: bool = False
    """Each of the pages has it of another one, from `source` on."""


def kept_from_children(spaces: AddressSpaces, changes: Changes) -> tuple[Ints, Ints, Ints, Ints]:
    """Give (child, low, high, time of its birth) of pages that children did not get."""
    kept: dict[int, _Ranges] = {}
    found: list[tuple[int, int, int, int]] = []
    for step in _steps(spaces, changes):
        here = kept.get(step.space, [])
        if step.child != NOT_FOUND:
            kept[step.child] = here
            found += [(step.child, low, high, step.time_ns) for low, high in here]
        elif step.hides or here:
            hidden = [(step.low, step.high)] if step.hides else list(_taken_along(here, step))
            kept[step.space] = _without(here, step.low, step.high) + hidden
    child, low, high, born = (ints(column) for column in zip(*found, strict=True)) if found else (
        np.zeros((4, 0), np.int64)
    )  # fmt: skip
    return child, low, high, born


def _steps(spaces: AddressSpaces, changes: Changes) -> list[_Step]:
    """Give the forks, and what may change which pages are kept, in order of time."""
    hides = changes.are(What.FORK_ADVICE) & (changes.flags != 0)
    if not hides.any():
        return []
    remapped = changes.are(What.MOVE, What.GROW)
    # What else there is of changes has no page that is ever hidden.
    concerns = ~changes.are(What.DROP) & _touching(changes, changes.taken(hides | remapped))
    some = changes.taken(concerns)
    remapped, moved = some.are(What.MOVE, What.GROW), some.are(What.MOVE)
    # The old place is given up at the entry of the call, too, and after this.
    time_ns = np.where(remapped, some.source_ns, some.time_ns)
    source = np.where(remapped, some.source, NOT_FOUND)
    columns = (time_ns, some.space, np.full(len(some), NOT_FOUND), some.low, some.high,
               hides[concerns], source, moved)  # fmt: skip
    steps = [_Step(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
    steps += [
        _Step(one.begin_ns, one.parent, one.number)
        for one in spaces.spaces
        if one.parent != NOT_FOUND
    ]
    return sorted(steps, key=lambda step: (step.time_ns, step.source == NOT_FOUND))


def _touching(changes: Changes, others: Changes) -> Bools:
    """Tell which changes have a page number in common with any of some others."""
    order = np.argsort(others.low)
    reach = np.maximum.accumulate(others.high[order])
    last = np.searchsorted(others.low[order], changes.high) - 1
    touching: Bools = (last >= 0) & (reach[last] > changes.low)
    return touching


def _taken_along(ranges: _Ranges, step: _Step) -> Iterator[tuple[int, int]]:
    """Give what is kept from children of pages that mremap moved, or put behind kept ones."""
    shift = step.low - step.source
    for low, high in ranges:
        if step.each:
            begin, end = max(low + shift, step.low), min(high + shift, step.high)
            if begin < end:
                yield begin, end
        elif low <= step.source < high:
            yield step.low, step.high


def _without(ranges: _Ranges, low: int, high: int) -> _Ranges:
    pieces = [
        piece
        for begin, end in ranges
        for piece in ((begin, min(end, low)), (max(begin, high), end))
    ]
    return [(begin, end) for begin, end in pieces if begin < end]
