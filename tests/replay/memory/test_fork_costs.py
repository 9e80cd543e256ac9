# SPDX-License-Identifier: Apache-2.0
"""What forks cost, in stories and against a small kernel that anything happens on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from replay.memory.contradictions import contradictions
from replay.memory.fork_costs import fork_costs
from tests.histories.memory import PSE, SAVED_DIRTY, MemoryHistory, remember
from tests.histories.random_memory import RandomMemory
from tests.replay.memory.rows import RW, WRITE, entry

if TYPE_CHECKING:
    from random import Random

COUNTS = ("child_copied", "child_reused", "parent_copied", "parent_reused")


def _costs(history: MemoryHistory) -> list[dict[str, Any]]:
    return fork_costs(history.memory()).to_dicts()


def test_a_fork_told_in_full() -> None:
    """The first writer copies, the last one reuses, and the rest died unbroken."""
    history = remember("sh writes 5, sh writes 6, sh writes 7, sh forks a")
    history.took_ns = 300
    history.tell("a writes 5, sh writes 6")
    history.took_ns = 40
    history.tell("sh writes 5, a writes 6, a exits, sh waits a, sh writes 7")
    exit_ns = history.trace.rows["exit"][0]["time_ns"]
    first_ns = history.trace.rows["fault"][3]["time_ns"] + 300
    [row] = _costs(history)
    a, sh = history.threads["a"], history.threads["sh"]
    assert row == {
        "time_ns": history.trace.rows["newtask"][0]["time_ns"], "parent": 0, "child": 1,
        "parent_tgid": sh.tid, "parent_leader_start_ns": sh.start_ns, "child_tgid": a.tid,
        "child_leader_start_ns": a.start_ns, "child_end_ns": exit_ns, "shared": 3, "unbroken": 1,
        "first_writer": "child", "first_write_ns": first_ns, "child_copied": 1,
        "child_reused": 1, "parent_copied": 1, "parent_reused": 2, "parent_later": 1,
        "broken": 2, "unseen": 0, "copied_bytes": 8192, "copy_ns": 600, "reuse_ns": 120,
    }  # fmt: skip


def test_nobody_writes() -> None:
    """There is no first writer, and the child may still be there."""
    [row] = _costs(remember("sh writes 5, sh forks a"))
    assert (row["shared"], row["unbroken"], row["first_writer"], row["child_end_ns"]) == (
        1, 1, None, None
    )  # fmt: skip


def test_pages_from_before_the_recording() -> None:
    """They are broken, and none of the shared ones is."""
    history = remember("sh writes 5, sh forks a")
    for who, frame in (("sh", 9), ("a", 8)):
        old = entry(frame, SAVED_DIRTY | 0x25)
        history.fault(who, 0x6000, old, entry(frame + 2, RW), WRITE | 1)
    [row] = _costs(history)
    assert (row["broken"], row["unseen"], row["unbroken"]) == (1, 1, 1)
    assert row["first_writer"] == "parent"


def test_a_huge_page_is_reused_whole_and_split_to_be_copied() -> None:
    """512 pages of one fault, and one page of the other; its time counts once."""
    history = MemoryHistory()
    shared = entry(0x800, SAVED_DIRTY | 0x25 | PSE)
    history.fault("sh", 0x40_0000, 0, entry(0x800, RW | PSE), WRITE, old_level=2, new_level=2)
    history.tell("sh forks a")
    history.fault("a", 0x40_5000, shared, entry(9, RW), WRITE | 1, old_level=2)
    history.tell("a exits, sh waits a")
    history.fault("sh", 0x40_7000, shared, entry(0x800, RW | PSE), WRITE | 1, old_level=2,
                  new_level=2)  # fmt: skip
    [row] = _costs(history)
    assert [row[name] for name in COUNTS] == [1, 0, 0, 512]
    assert (row["shared"], row["unbroken"], row["copied_bytes"]) == (512, 511, 4096)
    assert (row["copy_ns"], row["reuse_ns"]) == (100, 100)


def test_no_forks() -> None:
    """Give no rows."""
    assert _costs(remember("sh writes 5")) == []


@given(st.randoms(use_true_random=False), st.integers(1, 120))
def test_against_what_happened(random: Random, steps: int) -> None:
    """Every count of every fork is that of the kernel, and nothing contradicts itself."""
    history = RandomMemory(random).grow(steps)
    memory = history.memory()
    assert contradictions(memory) == []
    rows = fork_costs(memory).to_dicts()
    assert len(rows) == len(history.forks_made)
    for row, fork in zip(rows, history.forks_made, strict=True):
        assert {name: row[name] for name in COUNTS} == {n: fork.counts.get(n, 0) for n in COUNTS}
        assert row["shared"] == len(fork.shared)
        assert row["unbroken"] == len(fork.shared - fork.written)
        assert (row["child_end_ns"] is None) == (not fork.over)
