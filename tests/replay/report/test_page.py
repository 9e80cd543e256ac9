# SPDX-License-Identifier: Apache-2.0
"""The story of one page in words."""

from __future__ import annotations

import pytest

from replay.report.page import page_lines
from tests.histories.memory import SAVED_DIRTY, MemoryHistory, remember
from tests.replay.memory.rows import RO, RW, WRITE, entry
from tests.replay.memory.test_start import started
from tests.replay.report.test_page_facts import facts_of


def _text(history: MemoryHistory, who: str = "sh", address: int = 0x5000) -> str:
    lines = page_lines(facts_of(history, who, address))
    return "\n".join("".join(text for text, _ in line) for line in lines)


@pytest.mark.parametrize(
    ("story", "words"),
    [
        ("sh writes 5", "101 sh   wrote to it: got A (frame 0x1000), a new page of zeros"),
        ("sh reads 5", "read it: got the page of zeros that all share"),
        ("sh reads 5, sh writes 5", "got A (frame 0x1000) in place of the page of zeros"),
        ("sh writes 5, sh forks a", "forked 102 sh: both have A now"),
        ("sh writes 5, sh forks a, a forks b", "forked 103 sh: 3 processes have A now"),
        ("sh writes 5, sh forks a, a writes 5", "A → B (frame 0x1001); A stays with 101 sh"),
        ("sh writes 5, sh forks a, a exits, sh writes 5", "wrote to it: kept A, nothing copied"),
        ("sh writes 5, sh forks a, a exits 3", "exited with status 3: A stays with 101 sh"),
        ("sh writes 5, sh unmaps 5", "gave it up (munmap): A is free"),
        ("sh writes 5, sh moves 5 30", "moved it to 0x1e000 (mremap)"),
        ("sh writes 5, sh execs /bin/x", "executed x: A is free"),
        ("sh maps 5 1 0x31, sh writes 5", "wrote to it: the shared page was mapped"),
        ("sh writes 5, sh unmaps 5", "in the end  nobody has it any more"),
        ("sh writes 5, sh forks a, sh writes 5", "in the end  A: 102 sh\n            B: 101 sh"),
    ],
)
def test_what_happened(story: str, words: str) -> None:
    """Each in a sentence."""
    assert words in _text(remember(story))


def test_a_child_that_got_no_page() -> None:
    """Madvise kept it."""
    assert "forked 102 sh, which got no page here" in _text(
        remember("sh writes 5, sh hides 5, sh forks a"), "a"
    )


def test_details_of_a_fault() -> None:
    """Where, how long, and what the kernel had counted of the page."""
    history = remember("sh writes 5, sh forks a")
    history.fault("a", 0x5010, entry(0x1000, RO | SAVED_DIRTY), entry(9, RW), WRITE | 1,
                  flags=4 | 8 | 2 | 1, mapcount=2, refcount=3, ip=2**64 - 4096)  # fmt: skip
    assert (
        "by 0xfffffffffffff000 in the kernel; at 0x5010; 100 ns; major; "
        "mapped 2 ×, refcount 3 before" in _text(history)
    )


def test_another_page_than_was_known() -> None:
    """It is said."""
    history = remember("sh writes 5, sh forks a")
    history.mm("a").ptes[5].frame = 77
    history.tell("a writes 5")
    assert "the page found was another than the one known until then" in _text(history)


def test_a_frame_that_is_used_again() -> None:
    """Another page by another letter, and it is said which it held before."""
    history = remember("sh writes 5, sh unmaps 5")
    history.fault("sh", 0x5000, 0, entry(0x1000, RW), WRITE)
    assert "got B (frame 0x1000, which held A before)" in _text(history)


def test_a_page_that_was_there_as_recording_began() -> None:
    """Whose, and in which frame; one that nobody touched since has no more to tell."""
    text = _text(started("sh forks a, a writes 5"))
    assert "101 sh   had A (frame 0x501) as recording began" in text
    assert "copied A → B (frame 0x1000); A stays with 101 sh" in text
    untouched = _text(started(""), address=0x4000)
    assert "heap" in untouched.splitlines()[1]
    assert "had A (frame 0x500) as recording began" in untouched
    assert "had A (in swap) as recording began" in _text(started(""), address=0x7000)
