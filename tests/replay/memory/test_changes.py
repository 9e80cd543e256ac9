# SPDX-License-Identifier: Apache-2.0
"""What each system call changes."""

from __future__ import annotations

import pytest

from replay.memory.changes import MAP_ANONYMOUS, MAP_FIXED, Changes, What, changes, page_after
from replay.memory.spaces import AddressSpaces
from tests.histories.memory import MemoryHistory, remember

PRIVATE = MAP_ANONYMOUS | 2


def _changes(history: MemoryHistory) -> Changes:
    return changes(history.trace, AddressSpaces.from_trace(history.trace))


def _rows(found: Changes, *names: str) -> list[tuple[int, ...]]:
    return list(zip(*(getattr(found, name).tolist() for name in names), strict=True))


def _brief(history: MemoryHistory) -> list[tuple[str, int, int]]:
    rows = _rows(_changes(history), "what", "low", "high")
    return [(What(what).name, low, high) for what, low, high in rows]


def test_pages_go_at_the_entry_and_come_at_the_return() -> None:
    """So another thread's mmap in the gap comes after the munmap."""
    history = remember("sh maps 5 2, sh unmaps 5 2, sh drops 6")
    mapped, unmapped, dropped = history.trace.rows["mapping_call"]
    assert _rows(_changes(history), "what", "low", "high", "time_ns") == [
        (What.MAP, 5, 7, mapped["time_ns"]),
        (What.UNMAP, 5, 7, unmapped["enter_ns"]),
        (What.DROP, 6, 7, dropped["enter_ns"]),
    ]


def test_failed_calls_and_those_of_strangers_change_nothing() -> None:
    """An error is an address just below the end of all addresses."""
    history = remember("sh maps 5")
    history.call("sh", 11, 0x5000, 0x1000, result=-22)
    history.call("sh", 9, 0, 0x1000, 3, PRIVATE, result=-12)
    history.made.add("mapping_call", time_ns=history.tick(), tid=9, syscall=11, arg0=0x5000,
                     arg1=0x1000)  # fmt: skip
    assert _brief(history) == [("MAP", 5, 6)]


@pytest.mark.parametrize(
    ("old", "new", "to", "flags", "expected"),
    [
        (2, 2, 9, 1, [("MOVE", 9, 11), ("UNMAP", 5, 7)]),
        (2, 3, 9, 1, [("MOVE", 9, 11), ("UNMAP", 5, 7), ("GROW", 11, 12)]),
        (2, 1, 9, 3, [("MOVE", 9, 10), ("UNMAP", 5, 7)]),
        (2, 2, 9, 5, [("MOVE", 9, 11), ("DROP", 5, 7)]),
        (3, 1, 5, 0, [("UNMAP", 6, 8)]),
        (1, 3, 5, 0, [("GROW", 6, 8)]),
        (0, 2, 9, 1, [("GROW", 9, 11)]),
    ],
)
def test_mremap(
    old: int, new: int, to: int, flags: int, expected: list[tuple[str, int, int]]
) -> None:
    """It moves, grows, shrinks, leaves the old mapping behind, or maps shared pages twice."""
    history = MemoryHistory()
    history.call("sh", 25, 0x5000, old << 12, new << 12, flags, to << 12, result=to << 12)
    assert _brief(history) == expected


def test_where_mremap_took_pages_from() -> None:
    """The page below what it made, at the entry of the call: what was there counts."""
    history = MemoryHistory()
    history.call("sh", 25, 0x5000, 0x2000, 0x3000, 1, result=0x9000)
    enter_ns = history.trace.rows["mapping_call"][0]["enter_ns"]
    found = _changes(history)
    made = found.taken(found.are(What.MOVE, What.GROW))
    assert _rows(made, "low", "source", "source_ns") == [(9, 5, enter_ns), (11, 6, enter_ns)]


def test_brk_through_a_fork() -> None:
    """The heap begins where exec put it, and a child goes on where its parent was."""
    history = remember("sh execs x")
    history.made.rows["exec"][0]["start_brk"] = 0x10800
    history.call("sh", 12, 0, result=0x10800)
    history.call("sh", 12, 0x13000, result=0x13000)
    history.tell("sh forks a")
    history.call("sh", 12, 0x14000, result=0x14000)
    history.call("a", 12, 0x12000, result=0x12000)
    found = _changes(history)
    assert _rows(found, "space", "what", "low", "high", "heap") == [
        (1, What.MAP, 0x11, 0x13, 1), (1, What.MAP, 0x13, 0x14, 1), (2, What.UNMAP, 0x12, 0x13, 0)
    ]  # fmt: skip


def test_advice() -> None:
    """Some drops the pages, some keeps them from children, most does neither."""
    history = MemoryHistory()
    for advice in (4, 10, 11, 14, 24, 18, 19):
        history.call("sh", 28, 0x5000, 0x1000, advice)
    drop, advise = What.DROP, What.FORK_ADVICE
    assert _rows(_changes(history), "what", "flags") == [
        (drop, 0), (advise, 1), (advise, 0), (drop, 0), (advise, 1), (advise, 0)
    ]  # fmt: skip


def test_what_mmap_says_of_the_file() -> None:
    """Device, inode and offset are those of the call, however large."""
    history = MemoryHistory()
    history.call("sh", 9, 0, 0x1000, 5, 2, 3, 2**63 + 4096, result=0x5000, file_dev=8,
                 file_ino=2**64 - 2)  # fmt: skip
    columns = ("prot", "flags", "file_dev", "file_ino", "offset")
    assert _rows(_changes(history), *columns) == [(5, 2, 8, -2, 4096 - 2**63)]


def test_changes_are_in_the_order_of_the_returns() -> None:
    """Whatever the calls are, and however the rows are ordered."""
    history = remember("sh unmaps 5, sh maps 6, sh drops 7, sh moves 8 20, sh maps 9")
    history.trace.rows["mapping_call"].reverse()
    assert _brief(history) == [
        ("UNMAP", 5, 6), ("MAP", 6, 7), ("DROP", 7, 8), ("MOVE", 20, 21), ("UNMAP", 8, 9),
        ("MAP", 9, 10),
    ]  # fmt: skip


def test_huge_pages_are_mapped_whole_and_hostile_numbers_do_no_harm() -> None:
    """Lengths are rounded up, and no argument is too large."""
    history = MemoryHistory()
    history.call("sh", 9, 0, 0x1000, 3, PRIVATE | 0x40000, result=0x40000000)
    history.call("sh", 9, 0, 2**64 - 1, 3, PRIVATE | MAP_FIXED, 0, 2**64 - 1, result=2**63 - 1)
    assert _brief(history)[0] == ("MAP", 0x40000, 0x40200)
    assert len(_brief(history)) == 2
    assert [page_after(address) for address in (0, 1, 4096, 4097)] == [0, 1, 1, 2]
