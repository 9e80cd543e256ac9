# SPDX-License-Identifier: Apache-2.0
"""Page tables: entries, advice, and what a fork gives to a child."""

from __future__ import annotations

import numpy as np
import pytest

from replay.model.load import load_model
from replay.scenario.plan import PlanRegion
from replay.simulator.frames import HUGE_PAGES, HUGE_ZERO, NONE, ZERO, Frames
from replay.simulator.mapping import DONTFORK, HUGEPAGE, WIPEONFORK, Mapping
from replay.simulator.rule import CowRule

RULE = CowRule(load_model("linux-6.18"))


def mapped(pages: int, *, shared: bool = False, thp: bool = False) -> Mapping:
    """Map a region."""
    return Mapping.new(PlanRegion("r", 0x1000_0000_0000, pages, shared, file=False, thp=thp))


def all_of(mapping: Mapping) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Give all its pages."""
    return np.arange(mapping.region.pages)


def test_entries_are_those_of_x86() -> None:
    """None, the page of zeros, a writable one, and one protected for sharing."""
    frames, mapping = Frames(), mapped(4)
    mapping.frame[1] = ZERO
    mapping.write_private(frames, np.array([2, 3]), RULE)
    mapping.writable[3] = False
    first = int(mapping.frame[2])
    assert mapping.entries(all_of(mapping), frames).tolist() == [
        0, ZERO << 12 | 0x225, first << 12 | 0x67, (first + 1) << 12 | 0x25 | 1 << 58,
    ]  # fmt: skip


def test_a_fork_protects_both() -> None:
    """And nothing is exclusive then; pages that come later are the child's or parent's own."""
    frames, parent = Frames(), mapped(4)
    parent.write_private(frames, np.array([0, 1]), RULE)
    child = parent.forked(frames)
    assert child.frame.tolist() == parent.frame.tolist()
    assert not child.writable.any()
    assert not parent.writable.any()
    assert frames.mapcount[child.frame[:2]].tolist() == [2, 2]
    assert not frames.exclusive[child.frame[:2]].any()


def test_a_mapping_without_private_pages_is_not_copied() -> None:
    """vma_needs_copy(): neither zeros that were read nor shared pages."""
    frames, parent = Frames(), mapped(4)
    parent.frame[:2] = ZERO
    assert (parent.forked(frames).frame == NONE).all()
    parent.write_private(frames, np.array([3]), RULE)
    assert parent.forked(frames).frame[0] == ZERO
    shared = mapped(2, shared=True)
    shared.frame[:] = frames.make(2, anonymous=False)
    assert (shared.forked(frames).frame == NONE).all()


def test_advice_keeps_pages_from_children() -> None:
    """DONTFORK takes the mapping, WIPEONFORK the pages; both are the child's, too."""
    frames, parent = Frames(), mapped(6)
    parent.write_private(frames, all_of(parent), RULE)
    parent.advise(np.array([0, 1]), put=DONTFORK)
    parent.advise(np.array([4]), put=WIPEONFORK)
    child = parent.forked(frames)
    assert (child.frame == NONE).tolist() == [True, True, False, False, True, False]
    assert child.absent.tolist() == [True, True, False, False, False, False]
    assert child.advice.tolist() == parent.advice.tolist()
    parent.advise(all_of(parent), taken=DONTFORK | WIPEONFORK)
    assert (parent.forked(frames).frame != NONE).all()


def test_only_the_part_with_private_pages_is_copied_after_a_split() -> None:
    """Advice splits a mapping, and each part has its own anon_vma, until they merge again."""
    frames, parent = Frames(), mapped(6)
    parent.advise(np.array([0, 1, 2]), put=HUGEPAGE)
    parent.frame[:] = ZERO
    parent.write_private(frames, np.array([0]), RULE)
    assert (parent.forked(frames).frame == NONE).tolist() == [False] * 3 + [True] * 3
    parent.advise(all_of(parent), put=HUGEPAGE)
    assert (parent.forked(frames).frame != NONE).all()


@pytest.mark.parametrize(("pages", "blocks"), [(511, []), (512, [0]), (1100, [0, 1])])
def test_a_huge_page_needs_room(pages: int, blocks: list[int]) -> None:
    """Whole in one mapping that was advised."""
    mapping = mapped(pages, thp=True)
    found = mapping.is_advised_huge(np.arange(len(mapping.huge)))
    assert np.flatnonzero(found).tolist() == blocks
    mapping.advise(np.array([5]), put=DONTFORK)
    assert not mapping.is_advised_huge(np.array([0]))[0]


def test_dropping_splits_and_counts() -> None:
    """What was mapped is unmapped once."""
    frames, mapping = Frames(), mapped(HUGE_PAGES, thp=True)
    mapping.frame[:] = frames.make_huge(1)
    mapping.huge[0] = True
    gone = mapping.drop(np.array([3, 4]), frames)
    assert gone.tolist() == [int(mapping.frame[0]) + 3, int(mapping.frame[0]) + 4]
    assert not mapping.huge[0]
    assert frames.mapcount[gone].tolist() == [0, 0]
    assert mapping.drop(np.array([3]), frames).size == 0


def huge_zeros(blocks: int) -> Mapping:
    """Give a mapping of which each block is mapped by the huge page of zeros."""
    mapping = mapped(blocks * HUGE_PAGES, thp=True)
    mapping.frame[:] = HUGE_ZERO + np.arange(blocks * HUGE_PAGES) % HUGE_PAGES
    mapping.huge[:] = True
    return mapping


def test_a_part_taken_of_huge_zeros_leaves_small_zeros() -> None:
    """No page may be left in a frame of the huge page."""
    mapping = huge_zeros(2)
    mapping.drop(np.array([3]), Frames())
    assert mapping.huge.tolist() == [False, True]
    assert mapping.frame[:5].tolist() == [ZERO, ZERO, ZERO, NONE, ZERO]
    assert mapping.frame[HUGE_PAGES] == HUGE_ZERO


def test_a_vma_that_ends_inside_a_huge_page_splits_it() -> None:
    """One that ends at its border does not."""
    mapping = huge_zeros(3)
    mapping.advise(np.arange(HUGE_PAGES), put=DONTFORK)
    assert mapping.huge.all()
    mapping.advise(np.array([2 * HUGE_PAGES + 9]), put=WIPEONFORK)
    assert mapping.huge.tolist() == [True, True, False]
    assert (mapping.frame[2 * HUGE_PAGES :] == ZERO).all()
