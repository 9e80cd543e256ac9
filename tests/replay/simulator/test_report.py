# SPDX-License-Identifier: Apache-2.0
"""What is said of scenarios and of simulations."""

from __future__ import annotations

from pathlib import Path

from replay.scenario.library import library_names
from replay.simulator.report import list_json, list_lines, simulation_json, simulation_line
from tests.replay.simulator.told import acted

RACE = "actors: {p: [{fork: a}, {fork: b}, {wait: any}, {wait: any}], a: , b: }"


def test_the_list_names_every_scenario_and_parameter() -> None:
    """In columns, and as JSON."""
    lines = list(list_lines())
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == library_names()
    found = list_json()["scenarios"]
    assert isinstance(found, list)
    assert [one["name"] for one in found] == library_names()
    settings = [line for line in lines if "--set" in line]
    assert len(settings) == sum(len(one["parameters"]) for one in found)


def test_a_simulation_is_summed_up() -> None:
    """In a line, and as JSON."""
    done = acted(RACE)
    line = simulation_line(done, Path("a.ptrace"))
    assert line == "proctrace: a.ptrace: told by linux-6.18, 3 tasks, 0 faults, 1 thing left open\n"
    value = simulation_json(done, Path("a.ptrace"))
    assert (value["tasks"], value["faults"], value["status"]) == (3, 0, 0)
