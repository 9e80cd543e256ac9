# SPDX-License-Identifier: Apache-2.0
"""Processes that share an address space, and those that leave one: vfork, CLONE_VM, exec."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.kernel.obey import Stage
from tests.kernel.pagemap import PAGE_BYTES
from tests.kernel.rebuilt import Rebuilt

if TYPE_CHECKING:
    from pathlib import Path

PAGES = 8


def test_vfork_and_clone_vm_copy_nothing(programs: Path, tmp_path: Path) -> None:
    """GIVEN a process that wrote half of a region.

    WHEN a child by vfork, then one by CLONE_VM write all of it, and the process writes it again
    THEN there was a first touch of each page, and no fork, no copy and no reuse.
    """
    half = PAGES // 2
    with Stage(programs, tmp_path) as stage:
        root = stage.root
        regions = [root.map(PAGES), root.map(PAGES)]
        children = []
        for region, create in zip(regions, (root.vfork, root.clone_same_mm), strict=True):
            root.write(region, half)
            child = create()
            children.append(child)
            child.write(region, PAGES)
            if create == root.vfork:
                child.end()
                root.answer()
            else:
                root.reap(child)
            root.write(region, PAGES)
        after = stage.look()
    rebuilt = Rebuilt(stage)
    assert rebuilt.differences(after).none()
    assert rebuilt.memory.forks.child.tolist() == []
    for region, child in zip(regions, children, strict=True):
        rest = region + half * PAGE_BYTES
        assert rebuilt.classes(root, region, half) == ["first_touch"]
        assert rebuilt.classes(root, rest, half) == []
        assert rebuilt.classes(child, region, half) == []
        assert rebuilt.classes(child, rest, half) == ["first_touch"]
        here = rebuilt.space(root.pid, after.time_ns).number
        assert here in rebuilt.memory.spaces.of_process(child.pid)


def test_exec_drops_everything(programs: Path, tmp_path: Path) -> None:
    """GIVEN a child that has a region from its parent and wrote half of it.

    WHEN it executes a program
    THEN nothing of the region is left to it, the other half died without having been copied, and
    the parent, alone again, reuses all it writes.
    """
    half = PAGES // 2
    with Stage(programs, tmp_path) as stage:
        root = stage.root
        region = root.map(PAGES)
        root.write(region, PAGES)
        child = root.fork()
        child.write(region, half)
        points = [stage.look()]
        child.execute()
        points.append(stage.look())
        root.write(region, PAGES)
        points.append(stage.look())
    rebuilt = Rebuilt(stage)
    before, after, last = points
    for point in points:
        assert rebuilt.differences(point).none(), rebuilt.differences(point)
    place = [region + at * PAGE_BYTES for at in range(PAGES)]
    assert [before.pages[root.pid][one].mappings for one in place] == [1] * half + [2] * half
    assert [after.pages[root.pid][one].mappings for one in place] == [1] * PAGES
    assert rebuilt.classes(child, region, half) == ["copy"]
    assert rebuilt.classes(root, region, PAGES) == ["first_touch", "reuse"]
    assert before.frames(root.pid, region, PAGES) == last.frames(root.pid, region, PAGES)
    spaces = [rebuilt.space(child.pid, point.time_ns) for point in (before, after)]
    assert [space.made for space in spaces] == ["fork", "exec"]
    fork = rebuilt.fork_of(child)
    assert fork["child_end_ns"] == spaces[1].begin_ns
    assert fork["parent_later"] >= PAGES
    assert fork["unbroken"] >= half
    assert fork["unbroken"] + fork["broken"] - fork["unseen"] == fork["shared"]
