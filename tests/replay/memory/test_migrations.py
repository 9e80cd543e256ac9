# SPDX-License-Identifier: Apache-2.0
"""replay.memory.migrations: recorded changes of frames explain what faults find."""

from __future__ import annotations

import numpy as np
import pytest

from replay.memory.contradictions import contradictions
from replay.memory.migrations import Migrations
from tests.histories.fake import FakeTrace
from tests.histories.memory import SAVED_DIRTY, MemoryHistory, remember
from tests.replay.memory.rows import RO, RW, entry

KCOMPACTD = 77
YOUNG = 1 << 34


def _taken_out(frame: int, extra: int = 0) -> int:
    """Give a migration entry (swp_entry(), arch/x86/include/asm/pgtable_64.h): type 29."""
    offset = frame | extra
    return 29 << 59 | (~(offset << 14) & (2**64 - 1)) >> 5 & ~(31 << 59)


def _out(trace: FakeTrace, time_ns: int, page: int, frame: int, extra: int = 0) -> None:
    trace.add("migration", time_ns=time_ns, tid=KCOMPACTD, address=page << 12,
              entry=_taken_out(frame, extra), what=1)  # fmt: skip


def _in(trace: FakeTrace, time_ns: int, page: int, frame: int) -> None:
    trace.add("migration", time_ns=time_ns, tid=KCOMPACTD, address=page << 12,
              entry=entry(frame, RW), what=2)  # fmt: skip


def _explains(trace: FakeTrace, page: int, frames: tuple[int, int], until_ns: int = 10**9) -> bool:
    old, new, since, until = (np.array([value], np.int64) for value in (*frames, 0, until_ns))
    pages = np.array([page], np.int64)
    return bool(Migrations(trace).explain(pages, (old, new), since, until)[0])


def test_a_chain_of_migrations() -> None:
    """One leads to the next, at the same address."""
    trace = FakeTrace(metadata={"memory": {"levels": 4}})
    for time_ns, old, new in ((10, 0x50, 0x60), (30, 0x60, 0x70)):
        _out(trace, time_ns, 5, old, YOUNG)
        _in(trace, time_ns + 5, 5, new)
    assert _explains(trace, 5, (0x50, 0x60))
    assert _explains(trace, 5, (0x50, 0x70))
    assert not _explains(trace, 5, (0x50, 0x70), until_ns=30)
    assert not _explains(trace, 5, (0x50, 0x80))
    assert not _explains(trace, 6, (0x50, 0x60))
    assert not _explains(trace, 5, (0x70, 0x50))


def test_pages_of_a_batch_keep_their_order() -> None:
    """Two processes' pages at one address go out together and come in together."""
    trace = FakeTrace()
    for step, frame in enumerate((0x50, 0x51)):
        _out(trace, 10 + step, 5, frame)
        _in(trace, 20 + step, 5, frame + 0x10)
    assert _explains(trace, 5, (0x50, 0x60))
    assert _explains(trace, 5, (0x51, 0x61))
    assert not _explains(trace, 5, (0x50, 0x61))


def test_what_never_came_in_shifts_nothing() -> None:
    """A process may end while its page is out; the next batch pairs anew."""
    trace = FakeTrace()
    _out(trace, 10, 5, 0x40)
    _out(trace, 11, 5, 0x50)
    _in(trace, 12, 5, 0x41)
    _out(trace, 20, 5, 0x55)
    _in(trace, 21, 5, 0x65)
    assert _explains(trace, 5, (0x55, 0x65))


def _moved(migrated: tuple[int, int] | None, index: int | None) -> dict[str, int]:
    """Let a child copy page 5 from frame 0x60, though its parent had put it into 0x50."""
    history: MemoryHistory = remember("sh forks a")
    history.fault("a", 5 << 12, 0, entry(0x50, RW), 6)
    time_ns = history.tick()
    mm = history.mm("a").pointer
    if migrated:
        _out(history.made, time_ns, 5, migrated[0])
        _in(history.made, time_ns + 1, 5, migrated[1])
    if index is not None:
        history.made.add("collapse", time_ns=time_ns, mm=mm, index=index, status=1)
    history.tell("a forks b")
    history.fault("b", 5 << 12, entry(0x60, RO | SAVED_DIRTY), entry(0x70, RW), 7)
    return {one.kind.name: one.count for one in contradictions(history.memory())}


@pytest.mark.parametrize(
    ("migrated", "index", "counter"),
    [
        ((0x50, 0x60), None, "frame_migrated"),
        ((0x50, 0x61), None, "inherited_frame_differs"),
        (None, 100, "page_collapsed"),
        (None, 1000, "inherited_frame_differs"),
        (None, None, "inherited_frame_differs"),
    ],
)
def test_contradictions_are_explained(
    migrated: tuple[int, int] | None, index: int | None, counter: str
) -> None:
    """Only by changes that lead from the one frame to the other."""
    assert _moved(migrated, index) == {counter: 1}
