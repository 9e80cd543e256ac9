# SPDX-License-Identifier: Apache-2.0
"""What a figure of pages may be otherwise for."""

from __future__ import annotations

from collections import Counter

import pytest

from replay.compare.account import PageFigures, Place
from replay.compare.difference import BY_ORDER, SURE, TOLERATED
from replay.compare.freedom import Freedom, OpenWrite
from replay.compare.page_doubts import PageDoubts
from replay.compare.tolerance import Tolerance
from tests.replay.compare.runs import compared, run

P, C = Place(0, "r"), Place(1, "r")
RACE = OpenWrite("r", 10, (0, 1), ("cc", "cr", "rc"), "rc")
"""Each page is copied by one of the two or by both; in the simulation by the second."""


def doubts(
    actual: dict[Place, dict[str, int]],
    alone: dict[Place, int] | None = None,
    free: Freedom | None = None,
    *tolerances: Tolerance,
    lossy: bool = False,
) -> PageDoubts:
    """Give the judge of figures against ten pages, of which the child copies all."""
    here = PageFigures({place: Counter(counts) for place, counts in actual.items()})
    here.alone.update(alone or {})
    there = PageFigures({P: Counter(reused=10), C: Counter(copied=10)})
    freedom = free or Freedom(writes=[RACE])
    return PageDoubts((here, there), freedom, tolerances, ["p", "c"], lossy=lossy)


def reasons(found: PageDoubts, actual: dict[Place, dict[str, int]]) -> set[str]:
    """Give why each of the figures may be so."""
    expected = {(P, "reused"): 10, (C, "copied"): 10}
    keys = {(place, name) for place in (P, C) for name in ("copied", "reused")}
    return {
        found.about(place, name, actual[place].get(name, 0), expected.get((place, name), 0)).why
        for place, name in keys
        if actual[place].get(name, 0) != expected.get((place, name), 0)
    }


@pytest.mark.parametrize(
    ("p", "c", "fits"),
    [
        ((4, 6), (6, 4), True),
        ((10, 0), (0, 10), True),
        ((10, 0), (10, 0), True),  # all at once
        ((0, 10), (9, 1), False),  # one page reused by both
        ((10, 0), (0, 0), False),  # the child wrote nothing
        ((10, 1), (0, 10), False),
        ((11, 0), (0, 10), False),
    ],
)
def test_races_have_their_bounds(p: tuple[int, int], c: tuple[int, int], *, fits: bool) -> None:
    """Copies and reuses together are as many as there are writes."""
    actual = {P: {"copied": p[0], "reused": p[1]}, C: {"copied": c[0], "reused": c[1]}}
    assert (reasons(doubts(actual), actual) == {BY_ORDER}) is fits


def test_pages_that_something_else_held_are_copied() -> None:
    """As many as were seen to be alone."""
    actual = {P: {"copied": 3, "reused": 7}, C: {"copied": 10}}
    held = reasons(doubts(actual, {P: 3}, Freedom()), actual)
    assert len(held) == 1
    assert "LRU" in held.pop()
    assert reasons(doubts(actual, {P: 2}, Freedom()), actual) == {""}
    assert reasons(doubts(actual, {C: 3}, Freedom()), actual) == {""}


def test_open_places_are_bounded() -> None:
    """Undetermined ones for copies and reuses, others for all figures."""
    free = Freedom(undetermined=Counter({C: 2}), anything=Counter({P: 3}))
    free_p = {P: {"reused": 10}}
    found = doubts(free_p | {C: {"copied": 8}}, None, free)
    assert found.about(C, "copied", 8, 10).why == BY_ORDER
    assert found.about(C, "first_touch", 1, 0) == SURE
    assert doubts(free_p | {C: {"copied": 7}}, None, free).about(C, "copied", 7, 10) == SURE
    assert found.about(P, "first_touch", 3, 0).why == BY_ORDER
    assert found.about(P, "first_touch", 4, 0) == SURE


def test_tolerances_loss_and_chance() -> None:
    """Each under its name."""
    plain = Tolerance("c/r/copied", 1, percent=False)
    found = doubts({P: {}, C: {"copied": 9}}, None, Freedom(), plain)
    assert found.about(C, "copied", 9, 10).why == TOLERATED
    assert found.about(C, "copied", 8, 10) == SURE
    assert found.about(C, "spurious", 8, 10).why.startswith("it depends")
    assert doubts({P: {}, C: {}}, None, Freedom(), lossy=True).about(C, "copied", 12, 10).lost
    unknown = doubts({P: {}, C: {"unknown": 2}}, None, Freedom())
    assert unknown.about(C, "copied", 8, 10).lost
    assert unknown.about(C, "copied", 7, 10) == SURE
    assert unknown.about(C, "copied", 11, 10) == SURE


def test_whoever_writes_first() -> None:
    """Of a simulated race every order compares equal with every other."""
    text = """
regions: {r: {pages: 30}}
actors:
  p: [{map: r}, {write: r}, {fork: a}, {fork: b}, {write: r}, {wait: all}]
  a: [{write: {region: r, count: 20}}]
  b: [{write: {region: r, first: 10, count: 20}}]
"""
    runs = [run(text, seed) for seed in range(6)]
    assert len({compared(one, one).pages for one in runs}) > 1
    for one in runs:
        for other in runs[:3]:
            assert not compared(one, other).differences
