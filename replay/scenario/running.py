# SPDX-License-Identifier: Apache-2.0
"""What the live side needs of a scenario to execute it, and what the trace is to say of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from replay.scenario.compiling import compile_plan
from replay.scenario.library import open_scenario
from replay.scenario.ostep import ostep_scenario
from replay.scenario.plan import Made, encode_plan
from replay.scenario.reading import with_parameters
from traces.errors import STATUS_UNUSABLE_INPUT, ProctraceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from replay.scenario.plan import Plan
    from traces.metadata import JsonValue

RUN_VERSION: Final = 1
"""Of the metadata block `run`."""
MOST_PLAN_CHARACTERS: Final = 1 << 20
"""A longer plan is not kept in the trace."""


@dataclass(frozen=True, slots=True)
class RunnableScenario:
    """A scenario with its parameters, ready to be executed."""

    plan: Plan
    text: str
    """The plan as PLAN.md says."""
    parameters: dict[str, int]

    @property
    def file_pages(self) -> dict[int, int]:
        """Give how many pages of a file each file region has, by number."""
        return {at: one.pages for at, one in enumerate(self.plan.regions) if one.file}

    @property
    def executed(self) -> frozenset[int]:
        """Give the actors that are no tasks of their own."""
        actors = enumerate(self.plan.actors)
        return frozenset(at for at, one in actors if one.made is Made.EXECUTED)

    def description(self, seed: int) -> dict[str, JsonValue]:
        """Give what the metadata block `run` of the trace says; PLAN.md describes it."""
        regions: list[JsonValue] = [
            {"name": one.name, "address": one.address, "pages": one.pages}
            for one in self.plan.regions
        ]
        return {
            "version": RUN_VERSION,
            "scenario": self.plan.scenario,
            "seed": seed,
            "parameters": self.parameters,
            "regions": regions,
            "plan": self.text if len(self.text) <= MOST_PLAN_CHARACTERS else None,
        }


def runnable(name: str, ostep: str, settings: Sequence[str]) -> RunnableScenario:
    """Find a scenario by name or path, or take OSTEP's actions; set its parameters and plan it.

    ProctraceError when neither or both are given, or when anything is wrong with it.
    """
    if bool(name) == bool(ostep):
        raise ProctraceError(
            "it is not clear what to run",
            "give either a scenario or --ostep" if name else "no scenario was given",
            "see: proctrace simulate --list",
            status=STATUS_UNUSABLE_INPUT,
        )
    found = with_parameters(ostep_scenario(ostep) if ostep else open_scenario(name), settings)
    plan = compile_plan(found)
    parameters = {name: one.default for name, one in found.parameters.items()}
    return RunnableScenario(plan, encode_plan(plan), parameters)
