# SPDX-License-Identifier: Apache-2.0
"""What became of each page that a fork shared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replay.memory.fork_costs import fork_costs
from replay.memory.fork_pages import PageState, fork_pages
from tests.histories.memory import SAVED_DIRTY, MemoryHistory, remember
from tests.histories.random_memory import RandomMemory
from tests.replay.memory.rows import RW, WRITE, entry

if TYPE_CHECKING:
    from random import Random

S = PageState


def _states(history: MemoryHistory, child: int = 1) -> dict[int, str]:
    """Give the state of each page of the fork that made an address space."""
    pages = fork_pages(history.memory(), child)
    return {row["address"] >> 12: row["state"] for row in pages.to_dicts()}


@pytest.mark.parametrize(
    ("story", "state"),
    [
        ("", S.SHARED),
        ("a writes 5", S.COPIED_BY_CHILD),
        ("sh writes 5", S.COPIED_BY_PARENT),
        ("a writes 5, sh writes 5", S.COPIED_BY_CHILD),
        ("sh writes 5, a writes 5", S.COPIED_BY_PARENT),
        ("a forks b, a writes 5, sh writes 5", S.COPIED_BY_BOTH),
        ("a unmaps 5, sh writes 5", S.REUSED),
        ("a unmaps 5", S.UNBROKEN),
        ("sh unmaps 5", S.UNBROKEN),
        ("a exits", S.UNBROKEN),
        ("a execs x", S.UNBROKEN),
        ("a exits, sh waits a, sh writes 5", S.UNBROKEN),
        ("a moves 5 20, a writes 20", S.COPIED_BY_CHILD),
        ("a moves 5 20, a writes 5", S.SHARED),
        ("a drops 5, a writes 5", S.UNBROKEN),
    ],
)
def test_a_page(story: str, state: PageState) -> None:
    """The first write counts, and the end of sharing where there was none."""
    history = remember("sh writes 5, sh forks a")
    if story:
        history.tell(story)
    assert _states(history) == {5: state}


def test_what_was_not_shared_is_not_there() -> None:
    """Pages that came later, that were never private, or that madvise kept back."""
    history = remember("sh writes 5, sh writes 6, sh reads 7, sh hides 6, sh forks a, sh writes 8")
    assert _states(history) == {5: S.SHARED}


def test_a_page_that_went_unseen() -> None:
    """It was touched anew, though nothing took it away."""
    history = remember("sh writes 5, sh forks a")
    history.fault("a", 0x5000, 0, entry(9, RW), WRITE)
    assert _states(history) == {5: S.UNKNOWN}


def test_a_page_from_before_the_recording() -> None:
    """It shows by being written."""
    history = remember("sh forks a")
    history.fault("a", 0x6000, entry(8, SAVED_DIRTY | 0x25), entry(9, RW), WRITE | 1)
    [row] = fork_pages(history.memory(), 1).to_dicts()
    assert (row["address"], row["state"], row["seen"]) == (0x6000, S.COPIED_BY_CHILD, False)


def test_no_pages() -> None:
    """There is a frame without rows."""
    assert fork_pages(remember("sh forks a").memory(), 1).is_empty()


@settings(deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 120))
def test_against_what_happened(random: Random, steps: int) -> None:
    """Every page that was shared is in one state, and the sums are those of the costs."""
    history = RandomMemory(random).grow(steps)
    memory = history.memory()
    for row, fork in zip(fork_costs(memory).to_dicts(), history.forks_made, strict=True):
        pages = fork_pages(memory, row["child"])
        counts = dict.fromkeys(PageState, 0) | dict(pages["state"].value_counts().iter_rows())
        assert set((pages["address"] // 4096).to_list()) == fork.shared
        assert pages["seen"].all()
        assert counts[S.UNKNOWN] == 0
        both = counts[S.COPIED_BY_BOTH]
        assert counts[S.COPIED_BY_CHILD] + both == row["child_copied"]
        assert counts[S.COPIED_BY_PARENT] + both == row["parent_copied"]
        # What the parent copied after the child's end was not broken before.
        left = counts[S.UNBROKEN] + counts[S.SHARED]
        assert row["unbroken"] - row["parent_later"] <= left <= row["unbroken"]
