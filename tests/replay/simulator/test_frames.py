# SPDX-License-Identifier: Apache-2.0
"""Pages are counted as they are mapped."""

from __future__ import annotations

import numpy as np

from replay.simulator.frames import FIRST, HUGE_PAGES, NONE, ZERO, Frames


def test_frames_are_made_and_never_again() -> None:
    """Anonymous ones belong to one mapping, others to nobody yet; the columns grow."""
    frames = Frames()
    first, other = frames.make(3, anonymous=True), frames.make(40_000, anonymous=False)
    assert first[0] == FIRST
    assert not set(first) & set(other)
    assert frames.mapcount[first].tolist() == [1, 1, 1]
    assert frames.exclusive[first].all()
    assert not frames.mapcount[other].any()
    assert not frames.anonymous[other].any()


def test_mappings_are_counted() -> None:
    """Those of the page of zeros and of nothing are not."""
    frames = Frames()
    made = frames.make(2, anonymous=True)
    some = np.array([NONE, ZERO, *made])
    frames.map(some)
    assert frames.mapcount[made].tolist() == [2, 2]
    frames.unmap(some)
    frames.unmap(some)
    assert frames.mapcount[made].tolist() == [0, 0]
    assert not frames.mapcount[ZERO]


def test_huge_pages_are_aligned() -> None:
    """And their small pages know the first one."""
    frames = Frames()
    frames.make(5, anonymous=True)
    huge = frames.make_huge(2)
    assert huge[0] % HUGE_PAGES == 0
    assert len(huge) == 2 * HUGE_PAGES
    assert set(frames.folio[huge].tolist()) == {huge[0], huge[HUGE_PAGES]}
    frames.map(huge[:3])
    assert frames.folio_mapcount(int(huge[0])) == HUGE_PAGES + 3
