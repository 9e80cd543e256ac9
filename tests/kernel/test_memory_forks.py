# SPDX-License-Identifier: Apache-2.0
"""What forks do with each kind of memory: one recording, with a region for each case."""

from __future__ import annotations

from dataclasses import dataclass
from signal import SIGSEGV
from typing import TYPE_CHECKING

import pytest

from replay.memory.story import Happening, page_story
from tests.kernel.obey import (
    ANONYMOUS,
    MPROTECT,
    MREMAP,
    PRIVATE,
    READ_ONLY,
    READ_WRITE,
    SHARED,
    Order,
    Stage,
)
from tests.kernel.pagemap import PAGE_BYTES
from tests.kernel.rebuilt import Rebuilt

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kernel.obey import CheckPoint, Obedient

PAGES = 4
BYTES = PAGES * PAGE_BYTES
STACK_PAGES = 64
MADV_DONTNEED, MADV_DONTFORK, MADV_WIPEONFORK = 4, 10, 18
MREMAP_MAYMOVE, MREMAP_FIXED = 1, 2
O_RDWR = 2
_ANONYMOUS = (
    "only_read", "mixed", "dontfork", "wipeonfork", "wiped_read", "dontneed", "dropped_by_child",
    "to_move", "child_moves", "wiped_and_moved", "protected", "alone", "three_ways",
    "parent_first", "child_first",
)  # fmt: skip


@dataclass(frozen=True)
class Told:
    """What was done and seen."""

    rebuilt: Rebuilt
    at: dict[str, int]
    """Addresses of the regions by name."""
    points: dict[str, CheckPoint]
    root: Obedient
    child: Obedient
    grandchild: Obedient
    victim: Obedient
    """Died of reading what MADV_DONTFORK kept from its parent."""
    signal: int

    def classes(self, who: str, region: str, pages: int = PAGES) -> list[str]:
        """Give what the faults of "root", "child" or "grandchild" on a region did."""
        return self.rebuilt.classes(getattr(self, who), self.at[region], pages)

    def frames(self, point: str, who: str, region: str) -> list[int]:
        """Give the frames that the kernel said a region was in."""
        return self.points[point].frames(getattr(self, who).pid, self.at[region], PAGES)


