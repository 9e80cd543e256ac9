# SPDX-License-Identifier: Apache-2.0
"""Random histories with memory: anything that tasks may do next, chosen by a source of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.histories.memory import MemoryHistory

if TYPE_CHECKING:
    from random import Random

PAGES = 12
"""Few pages, so that histories of different tasks meet."""
MOST_TASKS = 6
_VERBS = (
    *("writes",) * 12, *("reads",) * 3, *("forks",) * 3, "threads_off", "vforks_and_execs",
    "execs", "exits", "maps", "maps_shared", "unmaps", "drops", "hides", "moves",
)  # fmt: skip


class RandomMemory:
    """A history that grows by one random step at a time."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.history = MemoryHistory()
        self._names = ["sh"]
        self._born = 0

    def grow(self, steps: int) -> MemoryHistory:
        """Let as many steps happen."""
        for _ in range(steps):
            self._step(self._random.choice(self._names), self._random.choice(_VERBS))
        return self.history

    def _step(self, who: str, verb: str) -> None:
        history = self.history
        first = self._random.randrange(PAGES)
        count = self._random.randint(1, 4)
        match verb:
            case "writes" | "reads":
                getattr(history, verb)(who, str(first))
            case "forks" | "threads_off":
                self._creates(who, verb)
            case "vforks_and_execs":
                child = self._creates(who, "vforks")
                if child:
                    history.execs(child)
            case "execs":
                if len(history.threads[who].proc.living()) == 1:
                    history.execs(who)
            case "exits":
                self._exits(who)
            case "maps_shared":
                history.maps(who, str(first), str(count), "0x31")
            case "moves":
                history.moves(who, str(first), str(first + PAGES), str(count))
            case _:
                getattr(history, verb)(who, str(first), str(count))

    def _creates(self, who: str, verb: str) -> str:
        if len(self._names) == MOST_TASKS:
            return ""
        self._born += 1
        name = f"t{self._born}"
        getattr(self.history, verb)(who, name)
        self._names.append(name)
        return name

    def _exits(self, who: str) -> None:
        proc = self.history.threads[who].proc
        others = [name for name in self._names if self.history.threads[name].proc is not proc]
        if others:
            self.history.exits(who)
            self._names = others
