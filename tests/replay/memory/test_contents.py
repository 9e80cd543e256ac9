# SPDX-License-Identifier: Apache-2.0
"""When pages went away, and where they came from."""

from __future__ import annotations

from replay.memory.changes import changes
from replay.memory.contents import Contents
from replay.memory.ranges import ints
from replay.memory.spaces import AddressSpaces
from replay.memory.walk import FOREVER
from tests.histories.memory import MemoryHistory, remember


def _contents(history: MemoryHistory) -> Contents:
    spaces = AddressSpaces.from_trace(history.trace)
    return Contents(spaces, changes(history.trace, spaces))


def _end(contents: Contents, space: int, page: int, time_ns: int = 1) -> int:
    return int(contents.end_of(ints([space]), ints([page]), ints([time_ns]))[0])


def _entry(history: MemoryHistory, call: int) -> int:
    return int(history.trace.rows["mapping_call"][call]["enter_ns"])


def test_a_page_lives_until_it_is_unmapped_or_its_address_space_ends() -> None:
    """Whatever comes first."""
    history = remember("sh forks a, a unmaps 5, a exits")
    contents = _contents(history)
    exit_ns = history.trace.rows["exit"][0]["time_ns"]
    assert [_end(contents, 1, page) for page in (5, 6)] == [_entry(history, 0), exit_ns]
    assert _end(contents, 0, 5) == FOREVER


def test_a_page_that_mremap_moves_lives_on() -> None:
    """Until it is dropped where it is then; what was there before goes."""
    history = remember("sh moves 5 20, sh moves 20 30, sh unmaps 20, sh drops 30")
    contents = _contents(history)
    assert _end(contents, 0, 5) == _entry(history, 3)
    assert _end(contents, 0, 30) == history.trace.rows["mapping_call"][1]["time_ns"]
    assert contents.moves() == [(0, 20, 21, 15), (0, 30, 31, 10)]


def test_one_step_back() -> None:
    """To the parent at the fork, to the place before a move, or to nothing."""
    history = remember("sh forks a, a moves 5 20, a unmaps 7")
    contents = _contents(history)
    step = contents.came_from(ints([1] * 4), ints([20, 6, 7, 6]), ints([FOREVER] * 4),
                              ints([-1, -1, -1, 10]))  # fmt: skip
    assert step.onward.tolist() == [True, True, False, False]
    assert step.changed.tolist() == [True, False, True, False]
    assert list(zip(step.space[:2].tolist(), step.page[:2].tolist(), strict=True)) == [
        (1, 5), (0, 6)
    ]  # fmt: skip
    assert step.time_ns[0] == _entry(history, 0) - 1
    assert step.time_ns[1] == contents.begins[1]


def test_what_next_happens_to_one_page() -> None:
    """A move says where to and when it was there."""
    history = remember("sh moves 5 20, sh drops 6")
    contents = _contents(history)
    there = history.trace.rows["mapping_call"][0]["time_ns"]
    assert contents.next_change(0, 5, 0) == (_entry(history, 0), True, 20, there)
    assert contents.next_change(0, 6, 0) == (_entry(history, 1), False, 6, _entry(history, 1))
    assert contents.next_change(0, 7, 0)[0] == FOREVER
    assert _contents(MemoryHistory()).next_change(0, 7, 0)[0] == FOREVER


def test_pages_kept_from_children() -> None:
    """And from their children, until they are mapped anew."""
    history = remember("sh hides 5 3, sh maps 6, sh forks a, a maps 5, a forks b, sh forks c")
    contents = _contents(history)
    pages = ints([4, 5, 6, 7])
    hidden = [contents.hidden(ints([child] * 4), pages).tolist() for child in (1, 2, 3)]
    assert hidden == [
        [False, True, False, True], [False, False, False, True], [False, True, False, True]
    ]  # fmt: skip


def test_first_changes_of_cells() -> None:
    """One for each run of pages that is changed as a whole."""
    history = remember("sh forks a, a unmaps 5 4, a maps 6 2, sh unmaps 5")
    contents = _contents(history)
    found = contents.first_changes(contents.parents >= 0)
    rows = sorted(zip(*(column.tolist() for column in found), strict=True))
    first = _entry(history, 0)
    assert rows == [(1, 5, 6, first), (1, 6, 8, first), (1, 8, 9, first)]


def test_changes_between_two_times() -> None:
    """After the one, and not after the other."""
    history = remember("sh drops 5")
    contents, at = _contents(history), _entry(history, 0)
    spans = [(at - 1, at), (at, at + 9), (0, at - 1)]
    found = [
        bool(contents.changed_between(ints([0]), ints([5]), ints([after]), ints([until]))[0])
        for after, until in spans
    ]
    assert found == [True, False, False]
