# SPDX-License-Identifier: Apache-2.0
"""Which pages of a range may be there at all: those with faults, after moves and forks too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from replay.memory.ranges import NOT_FOUND, ints

if TYPE_CHECKING:
    from replay.memory.pages import PageEvents
    from replay.memory.ranges import Ints


class Candidates:
    """Pages of each address space that it or one it descends from had a fault of."""

    def __init__(self, events: PageEvents) -> None:
        self._events = events
        self._moved: dict[int, Ints] = {}
        for space, low, high, shift in events.contents.moves():
            page = self.within(space, low - shift, high - shift) + shift
            if page.size:
                before = self._moved.get(space, ints(()))
                self._moved[space] = np.union1d(before, page)

    def within(self, space: int, low: int, high: int) -> Ints:
        """Give the pages in [low, high), sorted; whether they are there is another question."""
        found = []
        while space != NOT_FOUND:
            found.append(self._events.between(space, low, high))
            moved = self._moved.get(space)
            if moved is not None:
                found.append(moved[(moved >= low) & (moved < high)])
            space = int(self._events.contents.parents[space])
        return np.unique(np.concatenate(found))
