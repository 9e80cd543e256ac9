# SPDX-License-Identifier: Apache-2.0
"""What must come before what: vector clocks of the actors of a plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Stamp:
    """A moment of one actor, and how far each other one had surely come by then."""

    actor: int
    count: int
    seen: NDArray[np.int32]

    def before(self, other: Stamp) -> bool:
        """Tell whether this moment is before another one in whatever order things happen."""
        if self.actor == other.actor:
            return self.count < other.count
        return bool(other.seen[self.actor] >= self.count)


class Clock:
    """The clock of one actor."""

    def __init__(self, actor: int, actors: int) -> None:
        self._actor = actor
        self._count = 0
        self._seen = np.zeros(actors, np.int32)

    @property
    def count(self) -> int:
        """How many moments there have been."""
        return self._count

    def tick(self) -> Stamp:
        """Go on by one moment, and give it."""
        self._count += 1
        return Stamp(self._actor, self._count, self._seen)

    def receive(self, stamp: Stamp) -> None:
        """Come after a moment of another actor."""
        seen = np.maximum(self._seen, stamp.seen)
        seen[stamp.actor] = max(seen[stamp.actor], stamp.count)
        self._seen = seen
