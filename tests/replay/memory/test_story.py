# SPDX-License-Identifier: Apache-2.0
"""The story of one page."""

from __future__ import annotations

from replay.memory.story import Happening, page_story
from tests.histories.memory import MemoryHistory, remember

H = Happening


def _story(history: MemoryHistory, space: int, page: int) -> list[tuple[str, int, int]]:
    steps = page_story(history.memory(), space, page << 12)
    return [(step.happening.value, step.space, step.address >> 12) for step in steps]


def test_a_page_through_three_generations() -> None:
    """Every address space that had it, whichever is asked for."""
    history = remember(
        "sh writes 5, sh forks a, a writes 5, a forks b, b moves 5 30, b writes 30, sh writes 5, "
        "a unmaps 5, b exits, a waits b, a exits"
    )
    expected = [
        (H.FAULT, 0, 5), (H.SHARED, 0, 5), (H.FAULT, 1, 5), (H.SHARED, 1, 5), (H.MOVED, 2, 5),
        (H.FAULT, 2, 30), (H.FAULT, 0, 5), (H.DROPPED, 1, 5), (H.ENDED, 2, 30),
    ]  # fmt: skip
    assert [_story(history, space, 5) for space in (0, 1, 2)] == [expected] * 3


def test_faults_can_be_looked_at() -> None:
    """With all that was recorded of them."""
    history = remember("sh writes 5, sh forks a, a writes 5")
    memory = history.memory()
    steps = page_story(memory, 1, 5 << 12)
    assert [step.row(memory)["class"] for step in steps if step.happening is H.FAULT] == [
        "first_touch", "copy"
    ]  # fmt: skip
    assert [step.other for step in steps if step.happening is H.SHARED] == [1]


def test_a_page_that_is_dropped_and_touched_again() -> None:
    """It is told on, and what was dropped while it was not there is not told."""
    history = remember("sh drops 5, sh writes 5, sh drops 5, sh forks a, sh writes 5, sh forks b")
    assert _story(history, 0, 5) == [
        (H.FAULT, 0, 5), (H.DROPPED, 0, 5), (H.FAULT, 0, 5), (H.SHARED, 0, 5)
    ]  # fmt: skip


def test_a_page_kept_from_a_child() -> None:
    """It is not shared, unless the child is asked for."""
    history = remember("sh writes 5, sh hides 5, sh forks a")
    assert _story(history, 0, 5) == [(H.FAULT, 0, 5)]
    assert _story(history, 1, 5) == [(H.FAULT, 0, 5), (H.SHARED, 0, 5)]


def test_a_page_that_was_never_there() -> None:
    """It has no story."""
    assert _story(remember("sh writes 5, sh forks a, a exits"), 0, 6) == []