@pytest.fixture(scope="module")
def told(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Record all the cases."""
    points: dict[str, CheckPoint] = {}
    with Stage(programs, tmp_path_factory.mktemp("forks")) as stage:
        root = stage.root
        root.reap(root.fork())  # what a fork itself writes to has been written to once
        at = {name: root.map(PAGES) for name in _ANONYMOUS}
        _map_files(root, at)
        _before(root, at)
        points["before"] = stage.look()
        child = root.fork()
        points["forked"] = stage.look()
        grandchild = child.fork()
        victim = child.fork()
        signal = child.die_reading(victim, at["dontfork"])
        _write_in_turn((root, child, grandchild), at, points, stage)
        _child(child, at)
        _root_after(root, at)
        points["after"] = stage.look()
    rebuilt = Rebuilt(stage)
    return Told(rebuilt, at, points, root, child, grandchild, victim, signal)


def _map_files(root: Obedient, at: dict[str, int]) -> None:
    file = root.do(Order.OPEN, O_RDWR)
    at["file_read"] = root.map(PAGES, PRIVATE, file)
    at["file_written"] = root.map(PAGES, PRIVATE, file)
    at["file_shared"] = root.map(PAGES, SHARED, file)
    at["shared"] = root.map(PAGES, SHARED | ANONYMOUS)


def _before(root: Obedient, at: dict[str, int]) -> None:
    """Do what is to be done before the fork."""
    root.read(at["only_read"], PAGES)
    root.write(at["mixed"])
    root.read(at["mixed"], PAGES)
    for name in ("file_written", "file_shared", "shared", *_ANONYMOUS[2:]):
        root.write(at[name], PAGES)
    root.read(at["file_read"])
    root.advise(at["dontfork"], PAGES, MADV_DONTFORK)
    root.advise(at["wipeonfork"], PAGES, MADV_WIPEONFORK)
    root.advise(at["wiped_read"], PAGES, MADV_WIPEONFORK)
    root.advise(at["dontneed"], PAGES, MADV_DONTNEED)
    root.write(at["dontneed"], PAGES)
    at["moved"] = _moved(root, at["to_move"])
    root.advise(at["wiped_and_moved"], PAGES, MADV_WIPEONFORK)
    at["moved_wiped"] = _moved(root, at["wiped_and_moved"])
    root.call(MPROTECT, at["protected"], BYTES, READ_ONLY)
    for access in (READ_ONLY, READ_WRITE):
        root.call(MPROTECT, at["alone"], BYTES, access)
    root.write(at["alone"], PAGES)
    at["stack"] = root.do(Order.USE_STACK, STACK_PAGES) & -PAGE_BYTES


def _moved(who: Obedient, address: int) -> int:
    room = who.map(PAGES)
    return who.call(MREMAP, address, BYTES, BYTES, MREMAP_MAYMOVE | MREMAP_FIXED, room)


def _write_in_turn(
    who: tuple[Obedient, Obedient, Obedient],
    at: dict[str, int],
    points: dict[str, CheckPoint],
    stage: Stage,
) -> None:
    root, child, grandchild = who
    points["three"] = stage.look()
    grandchild.write(at["three_ways"], PAGES)
    points["two"] = stage.look()
    child.write(at["three_ways"], PAGES)
    root.write(at["three_ways"], PAGES)
    points["one"] = stage.look()
    child.reap(grandchild)
    root.write(at["parent_first"], PAGES)
    child.write(at["parent_first"], PAGES)
    child.write(at["child_first"], PAGES)
    root.write(at["child_first"], PAGES)


def _child(child: Obedient, at: dict[str, int]) -> None:
    child.read(at["only_read"], PAGES)
    for name in ("only_read", "mixed", "wipeonfork", "shared", "file_shared", "file_written",
                 "moved", "moved_wiped"):  # fmt: skip
        child.write(at[name], PAGES)
    child.write(at["file_read"])
    child.read(at["wiped_read"], PAGES)
    child.advise(at["dropped_by_child"], PAGES, MADV_DONTNEED)
    child.write(at["dropped_by_child"], PAGES)
    at["moved_by_child"] = _moved(child, at["child_moves"])
    child.write(at["moved_by_child"], PAGES)
    child.call(MPROTECT, at["protected"], BYTES, READ_WRITE)
    child.write(at["protected"], PAGES)
    child.do(Order.USE_STACK, STACK_PAGES)


def _root_after(root: Obedient, at: dict[str, int]) -> None:
    root.call(MPROTECT, at["protected"], BYTES, READ_WRITE)
    for name in ("dontfork", "wipeonfork", "shared", "file_shared", "file_written", "moved",
                 "dropped_by_child", "child_moves", "protected"):  # fmt: skip
        root.write(at[name], PAGES)
    root.write(at["file_read"])


def test_every_page_at_every_check_point(told: Told) -> None:
    """The rebuilt maps are those of the kernel, whatever was done."""
    for name, point in told.points.items():
        found = told.rebuilt.differences(point)
        assert found.none(), (name, found)
        assert found.compared >= len(_ANONYMOUS)


def _due(told: Told, who: str, region: str) -> list[tuple[int, bool]]:
    """Give (pid of the fork's child, copied) of what ended the sharing of a region."""
    return told.rebuilt.breaks_of(getattr(told, who), told.at[region], PAGES)


def test_what_the_fork_shared(told: Told) -> None:
    """All private pages that the child has right after the fork, but those of the arguments."""
    forked = told.points["forked"]
    arguments = {page for pid, page in told.rebuilt.differences(forked).arguments
                 if pid == told.child.pid}  # fmt: skip
    fork = told.rebuilt.fork_of(told.child)
    assert fork["shared"] + len(arguments) == len(forked.anonymous(told.child.pid))
    assert fork["unseen"] == 0


def test_read_only_touched_then_forked(told: Told) -> None:
    """Zeros are nobody's: the child finds them again by itself, and its write copies no page."""
    assert told.classes("root", "only_read") == ["zero_page"]
    assert told.classes("child", "only_read") == ["zero_page", "zero_copy"]
    assert len(set(told.frames("before", "root", "only_read"))) == 1
    assert told.frames("forked", "child", "only_read") == [0] * PAGES
    assert _due(told, "child", "only_read") == []


def test_zeros_beside_a_written_page(told: Told) -> None:
    """A mapping with a private page is copied by fork, with its entries of the zero page."""
    rest = told.at["mixed"] + PAGE_BYTES
    assert told.frames("forked", "child", "mixed") == told.frames("forked", "root", "mixed")
    assert told.rebuilt.classes(told.child, rest, PAGES - 1) == ["zero_copy"]
    assert _due(told, "child", "mixed") == [(told.child.pid, True)]


def test_private_file(told: Told) -> None:
    """A page of a file becomes a private one once, which a fork then shares like any other."""
    assert told.classes("root", "file_written") == ["file_cow", "reuse"]
    assert told.classes("child", "file_written") == ["copy"]
    # Present for reading in the one, not present in the other: nothing to copy at the fork.
    assert told.classes("root", "file_read", 1) == ["file_read", "file_cow"]
    assert told.classes("child", "file_read", 1) == ["file_cow"]
    assert _due(told, "child", "file_written") == [(told.child.pid, True)] * PAGES
    assert _due(told, "child", "file_read") == []


@pytest.mark.parametrize("region", ["shared", "file_shared"])
def test_shared_mappings_are_never_copied(told: Told, region: str) -> None:
    """Both write to the same frames for ever."""
    assert set(told.classes("root", region)) <= {"shared_write", "write_notify"}
    assert set(told.classes("child", region)) <= {"shared_write", "write_notify"}
    assert told.frames("before", "root", region) == told.frames("after", "child", region)
    assert told.frames("after", "root", region) == told.frames("after", "child", region)
    assert _due(told, "root", region) + _due(told, "child", region) == []


def test_madv_dontfork(told: Told) -> None:
    """The child has nothing there, and the parent's pages stay writable."""
    assert told.signal == SIGSEGV
    assert told.classes("root", "dontfork") == ["first_touch"]
    assert told.frames("forked", "child", "dontfork") == [0] * PAGES


def test_madv_wipeonfork(told: Told) -> None:
    """The child begins with nothing, and the parent's pages stay writable."""
    assert told.classes("root", "wipeonfork") == ["first_touch"]
    assert told.classes("child", "wipeonfork") == ["first_touch"]
    assert told.classes("child", "wiped_read") == ["zero_page"]
    assert told.frames("forked", "child", "wipeonfork") == [0] * PAGES


def test_madv_dontneed_then_touched(told: Told) -> None:
    """What was given away is made anew, by whoever gave it away alone."""
    assert told.classes("root", "dontneed") == ["first_touch", "first_touch"]
    assert told.classes("child", "dropped_by_child") == ["first_touch"]
    assert _due(told, "root", "dropped_by_child") == [(told.child.pid, False)] * PAGES
    before, after = (told.frames(at, "root", "dropped_by_child") for at in ("before", "after"))
    assert before == after


def test_mremap_before_the_fork(told: Told) -> None:
    """The pages are shared and copied where they were moved to; their story is from before."""
    assert told.classes("root", "moved") == ["reuse"]
    assert told.classes("child", "moved") == ["copy"]
    assert told.frames("forked", "child", "moved") == told.frames("before", "root", "moved")
    assert _due(told, "child", "moved") == [(told.child.pid, True)] * PAGES
    child = told.rebuilt.space(told.child.pid, told.points["after"].time_ns).number
    steps = page_story(told.rebuilt.memory, child, told.at["moved"])
    assert [(step.happening, step.address) for step in steps][:3] == [
        (Happening.FAULT, told.at["to_move"]),
        (Happening.MOVED, told.at["to_move"]),
        (Happening.SHARED, told.at["moved"]),
    ]


def test_mremap_takes_advice_along(told: Told) -> None:
    """What was not to be shared is not shared where it is moved to, either."""
    assert told.classes("child", "moved_wiped") == ["first_touch"]
    assert told.frames("forked", "child", "moved_wiped") == [0] * PAGES
    assert told.frames("forked", "root", "moved_wiped") == told.frames(
        "after", "root", "moved_wiped"
    )
    assert _due(told, "child", "moved_wiped") == []


def test_mremap_by_the_child(told: Told) -> None:
    """A page that the child moved is still the one that the fork shared."""
    assert told.classes("child", "moved_by_child") == ["copy"]
    assert _due(told, "child", "moved_by_child") == [(told.child.pid, True)] * PAGES
    assert _due(told, "root", "child_moves") == [(told.child.pid, False)] * PAGES
    root, child = (told.rebuilt.space(who.pid, told.points["after"].time_ns).number
                   for who in (told.root, told.child))  # fmt: skip
    steps = page_story(told.rebuilt.memory, child, told.at["moved_by_child"])
    assert [(step.space, step.happening) for step in steps if step.space in (root, child)][:4] == [
        (root, Happening.FAULT),
        (root, Happening.SHARED),
        (child, Happening.SHARED),
        (child, Happening.SHARED),
    ]
    assert (child, Happening.MOVED) in [(step.space, step.happening) for step in steps]


def test_mprotect(told: Told) -> None:
    """Access withdrawn and given back is no sharing; with a fork between, the fork's remains."""
    assert _due(told, "root", "alone") in ([], [(0, False)] * PAGES)
    assert told.classes("child", "protected") == ["copy"]
    assert told.classes("root", "protected") == ["first_touch", "reuse"]
    assert _due(told, "child", "protected") == [(told.child.pid, True)] * PAGES


def test_stack_growth(told: Told) -> None:
    """The stack grows page by page, and its pages are shared like others."""
    top = told.at["stack"] + STACK_PAGES // 4 * PAGE_BYTES
    assert told.rebuilt.classes(told.root, told.at["stack"], STACK_PAGES // 4) == ["stack_growth"]
    assert told.rebuilt.classes(told.child, top - PAGE_BYTES) == ["copy"]


def test_a_grandchild_breaks_what_three_share(told: Told) -> None:
    """Three mappings become two and one; each copy is due to the fork that gave the page."""
    everybody = [told.root, told.child, told.grandchild]
    counts = [
        [told.points[at].pages[who.pid][told.at["three_ways"]].mappings for who in everybody]
        for at in ("three", "two", "one")
    ]
    assert counts == [[3, 3, 3], [2, 2, 1], [1, 1, 1]]
    assert _due(told, "grandchild", "three_ways") == [(told.grandchild.pid, True)] * PAGES
    assert _due(told, "child", "three_ways") == [(told.child.pid, True)] * PAGES
    assert _due(told, "root", "three_ways") == [(told.child.pid, False)] * PAGES
    first, last = (told.frames(at, "root", "three_ways") for at in ("before", "one"))
    assert first == last


@pytest.mark.parametrize(
    ("region", "first", "last"),
    [("parent_first", "root", "child"), ("child_first", "child", "root")],
)
def test_first_writer_copies_and_last_reuses(
    told: Told, region: str, first: str, last: str
) -> None:
    """Whoever comes last keeps the frame that both had."""
    assert told.classes(first, region)[-1] == "copy"
    assert told.classes(last, region)[-1] == "reuse"
    assert _due(told, first, region) == [(told.child.pid, True)] * PAGES
    assert _due(told, last, region) == [(told.child.pid, False)] * PAGES
    both = told.frames("before", "root", region)
    assert told.frames("after", last, region) == both
    assert not set(told.frames("after", first, region)) & set(both)
