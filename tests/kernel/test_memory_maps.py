# SPDX-License-Identifier: Apache-2.0
"""Rebuilt page maps of trees of processes against /proc/PID/pagemap and /proc/kpagecount."""

from __future__ import annotations

from errno import EFAULT
from random import Random
from typing import TYPE_CHECKING, Final

import pytest

from replay.memory.contradictions import contradictions
from tests.kernel.obey import MPROTECT, MREMAP, MUNMAP, READ_ONLY, READ_WRITE, Order, Stage
from tests.kernel.pagemap import PAGE_BYTES
from tests.kernel.rebuilt import Rebuilt

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kernel.obey import CheckPoint, Obedient

PAGES = 16
FRAMES_DIFFER: Final = {"page_gone", "inherited_gone", "frame_changed", "inherited_frame_differs"}
ORDERS, LOOKED_AT_EACH = 240, 8
MOST_PROCESSES = 6
MADV_DONTNEED, MADV_WIPEONFORK, MADV_KEEPONFORK = 4, 18, 19
MREMAP_MAYMOVE = 1


def _assert_same(rebuilt: Rebuilt, points: list[CheckPoint]) -> None:
    """Every private page at every check point, its frame and how many map it."""
    for at, point in enumerate(points):
        found = rebuilt.differences(point)
        assert found.none(), (at, found)
        assert found.compared >= len(point.pages) * PAGES
        # Arguments and environment are few: what nobody wrote is not hidden behind them.
        assert len(found.arguments) <= 8 * len(point.pages)


def test_a_tree_three_deep(programs: Path, tmp_path: Path) -> None:
    """GIVEN a process, its child, its grandchild and a child of that one, each writing pages.

    WHEN all are stopped after each step
    THEN the rebuilt page maps are those of the kernel, page by page, and as many address spaces
    have each page as /proc/kpagecount says.
    """
    points: list[CheckPoint] = []
    with Stage(programs, tmp_path) as stage:
        root = stage.root
        region = root.map(PAGES)

        def written(who: Obedient, first: int, pages: int) -> None:
            who.write(region + first * PAGE_BYTES, pages)
            points.append(stage.look())

        written(root, 0, PAGES)
        child = root.fork()
        written(child, 2, 4)
        grandchild = child.fork()
        written(grandchild, 4, 4)
        last = grandchild.fork()
        written(last, 6, 4)
        four_way = points[-1]
        written(root, 0, 3)
        written(grandchild, 0, 1)
        written(child, 8, 3)
        grandchild.reap(last)
        written(child, 0, PAGES)
        child.reap(grandchild)
        written(root, 0, PAGES)
        everybody = (root, child, grandchild, last)
    rebuilt = Rebuilt(stage)
    _assert_same(rebuilt, points)
    assert not FRAMES_DIFFER & {one.kind.name for one in contradictions(rebuilt.memory)}
    # Pages 10 to 15 nobody had written by then: all four had them. The first two were root's
    # and all others', too; the last process wrote 6 to 9 and had them for itself.
    counts = [[four_way.pages[one.pid][region + at * PAGE_BYTES].mappings for at in range(PAGES)]
              for one in everybody]  # fmt: skip
    assert counts[0] == [4, 4] + [1] * 2 + [1] * 2 + [2] * 2 + [3] * 2 + [4] * 6
    assert counts[3] == [4, 4] + [3] * 2 + [2] * 2 + [1] * 4 + [4] * 6


class _Chance:
    """Gives orders by chance, the same ones for the same seed, and knows what each may do."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self._stage, self._random = stage, Random(seed)  # noqa: S311 orders, the same each time
        self._parents: dict[Obedient, Obedient] = {}
        self._regions: dict[Obedient, list[tuple[int, int]]] = {}
        """Of each process, (address, pages) of what it may touch."""
        self._regions[stage.root] = [(stage.root.map(PAGES), PAGES) for _ in range(4)]

    def step(self) -> None:
        """Give one order."""
        who = self._random.choice(self._stage.alive)
        orders = [self._write] * 6 + [self._fork, self._end, self._advise, self._read] * 2
        self._random.choice([*orders, self._move, self._unmap, self._map, self._protect])(who)

    def _part(self, who: Obedient) -> tuple[int, int]:
        address, pages = self._random.choice(self._regions[who])
        first = self._random.randrange(pages)
        return address + first * PAGE_BYTES, self._random.randint(1, pages - first)

    def _write(self, who: Obedient) -> None:
        who.write(*self._part(who))

    def _read(self, who: Obedient) -> None:
        who.read(*self._part(who))

    def _fork(self, who: Obedient) -> None:
        if len(self._stage.alive) < MOST_PROCESSES and who.number < 40:
            child = who.fork()
            self._parents[child] = who
            self._regions[child] = list(self._regions[who])

    def _end(self, who: Obedient) -> None:
        if who in self._parents and who not in self._parents.values():
            self._parents.pop(who).reap(who)

    def _advise(self, who: Obedient) -> None:
        address, pages = self._part(who)
        advice = self._random.choice([MADV_DONTNEED, MADV_WIPEONFORK, MADV_KEEPONFORK])
        who.advise(address, pages, advice)

    def _map(self, who: Obedient) -> None:
        self._regions[who].append((who.map(PAGES), PAGES))

    def _unmap(self, who: Obedient) -> None:
        if len(self._regions[who]) > 1:
            address, pages = self._regions[who].pop()
            who.call(MUNMAP, address, pages * PAGE_BYTES)

    def _move(self, who: Obedient) -> None:
        address, pages = self._regions[who][0]
        whole = pages * PAGE_BYTES
        to = who.do(Order.CALL, MREMAP, address, whole, whole + PAGE_BYTES, MREMAP_MAYMOVE)
        # A region that is in several mappings by now, which do not merge, it refuses.
        if to != -EFAULT:
            self._regions[who][0] = (to, pages + 1)

    def _protect(self, who: Obedient) -> None:
        address, pages = self._part(who)
        who.call(MPROTECT, address, pages * PAGE_BYTES, READ_ONLY)
        who.call(MPROTECT, address, pages * PAGE_BYTES, READ_WRITE)


@pytest.mark.parametrize("seed", [1, 2])
def test_by_chance(programs: Path, tmp_path: Path, seed: int) -> None:
    """Forks, ends, writes, drops, moves, in any order: the maps stay those of the kernel."""
    points: list[CheckPoint] = []
    with Stage(programs, tmp_path) as stage:
        chance = _Chance(stage, seed)
        for at in range(ORDERS):
            chance.step()
            if at % LOOKED_AT_EACH == 0:
                points.append(stage.look())
    rebuilt = Rebuilt(stage)
    _assert_same(rebuilt, points)
