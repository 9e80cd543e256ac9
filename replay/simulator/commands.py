# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: PLC0415 - the simulator is imported when the command runs, as in replay/commands.py
"""The command that predicts a scenario."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotation
from typing import TYPE_CHECKING, Annotated

import typer

from traces.errors import STATUS_UNUSABLE_INPUT, ProctraceError

if TYPE_CHECKING:
    from replay.model.values import Model
    from replay.scenario.scenario import Scenario


def simulate(  # noqa: PLR0913 - a command takes what its options are
    scenario: Annotated[
        str, typer.Argument(metavar="[SCENARIO]", help="A scenario's name or path; see --list.")
    ] = "",
    *,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="The trace to write.")
    ] = None,
    force: Annotated[bool, typer.Option("-f", "--force", help="Overwrite FILE.")] = False,
    model: Annotated[
        str, typer.Option("--model", metavar="MODEL", help="The kernel: see 'proctrace model'.")
    ] = "",
    seed: Annotated[
        int, typer.Option("--seed", min=0, metavar="N", help="Another order of what is unordered.")
    ] = 0,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=N", help="A parameter; may be given again."),
    ] = None,
    ostep: Annotated[
        str, typer.Option("--ostep", metavar="ACTIONS", help="Actions of OSTEP's fork.py instead.")
    ] = "",
    listing: Annotated[
        bool, typer.Option("--list", help="List the scenarios of the package.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Predict a scenario on a model of the kernel, and write a trace of it.

    All commands work on such a trace. What the kernel leaves open is said in it, see 'info'.

    Example: proctrace simulate fork-and-write -o a.ptrace --set pages=1000 --model linux-5.10
    """
    from replay.report import json_text
    from replay.scenario.compiling import compile_plan
    from replay.scenario.reading import with_parameters
    from replay.simulator import report
    from replay.simulator.output import new_file
    from replay.simulator.simulation import simulate as simulated

    if listing:
        parts = [json_text.document(report.list_json())] if as_json else report.list_lines()
        sys.stdout.writelines(parts)
        return
    found = with_parameters(_scenario(scenario, ostep), settings or [])
    if output is None:
        raise ProctraceError(
            "there is nowhere to write the trace to",
            "no -o FILE was given",
            f"add it: proctrace simulate {found.name} -o {found.name}.ptrace",
            status=STATUS_UNUSABLE_INPUT,
        )
    plan = compile_plan(found)
    parameters = {name: one.default for name, one in found.parameters.items()}
    done = simulated(plan, _model(model), seed, parameters)
    with new_file(output, force=force) as file:
        done.write(file)
    if as_json:
        sys.stdout.write(json_text.document(report.simulation_json(done, output)))
    else:
        sys.stderr.write(report.simulation_line(done, output))


def _model(name: str) -> Model:
    """Give a model by name, without one the newest that is about a kernel."""
    from replay.model.load import bundled_models, load_model

    if name:
        return load_model(name)
    return [model for model in bundled_models() if model.kernel is not None][-1]


def _scenario(name: str, ostep: str) -> Scenario:
    from replay.scenario.library import open_scenario
    from replay.scenario.ostep import ostep_scenario

    if bool(name) == bool(ostep):
        raise ProctraceError(
            "it is not clear what to simulate",
            "give either a scenario or --ostep" if name else "no scenario was given",
            "see: proctrace simulate --list",
            status=STATUS_UNUSABLE_INPUT,
        )
    return ostep_scenario(ostep) if ostep else open_scenario(name)


COMMANDS = (simulate,)
"""The commands of this room."""
