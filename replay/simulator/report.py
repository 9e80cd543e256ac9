# SPDX-License-Identifier: Apache-2.0
"""What `proctrace simulate` says: the list of scenarios, and what a simulation came to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from replay.report.units import counted
from replay.scenario.library import library_names, open_scenario
from replay.simulator.openness import openness

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from replay.simulator.simulation import Simulation


def list_json() -> dict[str, object]:
    """Give the scenarios of the package as a value for JSON."""
    return {
        "scenarios": [
            {
                "name": one.name,
                "about": one.about,
                "lesson": one.lesson,
                "parameters": [
                    {"name": p.name, "default": p.default, "low": p.low, "high": p.high,
                     "about": p.about}
                    for p in one.parameters.values()
                ],
            }
            for one in map(open_scenario, library_names())
        ]
    }  # fmt: skip


def list_lines() -> Iterator[str]:
    """Give a line for each scenario of the package, its parameters below it."""
    scenarios = [open_scenario(name) for name in library_names()]
    width = max(len(one.name) for one in scenarios)
    for one in scenarios:
        yield f"{one.name:{width}}  {one.about}\n"
        for parameter in one.parameters.values():
            setting = f"--set {parameter.name}={parameter.default}"
            yield f"{'':{width}}    {setting}  {parameter.about}".rstrip() + "\n"


def simulation_json(done: Simulation, output: Path) -> dict[str, object]:
    """Give what a simulation came to as a value for JSON."""
    return {
        "scenario": done.plan.scenario,
        "model": done.model.name,
        "seed": done.seed,
        "parameters": done.parameters,
        "output": str(output),
        "status": done.status,
        "tasks": len(done.host.tasks),
        "faults": sum(task.min_flt for task in done.host.tasks),
        "open": openness(done.host),
    }


def simulation_line(done: Simulation, output: Path) -> str:
    """Say it in a line."""
    faults = sum(task.min_flt for task in done.host.tasks)
    left_open = sum(map(len, openness(done.host).values()))
    return (
        f"proctrace: {output}: {done.plan.scenario} by {done.model.name}, "
        f"{counted(len(done.host.tasks), 'task')}, {counted(faults, 'fault')}, "
        f"{counted(left_open, 'thing')} left open\n"
    )
