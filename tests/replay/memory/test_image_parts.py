# SPDX-License-Identifier: Apache-2.0
"""What the memory of an address space consisted of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from replay.memory.image_parts import Part, image_parts
from tests.histories.memory import MemoryHistory, remember
from tests.histories.random_memory import RandomMemory
from tests.replay.memory.test_start import FRAME, run_already, started

if TYPE_CHECKING:
    from random import Random

NONE = {"resident": 0, "private": 0, "shared": 0, "copied": 0, "reused": 0, "file_copied": 0}


def _parts(history: MemoryHistory, space: int) -> dict[str, dict[str, Any]]:
    memory = history.memory()
    rows = image_parts(memory, history.trace, space).to_dicts()
    return {row.pop("part"): {k: v for k, v in row.items() if k != "path"} for row in rows}


def test_shared_with_a_relative() -> None:
    """Copies are its own; what neither wrote both still have; zeros are resident and nobody's."""
    history = remember("sh maps 5 4, sh writes 5, sh writes 6, sh reads 7, sh forks a, a writes 5")
    found = _parts(history, 1)
    assert found == {Part.ANONYMOUS: NONE | {"resident": 2, "private": 2, "shared": 1, "copied": 1}}
    assert _parts(history, 0)[Part.ANONYMOUS] == NONE | {"resident": 3, "private": 2, "shared": 1}


def test_what_was_given_up_is_not_there() -> None:
    """And what was copied before is counted all the same."""
    history = remember("sh maps 5 2, sh writes 5, sh forks a, a writes 5, a unmaps 5")
    assert _parts(history, 1)[Part.ANONYMOUS]["copied"] == 1
    assert sum(row["resident"] for row in _parts(history, 1).values()) == 0


def test_at_the_end_of_an_image() -> None:
    """Exec ends it: what it shared until then it shared with those that were there."""
    history = remember("sh maps 5 2, sh writes 5, sh forks a, a execs x, sh writes 5")
    assert _parts(history, 1)[Part.ANONYMOUS]["shared"] == 1
    assert _parts(history, 2) == {}


def test_program_and_library() -> None:
    """By the file that exec loaded; a child runs the program of its parent."""
    history = MemoryHistory()
    history.execs("sh", "/bin/x")
    history.trace.rows["exec"][-1].update(exe_dev=1, exe_ino=2)
    low = {2: 0x40_0000, 3: 0x7F00_0000}
    for ino, path in ((2, b"/bin/x"), (3, b"/lib/y.so")):
        history.trace.add("module", file_dev=1, file_ino=ino, path=path, elf_type=3)
        history.trace.add("segment", file_dev=1, file_ino=ino, vaddr=0, offset=0, flags=6,
                          file_bytes=0x2000, mem_bytes=0x2000)  # fmt: skip
        history.call("sh", 9, low[ino], 0x2000, 3, 2, 3, 0, result=low[ino], file_dev=1,
                     file_ino=ino)  # fmt: skip
    history.tell(f"sh writes {low[2] >> 12}, sh writes {low[3] >> 12}, sh forks a")
    for space in (1, 2):
        rows = image_parts(history.memory(), history.trace, space).to_dicts()
        assert [(row["part"], row["path"]) for row in rows] == [
            (Part.DATA, b"/bin/x"), (Part.LIBRARY, b"/lib/y.so")
        ]  # fmt: skip
        assert [row["resident"] for row in rows] == [1, 1]


def test_an_address_space_without_faults() -> None:
    """It has no rows."""
    assert _parts(remember("sh forks a"), 1) == {}


@settings(deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 100))
def test_against_the_page_tables(random: Random, steps: int) -> None:
    """Private pages and who shares them are those of the kernel."""
    history = RandomMemory(random).grow(steps)
    memory = history.memory()
    live = {one.mm: one.number for one in memory.spaces.spaces if one.end_ns == 2**63 - 1}
    for mm in history.alive:
        parts = image_parts(memory, history.trace, live[mm.pointer])
        private = {pte.frame for pte in mm.ptes.values() if pte.private}
        others = {
            pte.frame
            for other in history.alive
            if other is not mm
            for pte in other.ptes.values()
            if pte.private
        }
        assert parts["private"].sum() == len(private)
        assert parts["shared"].sum() == len(private & others)


def test_pages_that_were_there_as_recording_began() -> None:
    """They are resident, and shared with a child until it writes; of the program, by its file."""
    history = started("sh forks a, a writes 5")
    history.made.add("start_mapping", tgid=history.threads["sh"].tid, address=0x400000,
                     end=0x402000, prot=5, file_dev=8, file_ino=3, path=b"/bin/server")  # fmt: skip
    tgid = history.threads["sh"].tid
    history.made.add("start_page", tgid=tgid, address=0x400000, frame=9, pages=2, flags=5)
    history.made.add("start_task", tid=tgid, tgid=tgid, executable=b"/bin/server")
    parent, child = _parts(history, 0), _parts(history, 1)
    assert parent[Part.HEAP] == NONE | {"resident": 4, "private": 4, "shared": 3}
    assert child[Part.HEAP] == NONE | {"resident": 4, "private": 4, "shared": 3, "copied": 1}
    assert parent[Part.FILE] == NONE | {"resident": 2}
    assert Part.FILE not in child


def test_pages_in_common_since_before() -> None:
    """Processes whose fork was not recorded share them all the same, until one writes."""
    history = started("")
    run_already(history, "other", {8: FRAME, 9: FRAME + 1, 10: 0x900})
    history.tell("other writes 9")
    own = NONE | {"resident": 4, "private": 4, "shared": 1}
    assert _parts(history, 0)[Part.HEAP] == own
    others = NONE | {"resident": 3, "private": 3, "shared": 1, "copied": 1}
    assert _parts(history, 1)[Part.ANONYMOUS] == others
