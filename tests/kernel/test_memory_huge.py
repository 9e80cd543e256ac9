# SPDX-License-Identifier: Apache-2.0
"""Transparent huge pages: made, shared by fork, reused whole, and split for a copy of one page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kernel.obey import Stage
from tests.kernel.pagemap import PAGE_BYTES
from tests.kernel.rebuilt import Rebuilt

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kernel.obey import Obedient

HUGE = 512
MADV_HUGEPAGE = 14


def _huge_page(who: Obedient) -> int:
    """Map a range that holds a whole huge page, aligned, and give where this begins."""
    at = who.map(2 * HUGE)
    aligned = -(-at // (HUGE * PAGE_BYTES)) * HUGE * PAGE_BYTES
    who.advise(aligned, HUGE, MADV_HUGEPAGE)
    return aligned


def test_huge_pages(programs: Path, tmp_path: Path) -> None:
    """GIVEN two huge pages of a process, both shared by a fork.

    WHEN the child writes a small page of the first and then the parent another one of it, and the
    parent writes the second after the child has ended
    THEN each of the first two writes split the page and copied 4 KiB, and the last one reused
    2 MiB; every small page is where the kernel says, mapped as often as it says.
    """
    points = []
    with Stage(programs, tmp_path) as stage:
        root = stage.root
        first, second = _huge_page(root), _huge_page(root)
        root.write(first)
        root.write(second + 7 * PAGE_BYTES)
        points.append(stage.look())
        child = root.fork()
        points.append(stage.look())
        child.write(first + 5 * PAGE_BYTES)
        points.append(stage.look())
        root.write(first + 9 * PAGE_BYTES)
        points.append(stage.look())
        child.write(first, 12)
        root.write(first, 12)
        points.append(stage.look())
        root.reap(child)
        root.write(second + 3 * PAGE_BYTES)
        points.append(stage.look())
    if not all(points[0].pages[root.pid][at].huge for at in (first, second + 7 * PAGE_BYTES)):
        pytest.skip("this kernel gave no huge page")
    rebuilt = Rebuilt(stage)
    for at, point in enumerate(points):
        found = rebuilt.differences(point)
        assert found.none(), (at, found)
        assert found.compared >= 2 * HUGE * len(point.pages)
    assert rebuilt.classes(root, first)[:1] == ["huge_first_touch"]
    assert rebuilt.classes(child, first + 5 * PAGE_BYTES) == ["huge_split"]
    assert rebuilt.classes(root, first + 9 * PAGE_BYTES) == ["huge_split"]
    assert rebuilt.classes(root, second + 7 * PAGE_BYTES) == ["huge_first_touch"]
    assert rebuilt.classes(root, second + 3 * PAGE_BYTES) == ["huge_reuse"]
    # The page was split, but not its folio: while both map any of it nothing is reused.
    assert rebuilt.classes(child, first + PAGE_BYTES, 4) == ["copy"]
    assert rebuilt.classes(root, first + PAGE_BYTES, 4) == ["copy"]
    fork = rebuilt.fork_of(child)
    assert fork["shared"] >= 2 * HUGE
    assert fork["parent_later"] >= HUGE
