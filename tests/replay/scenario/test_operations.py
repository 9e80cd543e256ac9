# SPDX-License-Identifier: Apache-2.0
"""Regions get their places, and steps of one actor become operations."""

from __future__ import annotations

import pytest

from replay.scenario.operations import program_name
from replay.scenario.plan import Code, Operation
from replay.scenario.reading import parse_scenario
from replay.scenario.scenario import Create
from tests.replay.simulator.told import planned
from traces.errors import ProctraceError


def test_regions_lie_apart_and_can_hold_huge_pages() -> None:
    """Each begins at 2 MiB, a GiB or more after the one before."""
    plan = planned("regions: {a: {pages: 1}, b: {pages: 600}, c: {pages: 1}}\nactors: {x: }")
    assert [one.address % (1 << 21) for one in plan.regions] == [0, 0, 0]
    for before, after in zip(plan.regions, plan.regions[1:], strict=False):
        assert after.address - (before.address + before.pages * 4096) >= 1 << 30


def test_steps_become_operations() -> None:
    """With numbers for all that they leave out."""
    text = """
regions: {a: {pages: 4}, b: {pages: 9}}
actors:
  x:
    - map: b
    - write: {region: b, first: 2, step: 3}
    - read: {region: b, first: 4, count: 7, random: 5}
    - madvise: {region: b, advice: DONTNEED, first: 1}
    - unmap: b
    - become: subreaper
    - ignore: CHLD
    - exit: {signal: TERM}
"""
    assert planned(text).actors[0].operations == (
        Operation(Code.MAP, (1,)),
        Operation(Code.WRITE, (1, 2, 3, 3, -1, 7)),
        Operation(Code.READ, (1, 4, 7, 1, 5, 5)),
        Operation(Code.MADVISE, (1, 4, 1, 8)),
        Operation(Code.UNMAP, (1,)),
        Operation(Code.SUBREAPER),
        Operation(Code.IGNORE_CHILDREN),
        Operation(Code.DIE, (15,)),
    )


@pytest.mark.parametrize("pages", ["first: 9", "first: 2, count: 8", "count: 4, step: 3"])
def test_pages_beyond_a_region_are_refused(pages: str) -> None:
    """Where they are written down; none at all are fine."""
    text = "regions: {{b: {{pages: 9}}}}\nactors: {{x: [{{map: b}}, {{write: {{region: b, {}}}}}]}}"
    if pages == "first: 9":
        assert planned(text.format(pages)).actors[0].operations[1].numbers[2] == 0
        return
    with pytest.raises(ProctraceError, match="told:4:") as caught:
        planned(text.format(pages))
    assert "is beyond the 9 pages of b" in caught.value.why


def test_too_many_pages_are_refused() -> None:
    """All regions together."""
    regions = ", ".join(f"r{at}: {{pages: 4194304}}" for at in range(3))
    with pytest.raises(ProctraceError, match="told:3:") as caught:
        planned(f"regions: {{{regions}}}\nactors: {{x: }}")
    assert "more than 8388608 pages" in caught.value.why


@pytest.mark.parametrize(
    ("path", "name"),
    [("/bin/true", "true"), ("/usr/bin/x86_64-linux", "x8664linux"), ("/bin/[", "program"),
     ("/bin/7z", "program"), ("/bin/a-long-name-indeed", "alongnamei")],
)  # fmt: skip
def test_a_spawned_program_names_its_task(path: str, name: str) -> None:
    """As far as a name of an actor may go."""
    text = f"scenario: s\nabout: s\nactors: {{x: [{{posix_spawn: ['{path}']}}]}}"
    step = parse_scenario(text, "f").actors["x"].steps[0]
    assert isinstance(step, Create)
    assert program_name(step) == name
