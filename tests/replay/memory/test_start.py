# SPDX-License-Identifier: Apache-2.0
"""replay.memory.start: pages that were there as recording began."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from replay.memory.contradictions import contradictions
from replay.memory.fork_costs import fork_costs
from replay.memory.page_map import page_map
from replay.memory.start import heap_ends
from tests.histories.kernel import Proc
from tests.histories.memory import (
    CODE,
    HUGE_ZERO_PFN,
    RW,
    US,
    ZERO_PFN,
    A,
    D,
    MemoryHistory,
    P,
    Pte,
    remember,
)

if TYPE_CHECKING:
    import pytest

FRAME = 0x500
LATE = 2**62


def started(story: str, *, frame: int = FRAME) -> MemoryHistory:
    """Give a history of sh, whose pages 4 to 7 were there as recording began."""
    history = remember()
    tgid = history.threads["sh"].tid
    heap = {"path": b"[heap]", "address": 0x4000, "end": 0x8000}
    history.made.add("start_mapping", tgid=tgid, prot=3, **heap)  # type: ignore[arg-type]
    history.made.add("start_page", tgid=tgid, address=0x4000, frame=frame, pages=3, flags=1)
    history.made.add("start_page", tgid=tgid, address=0x7000, frame=0, pages=1, flags=2)
    for number in range(4, 7):
        history.mm("sh").ptes[number] = Pte(FRAME + number - 4, writable=False)
    if story:
        history.tell(story)
    return history


def run_already(history: MemoryHistory, name: str, frames: dict[int, int]) -> None:
    """Add a process that had pages as recording began, each in a frame, and is no child of sh."""
    proc = Proc(name, history.host, history.threads["init"], parents=[history.procs[0]])
    history.procs.append(proc)
    thread = history.new_task(name, proc)
    history.adopt(thread)
    mapping = {"address": 0, "end": 1 << 40}
    history.made.add("start_mapping", tgid=thread.tid, prot=3, **mapping)
    for page, frame in frames.items():
        history.mm(name).ptes[page] = Pte(frame, writable=False)
        history.made.add("start_page", tgid=thread.tid, address=page << 12, frame=frame, pages=1,
                         flags=1)  # fmt: skip


def _private(history: MemoryHistory, space: int, time_ns: int = LATE) -> dict[int, int | None]:
    """Give the frame of each private page of an address space at a time, by page."""
    found = page_map(history.memory(), space, time_ns)
    return {row["address"] >> 12: row["frame"] for row in found.to_dicts()}


def _breaks(history: MemoryHistory) -> list[tuple[int, bool, bool]]:
    """Give (fork, copied, unseen) of each break."""
    breaks = history.memory().breaks
    columns = (breaks.fork, breaks.copied, breaks.unseen)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _counted(history: MemoryHistory) -> dict[str, int]:
    return {one.kind.name: one.count for one in contradictions(history.memory())}


def test_pages_that_were_there_are_in_the_page_map() -> None:
    """In the parent, and in the child from the fork on."""
    history = started("sh forks a, a writes 5")
    assert _private(history, 0) == {4: FRAME, 5: FRAME + 1, 6: FRAME + 2, 7: None}
    child = _private(history, 1)
    assert child.keys() == {4, 5, 6, 7}
    assert child[5] not in {None, FRAME + 1}
    assert (child[4], child[6]) == (FRAME, FRAME + 2)


def test_the_same_page_in_several_address_spaces() -> None:
    """Until one of them writes, and again for who keeps it: its reuse does not make it another."""
    history = started("sh forks a, a writes 5, sh writes 5")
    maps = [page_map(history.memory(), space, LATE) for space in (0, 1)]
    own, others = (dict(zip(one["address"], one["generation"], strict=True)) for one in maps)
    assert [at for at in own if own[at] == others[at]] == [0x4000, 0x6000, 0x7000]
    before = page_map(history.memory(), 0, 1)
    assert own == dict(zip(before["address"], before["generation"], strict=True))
    faults = dict(zip(maps[1]["address"], maps[1]["fault"], strict=True))
    assert faults == {0x4000: None, 0x5000: 0, 0x6000: None, 0x7000: None}


def test_processes_that_had_a_page_in_common() -> None:
    """Their fork was before; who had the same frame had the same page, wherever it was."""
    history = started("")
    run_already(history, "other", {8: FRAME, 9: FRAME + 1})
    history.tell("other writes 9")
    maps = [page_map(history.memory(), space, LATE) for space in (0, 1)]
    own, others = (dict(zip(one["address"], one["generation"], strict=True)) for one in maps)
    assert own[0x4000] == others[0x8000]
    assert own[0x5000] != others[0x9000]
    assert _counted(history) == {"page_older": 1}


def test_forks_share_what_was_there() -> None:
    """It counts as shared, and its copies are due to the fork."""
    history = started("sh forks a, a forks b, a writes 5, b writes 5")
    assert _breaks(history) == [(1, True, False), (2, True, False)]
    costs = fork_costs(history.memory())
    assert costs["shared"].to_list() == [4, 4]
    assert costs["unseen"].to_list() == [0, 0]
    assert _counted(history) == {}


def test_moved_pages_are_found_where_they_were() -> None:
    """The way of mremap is followed back."""
    history = started("sh moves 5 50, sh forks a, a writes 50")
    assert _private(history, 0) == {4: FRAME, 50: FRAME + 1, 6: FRAME + 2, 7: None}
    assert _breaks(history) == [(1, True, False)]


def test_another_frame_than_the_one_that_was_read() -> None:
    """What the fault found counts for more, and the difference is counted."""
    history = started("sh forks a, a writes 5", frame=0x900)
    assert _private(history, 0)[5] == 0x901
    assert _counted(history) == {"inherited_frame_differs": 1}


def test_what_a_fault_had_left_by_the_time_of_the_look() -> None:
    """It says nothing of what was there before that fault."""
    history = started("")
    for at, frame in enumerate((0x700, FRAME + 1, FRAME + 2)):
        bits = P | US | A | D | RW
        history.fault("sh", 0x4000 + at * 0x1000, 0, frame << 12 | bits, 6)
    memory = history.memory()
    now_ns = history.now_ns
    before = page_map(memory, 0, int(memory.faults["time_ns"][0]) - 1)
    assert before["address"].to_list() == [0x4000, 0x7000]
    assert page_map(memory, 0, now_ns + 1000)["frame"].to_list() == [
        0x700, FRAME + 1, FRAME + 2, None
    ]  # fmt: skip
    assert _counted(history) == {"page_gone": 1}


def test_dropped_pages_are_not_there() -> None:
    """Whatever is there since came later."""
    history = started("sh drops 5, sh forks a")
    assert _private(history, 0).keys() == _private(history, 1).keys() == {4, 6, 7}


def test_pages_of_files_are_not_private() -> None:
    """But they are there, and are told of."""
    history = started("")
    history.made.rows["start_page"][0]["flags"] = 5
    assert _private(history, 0) == {7: None}
    memory = history.memory()
    query = (np.array([value], np.int64) for value in (0, 5, 1))
    assert memory.events.at_start(memory.events.owner(*query)).tolist() == [True]
    assert not memory.start.private[0]
    assert memory.start.holders(FRAME) == []


def test_what_has_no_struct_page_is_not_private() -> None:
    """The pages of zeros, and those that the kernel or a device put there."""
    history = started("")
    mapping = {"tgid": history.threads["sh"].tid}
    pages = {0x20: ZERO_PFN, 0x21: HUGE_ZERO_PFN + 5, 0x30: 0x99, 0x40: 0x98, 0x50: 0x97}
    for page, frame in pages.items():
        history.made.add("start_page", **mapping, address=page << 12, frame=frame, pages=1, flags=1)
    ends = {"address": 0x30000, "end": 0x31000}
    history.made.add("start_mapping", **mapping, **ends, path=b"[vvar]")
    history.made.add("start_mapping", **mapping, address=0x40000, end=0x41000, shared=1)
    history.made.add("start_mapping", **mapping, address=0x50000, end=0x51000)
    assert _private(history, 0).keys() == {4, 5, 6, 7, 0x50}
    assert history.memory().start.zeros.sum() == 2


def test_runs_that_a_hostile_trace_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    """Huge, overlapping and of nobody: no page is there twice, and private ones come first."""
    monkeypatch.setattr("replay.memory.start._MOST_PAGES", 100)
    history = started("")
    sh = {"tgid": history.threads["sh"].tid}
    history.made.add("start_page", **sh, address=0x5000, frame=9, pages=1, flags=5)
    history.made.add("start_page", **sh, address=0x9000, frame=9, pages=2**32 - 1, flags=5)
    history.made.add("start_page", **sh, address=2**64 - 1, frame=2**63, pages=9, flags=1)
    history.made.add("start_page", tgid=9, address=0x6000, frame=1, pages=2, flags=1)
    start = history.memory().start
    run, page = start.each()
    assert len(page) == len(set(page.tolist())) == 100
    private = start.private[run]
    assert page[private].tolist() == [4, 7, *range((1 << 52) - 1, (1 << 52) + 8)]
    assert sorted(page[~private].tolist()) == [5, *range(9, 97)]
    assert _private(history, 0) == {4: FRAME, 7: None}


def test_the_heap_goes_on_from_where_it_ended() -> None:
    """A call of brk says only where the heap ends now."""
    history = started("sh forks a")
    history.call("sh", 12, 0xA000, result=0xA000)
    history.fault("sh", 0x9008, 0, 0x777067, 6, ip=CODE)
    memory = history.memory()
    assert heap_ends(history.trace, memory.spaces) == {0: 0x8000}
    row = memory.faults[-1]
    space = row["space"].to_numpy().astype(np.int64)
    mapping = memory.mappings.find(space, row["address"], row["time_ns"].to_numpy().view(np.int64))
    assert memory.mappings.describe(mapping, row["address"])["kind"][0] == "heap"


def test_without_a_start_nothing_is_known() -> None:
    """A trace of a command has no such tables."""
    memory = remember("sh writes 5").memory()
    assert [len(one) for one in memory.start.each()] == [0, 0]
    assert memory.start.holders(0x1000) == []
    assert not memory.events.at_start(np.arange(len(memory.events.key))).any()
