# SPDX-License-Identifier: Apache-2.0
"""Pages that madvise keeps from children."""

from __future__ import annotations

import pytest

from replay.memory.advice import kept_from_children
from replay.memory.changes import changes
from replay.memory.spaces import AddressSpaces
from tests.histories.memory import MemoryHistory, remember

DONTFORK, DOFORK = 10, 11


def _kept(history: MemoryHistory) -> list[tuple[int, int]]:
    """Give (child, page) of every page that a child did not get."""
    trace = history.trace
    spaces = AddressSpaces.from_trace(trace)
    columns = kept_from_children(spaces, changes(trace, spaces))
    rows = zip(*(column.tolist() for column in columns), strict=True)
    born = {space.number: space.begin_ns for space in spaces.spaces}
    found = []
    for child, low, high, time_ns in rows:
        assert time_ns == born[child]
        found += [(child, page) for page in range(low, high)]
    assert len(found) == len(set(found))
    return sorted(found)


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        ("sh forks a", []),
        ("sh hides 5 2, sh forks a", [(1, 5), (1, 6)]),
        ("sh forks a, sh hides 5, sh forks b", [(2, 5)]),
        ("sh hides 5, sh hides 5 2, sh forks a", [(1, 5), (1, 6)]),
        ("sh hides 5 3, sh unmaps 6, sh forks a", [(1, 5), (1, 7)]),
        ("sh hides 5 3, sh maps 6 9, sh forks a", [(1, 5)]),
        ("sh hides 5, sh drops 5, sh forks a", [(1, 5)]),
        ("sh hides 5, sh forks a, a forks b", [(1, 5), (2, 5)]),
        ("sh hides 5, sh forks a, a maps 5, a forks b, sh forks c", [(1, 5), (3, 5)]),
        ("sh hides 5, sh forks a, sh maps 5, a forks b", [(1, 5), (2, 5)]),
        ("sh hides 5 2, sh moves 5 20 3, sh forks a", [(1, 20), (1, 21)]),
        ("sh hides 6 3, sh moves 5 20 3, sh forks a", [(1, 8), (1, 21), (1, 22)]),
        ("sh hides 5, sh moves 5 20, sh moves 20 30, sh forks a", [(1, 30)]),
        ("sh hides 5, sh moves 5 20, sh maps 20, sh forks a", []),
        ("sh hides 5, sh forks a, a moves 5 20, a forks b", [(1, 5), (2, 20)]),
        ("sh hides 30, sh moves 5 30, sh forks a", []),
    ],
)
def test_what_a_child_does_not_get(story: str, expected: list[tuple[int, int]]) -> None:
    """What the parent hid, wherever it is by then, until it is mapped anew."""
    assert _kept(remember(story)) == expected


def test_advice_that_is_taken_back() -> None:
    """For a part, and for all of it."""
    history = remember("sh hides 5 4")
    history.call("sh", 28, 6 << 12, 2 << 12, DOFORK)
    history.tell("sh forks a")
    history.call("sh", 28, 0, 99 << 12, DOFORK)
    history.tell("sh forks b")
    assert _kept(history) == [(1, 5), (1, 8)]


@pytest.mark.parametrize(
    ("hidden", "to", "expected"),
    [(6, 5, [6, 7, 8]), (5, 5, [5]), (6, 20, [21, 22, 23]), (5, 20, [20])],
)
def test_what_mremap_adds(hidden: int, to: int, expected: list[int]) -> None:
    """It is of the mapping that was made longer: of its last page, in place and elsewhere."""
    history = MemoryHistory()
    history.call("sh", 28, hidden << 12, 1 << 12, DONTFORK)
    history.call("sh", 25, 5 << 12, 2 << 12, 4 << 12, 1, result=to << 12)
    history.tell("sh forks a")
    assert _kept(history) == [(1, page) for page in expected]
