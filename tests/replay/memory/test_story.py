# SPDX-License-Identifier: Apache-2.0
"""The story of one page."""

from __future__ import annotations

from replay.memory.story import (
    Happening,
    nearest_pages,
    page_story,
    spaces_of,
    stories_of,
)
from replay.process import ProcessId
from tests.histories.memory import MemoryHistory, remember
from tests.replay.memory.test_start import FRAME, run_already, started

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


def test_a_page_that_was_moved_there() -> None:
    """Its story begins where it was before, in whatever address space that was."""
    history = remember(
        "sh writes 5, sh writes 30, sh unmaps 30, sh moves 5 30, sh forks a, a moves 30 40, "
        "a writes 40, sh writes 30"
    )
    before = [(H.FAULT, 0, 30), (H.DROPPED, 0, 30)]
    moved = [(H.FAULT, 0, 5), (H.MOVED, 0, 5)]
    rest = [(H.SHARED, 0, 30), (H.MOVED, 1, 30), (H.FAULT, 1, 40), (H.FAULT, 0, 30)]
    assert _story(history, 1, 40) == moved + rest
    assert _story(history, 0, 30) == [moved[0], *before, moved[1], *rest]


def test_a_page_that_took_the_place_of_a_moved_one() -> None:
    """What was moved away before is another page's story, until it had gone."""
    history = remember(
        "sh writes 5, sh unmaps 5, sh writes 5, sh moves 5 30, sh forks a, a writes 30"
    )
    assert _story(history, 1, 30) == [
        (H.FAULT, 0, 5), (H.MOVED, 0, 5), (H.SHARED, 0, 30), (H.FAULT, 1, 30)
    ]  # fmt: skip


def test_a_page_kept_from_a_child() -> None:
    """It is not shared, unless the child is asked for."""
    history = remember("sh writes 5, sh hides 5, sh forks a")
    assert _story(history, 0, 5) == [(H.FAULT, 0, 5)]
    assert _story(history, 1, 5) == [(H.FAULT, 0, 5), (H.SHARED, 0, 5)]


def test_a_page_that_was_never_there() -> None:
    """It has no story."""
    assert _story(remember("sh writes 5, sh forks a, a exits"), 0, 6) == []


def test_what_takes_the_place_of_a_page_that_was_moved_away() -> None:
    """It is told as well, wherever it was first touched."""
    history = remember("sh writes 5, sh moves 5 30, sh writes 5, sh forks a, a moves 6 40 2, "
                       "a writes 6, a moves 5 50, a writes 5")  # fmt: skip
    assert [step for step in _story(history, 1, 5) if step[2] == 5] == [
        (H.FAULT, 0, 5), (H.MOVED, 0, 5), (H.FAULT, 0, 5), (H.SHARED, 0, 5), (H.MOVED, 1, 5),
        (H.FAULT, 1, 5),
    ]  # fmt: skip


def test_a_page_that_a_child_touched_first_and_moved() -> None:
    """Its line goes back to a parent that never had it."""
    history = remember("sh forks a, a writes 5, a moves 5 30, a writes 6")
    assert _story(history, 1, 30) == [(H.FAULT, 1, 5), (H.MOVED, 1, 5)]


def test_stories_by_process() -> None:
    """One for each program in which it had a page there."""
    history = remember("sh writes 5, sh forks a, a execs x, a execs y, a writes 5")
    process = ProcessId(*history.threads["a"].proc.identity)
    memory = history.memory()
    assert [story.space for story in stories_of(memory, process, 0x5000)] == [1, 3]
    assert spaces_of(memory, process) == [1, 2, 3]
    assert stories_of(memory, process, 0x6000) == []


def test_nearest_pages() -> None:
    """Below and above, of the process and of what it descends from."""
    history = remember("sh writes 5, sh writes 9, sh forks a, a writes 20")
    process = ProcessId(*history.threads["a"].proc.identity)
    memory = history.memory()
    assert nearest_pages(memory, process, 0x7123) == [0x5000, 0x9000]
    assert nearest_pages(memory, process, 0x99000) == [0x14000]
    assert nearest_pages(memory, ProcessId(1, 1), 0x7000) == []


def test_a_page_that_was_there_as_recording_began() -> None:
    """That comes first; a page of which nothing else is known has a story by that alone."""
    history = started("sh forks a, a writes 5")
    assert _story(history, 1, 5) == [(H.PRESENT, 0, 5), (H.SHARED, 0, 5), (H.FAULT, 1, 5)]
    assert _story(history, 0, 4) == [(H.PRESENT, 0, 4), (H.SHARED, 0, 4)]
    assert _story(history, 0, 8) == []
    memory = history.memory()
    process = ProcessId(*history.threads["sh"].proc.identity)
    assert [story.space for story in stories_of(memory, process, 0x4123)] == [0]


def test_all_who_had_a_page_as_recording_began() -> None:
    """Wherever it was, and whichever of them is asked for."""
    history = started("sh writes 6")
    run_already(history, "other", {7: FRAME + 1})
    history.tell("other writes 7")
    expected = [(H.PRESENT, 0, 5), (H.PRESENT, 1, 7), (H.FAULT, 1, 7)]
    assert [_story(history, *place) for place in ((0, 5), (1, 7))] == [expected] * 2
    assert _story(history, 0, 4) == [(H.PRESENT, 0, 4)]
