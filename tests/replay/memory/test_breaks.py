# SPDX-License-Identifier: Apache-2.0
"""To which fork a copy or reuse is due."""

from __future__ import annotations

from replay.memory.breaks import BY_CHILD, BY_PARENT, Forks, births
from replay.memory.ranges import NOT_FOUND, ints
from tests.histories.memory import EXCLUSIVE, PAGE_READ, SAVED_DIRTY, MemoryHistory, remember
from tests.replay.memory.rows import RO, RW, WRITE, entry

ANON = RO | SAVED_DIRTY


def _due(history: MemoryHistory) -> dict[int, tuple[int, int, bool]]:
    """Give (fork, by, unseen) of each fault that is a copy or a reuse, by its row."""
    memory = history.memory()
    breaks = memory.breaks
    rows = memory.events.row[breaks.event].tolist()
    values = zip(breaks.fork.tolist(), breaks.by.tolist(), breaks.unseen.tolist(), strict=True)
    return dict(zip(rows, values, strict=True))


def test_parent_and_child() -> None:
    """Both writes are due to the fork between them and the first touch."""
    history = remember("sh writes 5, sh forks a, a writes 5, sh writes 5")
    assert _due(history) == {1: (1, BY_CHILD, False), 2: (1, BY_PARENT, False)}


def test_of_several_forks_the_latest() -> None:
    """The parent's write counts once, each child's for its own."""
    history = remember("sh writes 5, sh forks a, sh forks b, sh writes 5, a writes 5, b writes 5")
    assert _due(history) == {
        1: (2, BY_PARENT, False), 2: (1, BY_CHILD, False), 3: (2, BY_CHILD, False)
    }  # fmt: skip


def test_a_child_that_forks() -> None:
    """Its first write is due to its own birth, the next to its own fork."""
    history = remember("sh writes 5, sh forks a, a forks b, a writes 5, a forks c, a writes 5")
    assert _due(history) == {1: (1, BY_CHILD, False), 2: (3, BY_PARENT, False)}


def test_a_moved_page_is_still_the_same() -> None:
    """A write at its new address ends the sharing of the old one."""
    history = remember("sh writes 5, sh forks a, a writes 5, a moves 5 20, a forks b, a writes 20")
    assert _due(history)[2] == (2, BY_PARENT, False)


def test_pages_that_were_never_seen() -> None:
    """They are due to the latest fork, or to nothing where there was none."""
    history = MemoryHistory()
    history.fault("sh", 0x5000, entry(8, ANON), entry(8, RW), WRITE | 1)
    history.tell("sh forks a")
    for who, frame in (("sh", 19), ("a", 17)):
        history.fault(who, 0x6000, entry(frame, ANON), entry(frame + 1, RW), WRITE | 1)
    assert _due(history) == {
        0: (NOT_FOUND, BY_PARENT, True), 1: (1, BY_PARENT, True), 2: (1, BY_CHILD, True)
    }  # fmt: skip


def test_an_exclusive_page_is_due_to_no_fork() -> None:
    """A fork would have cleared PG_anon_exclusive."""
    history = remember("sh writes 5, sh forks a")
    flags = 4 | PAGE_READ | EXCLUSIVE
    history.fault("sh", 0x5000, entry(8, ANON), entry(8, RW), WRITE | 1, flags=flags)
    assert _due(history) == {1: (NOT_FOUND, BY_PARENT, False)}


def test_a_write_without_fork_since_the_last_one() -> None:
    """As after mprotect, is due to none."""
    history = remember("sh writes 5, sh forks a, sh writes 5")
    history.fault("sh", 0x5000, entry(8, ANON), entry(8, RW), WRITE | 1)
    assert _due(history)[2] == (NOT_FOUND, BY_PARENT, False)


def test_a_page_kept_from_the_latest_child() -> None:
    """Is due to the fork before."""
    history = remember("sh writes 5, sh forks a, sh hides 5, sh forks b, sh writes 5")
    assert _due(history) == {1: (1, BY_PARENT, False)}


def test_births() -> None:
    """Pages that come, those that are seen late, and those from swap that were not known."""
    history = remember("sh writes 5, sh reads 6")
    swap = 1 << 59 | 0xFF000
    history.fault("sh", 0x7000, swap, entry(9, RW), WRITE)
    history.fault("sh", 0x5000, swap, entry(9, RW), WRITE)
    history.fault("sh", 0x8000, entry(3, ANON), entry(3, RW), WRITE | 1)
    memory = history.memory()
    found = births(memory.events, memory.breaks)
    assert sorted(memory.events.row[found].tolist()) == [0, 2, 4]


def test_forks_in_order_of_time() -> None:
    """The latest not after a time, the one before it, and the first from a time on."""
    forks = Forks(ints([NOT_FOUND, 0, 0, 1]), ints([0, 10, 20, 15]))
    assert forks.child.tolist() == [1, 2, 3]
    assert forks.latest(ints([0, 0, 0, 1]), ints([9, 10, 99, 15])).tolist() == [NOT_FOUND, 0, 1, 2]
    assert forks.before(ints([0, 1, 2])).tolist() == [NOT_FOUND, 0, NOT_FOUND]
    assert forks.first_since(ints([0, 0, 0]), ints([10, 11, 21])).tolist() == [0, 1, NOT_FOUND]
