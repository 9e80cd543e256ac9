# SPDX-License-Identifier: Apache-2.0
"""The physical pages of a story."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from replay.memory.lineage import Holds, Lineage, lineage_of
from replay.memory.page_map import page_map
from replay.memory.story import page_story
from tests.histories.memory import PSE, SAVED_DIRTY, MemoryHistory, remember
from tests.histories.random_memory import RandomMemory
from tests.replay.memory.rows import RW, WRITE, entry
from tests.replay.memory.test_start import FRAME, run_already, started

if TYPE_CHECKING:
    from random import Random


def _lineage(history: MemoryHistory, space: int, page: int) -> Lineage:
    memory = history.memory()
    return lineage_of(memory, page_story(memory, space, page << 12))


def _told(lineage: Lineage) -> list[tuple[int | None, int | None]]:
    return [
        (
            None if one.before is None else one.before.number,
            None if one.after is None else one.after.number,
        )
        for one in lineage.tellings
    ]


def test_a_copy_is_another_page_and_a_reuse_is_the_same() -> None:
    """With who has which after each step."""
    lineage = _lineage(remember("sh writes 5, sh forks a, a writes 5, sh writes 5, a exits"), 0, 5)
    assert _told(lineage) == [(None, 0), (0, 0), (0, 1), (0, 0), (1, None)]
    assert [one.holders for one in lineage.tellings] == [(0,), (0, 1), (1,), (0,), ()]
    assert [one.left for one in lineage.tellings] == [(), (), (0,), (), ()]
    assert [(space, page.number) for space, page in lineage.held] == [(0, 0)]


def test_the_page_of_zeros_is_nobodys() -> None:
    """It has no holders, and a private page takes its place."""
    lineage = _lineage(remember("sh reads 5, sh writes 5"), 0, 5)
    assert [page.holds for page in lineage.pages] == [Holds.ZEROS, Holds.PRIVATE]
    assert [one.holders for one in lineage.tellings] == [(), (0,)]


def test_a_move_takes_the_page_along() -> None:
    """And a child gets it where it is then."""
    lineage = _lineage(remember("sh writes 5, sh moves 5 30, sh forks a, a writes 30"), 1, 30)
    assert _told(lineage) == [(None, 0), (0, 0), (0, 0), (0, 1)]


def test_a_child_that_madvise_kept_it_from() -> None:
    """It has none."""
    lineage = _lineage(remember("sh writes 5, sh hides 5, sh forks a"), 1, 5)
    assert lineage.tellings[-1].after is None
    assert [space for space, _ in lineage.held] == [0]


def test_a_page_from_before_the_recording_is_one_for_all() -> None:
    """A parent and a child that made it known find the same frame."""
    history = remember("sh writes 5, sh forks a")
    old = entry(8, SAVED_DIRTY | 0x25)
    history.fault("a", 0x5000, old, entry(9, RW), WRITE | 1)
    history.fault("sh", 0x5000, old, entry(8, RW), WRITE | 1)
    lineage = _lineage(history, 1, 5)
    assert [(page.frame, page.older) for page in lineage.pages[1:]] == [(8, True), (9, False)]
    assert _told(lineage)[2:] == [(1, 2), (1, 1)]


def test_a_page_that_mremap_puts_over_another() -> None:
    """The other one goes, and it stays."""
    lineage = _lineage(remember("sh writes 5, sh writes 30, sh moves 5 30"), 0, 30)
    assert [(space, page.number) for space, page in lineage.held] == [(0, 0)]
    assert lineage.tellings[-1].before == lineage.pages[1]


def test_another_page_than_was_known() -> None:
    """What the fault found counts, and it is said."""
    history = remember("sh writes 5, sh forks a")
    history.mm("a").ptes[5].frame = 77
    history.tell("a writes 5")
    lineage = _lineage(history, 1, 5)
    last = lineage.tellings[-1]
    assert last.differs
    assert last.before is not None
    assert (last.before.frame, last.before.older) == (77, True)


def test_a_small_page_of_a_huge_one() -> None:
    """It has the frame in the middle."""
    history = MemoryHistory()
    history.fault("sh", 0x40_3000, 0, entry(0x800, RW | PSE), WRITE, old_level=2, new_level=2)
    assert [page.frame for page in _lineage(history, 0, 0x405).pages] == [0x805]


def test_a_page_that_was_there_as_recording_began() -> None:
    """It is one page for all who had it, and older than the story."""
    history = started("")
    run_already(history, "other", {7: FRAME + 1})
    history.tell("sh forks a, a writes 5, sh writes 5")
    lineage = _lineage(history, 2, 5)
    assert _told(lineage) == [(None, 0), (None, 0), (0, 0), (0, 1), (0, 2)]
    assert [(page.frame, page.older) for page in lineage.pages][:1] == [(FRAME + 1, True)]
    assert [one.holders for one in lineage.tellings] == [(0,), (0, 1), (0, 1, 2), (2,), (0,)]
    assert lineage.tellings[-1].left == (1,)


def test_a_page_in_swap_as_recording_began() -> None:
    """It has no frame, and what comes back is no contradiction."""
    history = started("")
    history.fault("sh", 0x7000, 1 << 58, entry(0x800, RW), WRITE)
    lineage = _lineage(history, 0, 7)
    assert _told(lineage) == [(None, 0), (0, 1)]
    assert [page.frame for page in lineage.pages] == [-1, 0x800]
    assert not lineage.tellings[-1].differs


@settings(deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 80), st.integers(0, 15))
def test_against_the_page_maps(random: Random, steps: int, page: int) -> None:
    """In the end each address space has what its page map says."""
    history = RandomMemory(random).grow(steps)
    memory, now_ns = history.memory(), history.tick() + history.took_ns
    for space in range(len(memory.spaces.spaces)):
        if memory.spaces.spaces[space].end_ns < now_ns:
            continue
        found = page_map(memory, space, now_ns)
        frame = dict(zip(found["address"].to_list(), found["frame"].to_list(), strict=True))
        lineage = lineage_of(memory, page_story(memory, space, page << 12))
        assert not any(one.differs for one in lineage.tellings)
        if page << 12 in frame:
            assert frame[page << 12] in {held.frame for of, held in lineage.held if of == space}
