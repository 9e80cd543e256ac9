# SPDX-License-Identifier: Apache-2.0
"""What the reports on one page know."""

from __future__ import annotations

from typing import Any

import pytest

from replay.memory.story import stories_of
from replay.process import ProcessId
from replay.report.page_facts import PageFacts, mapping_words, place_words
from tests.histories.memory import MemoryHistory, remember

PLACE: dict[str, Any] = {
    "kind": "data", "path": None, "section": None, "symbol": None, "mapping": 0, "known": True,
}  # fmt: skip


def facts_of(history: MemoryHistory, who: str, address: int) -> PageFacts:
    """Give the facts of a page with all its stories."""
    memory, forest = history.memory(), history.forest()
    process = ProcessId(*history.threads[who].proc.identity)
    facts = PageFacts(history.trace, forest, memory, (process, address), 1_000_000)
    for story in stories_of(memory, process, address):
        facts.add(story)
    return facts


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ({"path": b"/x", "section": b".text", "symbol": b"main"}, "main in /x (0x10)"),
        ({"path": b"/x", "section": b".data", "symbol": b"n"}, ".data n in /x (0x10)"),
        ({"path": b"/x", "section": b".text"}, ".text in /x (0x10)"),
        ({"path": b"/\x1b"}, "data /\\x1b (0x10)"),
        ({"kind": "heap"}, "heap (0x10)"),
        ({"known": False}, "0x10"),
    ],
)
def test_places(place: dict[str, Any], words: str) -> None:
    """By symbol, by section, by mapping, or by nothing but the address."""
    assert place_words(PLACE | place, 0x10) == words
    assert place_words(PLACE | place, 1 << 63) == "0x8000000000000000"


def test_mappings() -> None:
    """By address where nothing else tells them apart."""
    assert mapping_words(PLACE | {"path": b"/x", "mapping": 16}) == "data /x"
    assert mapping_words(PLACE | {"kind": "anonymous", "mapping": 16}) == "anonymous 0x10"
    assert mapping_words(PLACE | {"kind": "heap", "mapping": 16}) == "heap"


@pytest.mark.parametrize(
    ("story", "call"),
    [
        ("sh unmaps 5", "munmap"),
        ("sh drops 5", "madvise MADV_DONTNEED"),
        ("sh maps 5", "mmap"),
    ],
)
def test_calls(story: str, call: str) -> None:
    """What gave a page up."""
    facts = facts_of(remember(f"sh writes 5, {story}"), "sh", 0x5000)
    dropped = facts.stories[0].lineage.tellings[-1]
    assert facts.call(dropped.step.time_ns) == call
    assert facts.call(1) == "a call that changed its mapping"


def test_endings() -> None:
    """By exec, by exit, by a signal, or of nothing that is known."""
    history = remember("sh forks a, sh forks b, sh kills b, a execs /bin/x, a exits 3")
    facts = facts_of(history, "sh", 0)
    assert [facts.ending(space) for space in range(4)] == [
        "ended", "executed x", "was ended by SIGKILL", "exited with status 3"
    ]  # fmt: skip


def test_who_wrote() -> None:
    """A thread by its number, and a vfork child by the process that it is."""
    history = remember("sh threads_off t, t writes 5, sh vforks v, v writes 6")
    thread = facts_of(history, "sh", 0x5000)
    assert thread.actor(thread.stories[0].lineage.tellings[0]) == "101 sh (thread 102)"
    borrowed = facts_of(history, "v", 0x6000)
    assert borrowed.actor(borrowed.stories[0].lineage.tellings[0]) == "103 sh"


def test_many_pages_have_names() -> None:
    """After Z comes AA."""
    history = remember("sh writes 5")
    for number in range(27):
        history.tell(f"sh forks a{number}, sh writes 5")
    names = facts_of(history, "sh", 0x5000).stories[0].names
    assert (names[0], names[25:]) == ("A", ["Z", "AA", "AB"])
