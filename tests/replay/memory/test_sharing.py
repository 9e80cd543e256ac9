# SPDX-License-Identifier: Apache-2.0
"""How many pages a fork shares."""

from __future__ import annotations

import pytest

from replay.memory.sharing import shared_pages
from tests.histories.memory import SAVED_DIRTY, MemoryHistory, remember
from tests.replay.memory.rows import READ, RO, RW, WRITE, entry


def _shared(history: MemoryHistory) -> list[int]:
    """Give the shared pages of each fork, in order of the children's numbers."""
    memory = history.memory()
    found = shared_pages(memory.events, memory.breaks, memory.forks).tolist()
    return [count for _, count in sorted(zip(memory.forks.child.tolist(), found, strict=True))]


@pytest.mark.parametrize(
    ("story", "shared"),
    [
        ("sh forks a", [0]),
        ("sh writes 5, sh writes 6, sh reads 7, sh forks a", [2]),
        ("sh writes 5, sh forks a, sh writes 6, sh forks b", [1, 2]),
        ("sh writes 5, sh unmaps 5, sh forks a", [0]),
        ("sh writes 5, sh drops 5, sh writes 5, sh forks a", [1]),
        ("sh writes 5, sh forks a, a forks b, b forks c", [1, 1, 1]),
        ("sh writes 5, sh writes 6, sh forks a, a unmaps 5, a forks b", [2, 1]),
        ("sh writes 5, sh forks a, a unmaps 5, a writes 5, a forks b", [1, 1]),
        ("sh writes 5, sh forks a, a moves 5 20, a forks b, a unmaps 20, a forks c", [1, 1, 0]),
        ("sh writes 5, sh moves 5 20, sh forks a, a unmaps 20, a forks b", [1, 0]),
        ("sh writes 5, sh moves 5 20, sh writes 5, sh forks a", [2]),
        ("sh writes 5, sh writes 6, sh hides 5, sh forks a, a forks b, sh forks c", [1, 1, 1]),
        ("sh writes 5, sh execs x, sh forks a", [0]),
        ("sh maps 5 2 0x31, sh writes 5, sh writes 6, sh forks a", [0]),
        ("sh writes 5, sh vforks v, v writes 6, v execs x, v forks a, sh forks b", [0, 2]),
    ],
)
def test_shared(story: str, shared: list[int]) -> None:
    """What came less what went, with what was inherited."""
    assert _shared(remember(story)) == shared


def test_a_page_that_went_unseen_is_not_counted_twice() -> None:
    """It is touched anew, so it had gone, though no call tells of it."""
    history = remember("sh writes 5")
    history.fault("sh", 0x5000, 0, entry(9, RW), WRITE)
    history.fault("sh", 0x6000, 0, entry(9, RW), WRITE)
    history.fault("sh", 0x6000, 0, entry(3), READ)
    history.tell("sh forks a")
    assert _shared(history) == [1]


def test_a_page_that_is_seen_late_counts_from_then_on() -> None:
    """Before, nobody knew of it."""
    history = remember("sh forks a")
    history.fault("sh", 0x5000, entry(9, RO | SAVED_DIRTY), entry(9, RW), WRITE | 1)
    history.tell("sh forks b")
    assert _shared(history) == [0, 1]
