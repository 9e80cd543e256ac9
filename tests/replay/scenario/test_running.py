# SPDX-License-Identifier: Apache-2.0
"""What the live side is given of a scenario."""

from __future__ import annotations

from pathlib import Path

import pytest

from replay.scenario import running
from replay.scenario.compiling import compile_plan
from replay.scenario.ostep import ostep_scenario
from replay.scenario.plan import encode_plan
from replay.scenario.running import runnable
from traces.errors import ProctraceError

DOCUMENT = Path(running.__file__).with_name("PLAN.md").read_text()

TEXT = """
scenario: mine
about: mine
parameters: {pages: {default: 4, low: 1, high: 9, about: pages}}
regions: {heap: {pages: $pages}, file: {pages: $pages+1, kind: shared file}}
actors: {p: [{fork: c}, {map: file}], c: [{exec: d}], d: [{map: heap}]}
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Give the path of the scenario above."""
    file = tmp_path / "mine.yaml"
    file.write_text(TEXT)
    return str(file)


def test_it_is_planned_with_its_parameters(path: str) -> None:
    """As text for actors, and as a plan for whoever needs to know what is in it."""
    found = runnable(path, "", ["pages=6"])
    assert found.parameters == {"pages": 6}
    assert found.text == encode_plan(found.plan)
    assert [region.pages for region in found.plan.regions] == [6, 7]
    assert found.file_pages == {1: 7}
    assert found.executed == {2}


def test_what_the_trace_says_of_it(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough to know the regions, and to act it again; a plan that is long is left out."""
    found = runnable(path, "", [])
    described = found.description(9)
    assert described == {
        "version": 1,
        "scenario": "mine",
        "seed": 9,
        "parameters": {"pages": 4},
        "regions": [
            {"name": one.name, "address": one.address, "pages": one.pages}
            for one in found.plan.regions
        ],
        "plan": found.text,
    }
    assert all(f"`{name}`" in DOCUMENT for name in described)
    monkeypatch.setattr(running, "MOST_PLAN_CHARACTERS", len(found.text) - 1)
    assert found.description(9)["plan"] is None


def test_a_scenario_of_the_package_or_of_ostep() -> None:
    """By its name, or by actions; with nothing said about parameters."""
    assert runnable("zombie", "", []).plan.scenario == "zombie"
    plan = runnable("", "a+b,b+c,c-", []).plan
    assert {actor.name for actor in plan.actors} >= {"a", "b", "c"}
    assert plan == compile_plan(ostep_scenario("a+b,b+c,c-"))


@pytest.mark.parametrize(
    ("name", "ostep", "why"),
    [("", "", "no scenario was given"), ("zombie", "a+b", "give either a scenario or --ostep")],
)
def test_what_to_run_must_be_clear(name: str, ostep: str, why: str) -> None:
    """Neither, or both."""
    with pytest.raises(ProctraceError) as caught:
        runnable(name, ostep, [])
    assert (caught.value.status, caught.value.why) == (2, why)
