# SPDX-License-Identifier: Apache-2.0
"""Address spaces: what is shared between them, and when they go."""

from __future__ import annotations

import errno

import numpy as np
import pytest

from replay.model.load import load_model
from replay.scenario.plan import PlanRegion
from replay.simulator.faults import Faults
from replay.simulator.memory import Memory, Space
from replay.simulator.order import Clock, Stamp
from replay.simulator.rule import CowRule

PAGES = np.arange(4)
NOW: Stamp = Clock(0, 1).tick()


@pytest.fixture
def memory() -> Memory:
    """Give memory with a private, a shared anonymous and a file region."""
    kinds = ((False, False), (True, False), (True, True))
    regions = [
        PlanRegion("r", 0x1000_0000_0000 + (at << 32), 4, shared, file, thp=False)
        for at, (shared, file) in enumerate(kinds)
    ]
    return Memory(regions, CowRule(load_model("linux-6.18")))


def write(memory: Memory, space: Space, region: int) -> list[int]:
    """Write a region; give its frames."""
    assert memory.reach(space, region, PAGES) == len(PAGES)
    assert isinstance(memory.touch(space, region, PAGES, NOW, write=True), Faults)
    return [int(frame) for frame in space.mappings[region].frame]


def test_anonymous_shared_pages_are_those_of_the_mapping(memory: Memory) -> None:
    """A fork has them, and whoever maps the region anew has others."""
    parent, other = memory.new_space(), memory.new_space()
    for space in (parent, other):
        memory.map(space, 1, NOW)
    child = memory.forked(parent, NOW)
    assert write(memory, parent, 1) == write(memory, child, 1)
    assert not set(write(memory, other, 1)) & set(write(memory, parent, 1))


def test_a_file_is_the_same_for_all(memory: Memory) -> None:
    """Whoever maps it."""
    one, other = memory.new_space(), memory.new_space()
    for space in (one, other):
        memory.map(space, 2, NOW)
    assert write(memory, one, 2) == write(memory, other, 2)


def test_the_last_user_takes_the_pages_along(memory: Memory) -> None:
    """Not the first one."""
    space = memory.new_space()
    memory.map(space, 0, NOW)
    frames = np.array(write(memory, space, 0))
    space.users = 2
    memory.leave(space, NOW)
    assert memory.frames.mapcount[frames].tolist() == [1] * 4
    memory.leave(space, NOW)
    assert memory.frames.mapcount[frames].tolist() == [0] * 4
    assert not space.mappings


def test_what_is_not_mapped_is_told(memory: Memory) -> None:
    """How far an access comes, and an errno of madvise."""
    space = memory.new_space()
    assert memory.reach(space, 0, PAGES[1:]) == 0
    assert memory.advise(space, 0, 4, PAGES, NOW) == errno.ENOMEM
    memory.map(space, 0, NOW)
    write(memory, space, 0)
    assert memory.advise(space, 0, 10, PAGES[2:3], NOW) == 0
    child = memory.forked(space, NOW)
    assert memory.reach(child, 0, PAGES) == 2
    assert memory.advise(child, 0, 4, PAGES, NOW) == errno.ENOMEM
    assert child.mappings[0].frame.tolist() == [-1] * 4
    memory.map(space, 1, NOW)
    assert memory.advise(space, 1, 18, PAGES, NOW) == errno.EINVAL


def test_addresses_of_spaces_differ(memory: Memory) -> None:
    """Each is one of the kernel's."""
    spaces = [memory.new_space() for _ in range(5)]
    assert len({space.mm for space in spaces}) == 5
    assert all(space.mm >> 47 == (1 << 17) - 1 for space in spaces)
