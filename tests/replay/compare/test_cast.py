# SPDX-License-Identifier: Apache-2.0
"""Actors and regions, from metadata that anyone may have written."""

from __future__ import annotations

from replay.compare.cast import Cast, RegionPages
from tests.histories.fake import FakeTrace
from tests.replay.compare.runs import FAMILY, run


def test_a_run_says_who_is_who_and_where() -> None:
    """By task, and by page."""
    cast = Cast.of(run(FAMILY))
    assert sorted(cast.actors.values()) == ["c", "d", "p"]
    (region,) = cast.regions
    assert (region.name, region.end - region.first) == ("heap", 8)
    assert cast.scenario == "told"


def test_other_traces_say_nothing() -> None:
    """And what makes no sense is left out."""
    assert Cast.of(FakeTrace()) == Cast({}, (), "", {})
    bad: list[object] = [
        7, {"name": "a", "address": "x", "pages": 1}, {"name": "b", "address": -1, "pages": 1},
        {"name": "c", "address": 0, "pages": 2**60}, {"name": "d", "address": 8192, "pages": 3},
    ]  # fmt: skip
    told = {"scenario": 7, "regions": bad, "parameters": {"n": 3, "m": "x"}}
    cast = Cast.of(FakeTrace(metadata={"run": told}))
    assert cast == Cast({}, (RegionPages("d", 2, 5),), "", {"n": 3})
