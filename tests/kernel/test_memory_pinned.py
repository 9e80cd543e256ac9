# SPDX-License-Identifier: Apache-2.0
"""A page that is pinned for a device as its process forks: the fork itself copies it."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

import pytest

from replay.memory.contradictions import contradictions
from tests.kernel.obey import Order, Stage
from tests.kernel.pagemap import PAGE_BYTES
from tests.kernel.rebuilt import Rebuilt

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kernel.obey import Obedient

PAGES = 4
IO_URING_SETUP, IO_URING_REGISTER = 425, 427
REGISTER_BUFFERS: Final = 0


def _pinned(who: Obedient, address: int) -> bool:
    """Pin pages for as long as the process lives, as a buffer of io_uring; False where it cannot.

    io_pin_pages() (io_uring/memmap.c) takes them by FOLL_WRITE | FOLL_LONGTERM.
    """
    room = who.map(1)
    who.write(room)
    who.put(room, bytes(PAGE_BYTES))
    ring = who.do(Order.CALL, IO_URING_SETUP, 4, room)
    who.put(room, struct.pack("QQ", address, PAGES * PAGE_BYTES))
    return ring >= 0 and not who.do(Order.CALL, IO_URING_REGISTER, ring, REGISTER_BUFFERS, room, 1)


def test_a_page_pinned_across_fork(programs: Path, tmp_path: Path) -> None:
    """GIVEN a region pinned for a device, and one beside it that is not.

    WHEN the process forks, both write, and the child forks and writes again
    THEN the fork copied the pinned pages by itself (copy_present_page(), mm/memory.c), which no
    fault shows: the rebuilt map has them as shared until a fault of the child finds another frame,
    goes on from that one and is counted. Everything else is as the kernel says all the time.
    """
    with Stage(programs, tmp_path) as stage:
        root = stage.root
        region, other = root.map(PAGES), root.map(PAGES)
        root.write(region, PAGES)
        root.write(other, PAGES)
        pinned = _pinned(root, region)
        child = root.fork()
        points = [stage.look()]
        for who in (root, child):
            who.write(region, PAGES)
            who.write(other, PAGES)
        points.append(stage.look())
        last = child.fork()
        child.write(region, PAGES)
        child.reap(last)
        points.append(stage.look())
    rebuilt = Rebuilt(stage)
    if not pinned:
        pytest.skip("io_uring takes no buffer here (kernel.io_uring_disabled, RLIMIT_MEMLOCK)")
    forked, written, after = points
    assert not set(forked.frames(root.pid, region, PAGES)) & set(
        forked.frames(child.pid, region, PAGES)
    )
    assert forked.frames(root.pid, other, PAGES) == forked.frames(child.pid, other, PAGES)
    copied = {(child.pid, region + at * PAGE_BYTES) for at in range(PAGES)}
    believed_shared = copied | {(root.pid, address) for _, address in copied}
    for point in (forked, written):
        found = rebuilt.differences(point)
        assert found.missing | found.excess == set()
        assert (found.moved, found.miscounted) == (copied, believed_shared)
    found = rebuilt.differences(after)
    assert found.none(), found
    counts = {one.kind.name: one.count for one in contradictions(rebuilt.memory)}
    assert counts["inherited_frame_differs"] == PAGES
    # Neither write was one to a read-only page: the fork had left both theirs.
    assert rebuilt.classes(root, region, PAGES) == ["first_touch"]
    assert rebuilt.classes(child, region, PAGES) == ["copy"]
    assert rebuilt.classes(root, other, PAGES) == ["first_touch", "copy"]
    assert rebuilt.classes(child, other, PAGES) == ["reuse"]
