# SPDX-License-Identifier: Apache-2.0
"""Page maps against those of a small kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from replay.memory.page_map import frames, page_map
from tests.histories.memory import PSE, MemoryHistory, remember
from tests.histories.random_memory import RandomMemory
from tests.replay.memory.rows import RW, WRITE, entry

if TYPE_CHECKING:
    from random import Random

    from replay.memory.history import PageHistories


def _now(history: MemoryHistory) -> int:
    return history.tick() + history.took_ns


def _live(memory: PageHistories, now_ns: int) -> dict[int, int]:
    """Give the number of each address space that is there, by its pointer."""
    return {space.mm: space.number for space in memory.spaces.spaces if space.end_ns > now_ns}


@given(st.randoms(use_true_random=False), st.integers(1, 120))
def test_against_the_page_tables(random: Random, steps: int) -> None:
    """Every private page of every address space, frame by frame, and who shares it."""
    history = RandomMemory(random).grow(steps)
    memory, now_ns = history.memory(), _now(history)
    live = _live(memory, now_ns)
    generations: dict[int, set[int]] = {}
    for mm in history.alive:
        found = page_map(memory, live[mm.pointer], now_ns)
        pages = {row["address"] >> 12: row["frame"] for row in found.to_dicts()}
        assert pages == {number: pte.frame for number, pte in mm.ptes.items() if pte.private}
        for row in found.to_dicts():
            generations.setdefault(row["generation"], set()).add(row["frame"])
    all_frames = [frame for one in generations.values() for frame in one]
    assert len(all_frames) == len(generations) == len(set(all_frames))


def test_at_a_moment_in_between() -> None:
    """What comes later does not show."""
    history = remember("sh writes 5, sh forks a")
    between_ns = _now(history)
    history.tell("a writes 5, sh unmaps 5")
    memory = history.memory()
    then = [page_map(memory, space, between_ns)["fault"].to_list() for space in (0, 1)]
    late = [page_map(memory, space, _now(history))["fault"].to_list() for space in (0, 1)]
    assert (then, late) == ([[0], [0]], [[], [1]])


def test_a_huge_page() -> None:
    """Its frames follow each other; an entry that maps nothing has none."""
    history = MemoryHistory()
    history.fault("sh", 0x40_3000, 0, entry(0x800, RW | PSE), WRITE, old_level=2, new_level=2)
    memory = history.memory()
    found = page_map(memory, 0, _now(history))
    assert found["frame"].to_list() == list(range(0x800, 0xA00))
    assert frames(memory, "old", np.array([0]), np.array([0x400])).tolist() == [-1]
