# SPDX-License-Identifier: Apache-2.0
"""Where the heap of each address space ended, over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from replay.memory.ranges import PairRank, ints
from replay.memory.start import heap_ends
from replay.tables import columns

if TYPE_CHECKING:
    from replay.memory.ranges import Ints
    from replay.memory.spaces import AddressSpaces
    from replay.tables import TraceTables


def breaks_before(
    trace: TraceTables, spaces: AddressSpaces, calls: tuple[Ints, Ints, Ints]
) -> Ints:
    """Give for each call of brk the address where the heap ended before it, or 0.

    `calls` are (space, time_ns, result), in the order of their returns.
    """
    known = _first_ends(trace, spaces)
    first = ints(known), np.zeros(len(known), np.int64), ints(known.values())
    space, time_ns, end = (np.concatenate(both) for both in zip(first, calls, strict=True))
    rank = PairRank(space, time_ns)
    order = np.argsort(rank.keys, kind="stable")
    space, end, keys = space[order], end[order], rank.keys[order]
    before = np.r_[0, end][:-1]
    # The heap of a child goes on where that of its parent was.
    left = np.flatnonzero(np.diff(space, prepend=-1))
    before[left] = 0
    left = left[order[left] >= len(known)]
    parents, begins = spaces.parents(), spaces.begins().view(np.int64)
    heir = space[left]
    while left.size:
        heir, time_ns = parents[heir], begins[heir]
        on = heir >= 0
        left, heir, time_ns = left[on], heir[on], time_ns[on]
        at = rank.last_not_after(keys, heir, time_ns)
        before[left[at >= 0]] = end[at[at >= 0]]
        left, heir = left[at < 0], heir[at < 0]
    found: Ints = np.empty_like(before)
    found[order] = before
    return found[len(known) :]


def _first_ends(trace: TraceTables, spaces: AddressSpaces) -> dict[int, int]:
    """Give for each address space where its heap ended as it was made or first seen."""
    starts = {
        (mm, time_ns): start
        for mm, time_ns, start in columns(trace.table("exec"), "mm", "time_ns", "start_brk")
        if start
    }
    made = {
        space.number: starts[space.mm, space.begin_ns]
        for space in spaces.spaces
        if (space.mm, space.begin_ns) in starts
    }
    return heap_ends(trace, spaces) | made
