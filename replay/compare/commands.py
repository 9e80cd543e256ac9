# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: PLC0415 - what is heavy is imported when the command runs
"""The command `compare`: what happened beside what was expected."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotation
from typing import TYPE_CHECKING, Annotated

import typer

from traces.errors import STATUS_UNUSABLE_INPUT, ProctraceError

if TYPE_CHECKING:
    from replay.compare.comparison import Comparison
    from replay.compare.ostep import Divergence
    from replay.compare.sources import Conditions
    from replay.compare.tolerance import Tolerance
    from traces.reader import Trace


def compare(  # noqa: PLR0913 - a command takes what its options are
    actual: Annotated[Path, typer.Argument(metavar="ACTUAL", help="A trace of what happened.")],
    expected: Annotated[
        str,
        typer.Argument(
            metavar="[EXPECTED]",
            help="A trace, a scenario (its path, or its name in the package), or an expectation "
            "file (YAML or JSON, see EXPECTATION.md).",
        ),
    ] = "",
    *,
    ostep: Annotated[
        str,
        typer.Option(
            "--ostep", metavar="ACTIONS|FILE", help="Expect what fork.py of OSTEP simulates."
        ),
    ] = "",
    tolerance: Annotated[
        list[str] | None,
        typer.Option(
            "--tolerance",
            metavar="FIGURE=N[%]",
            help="Let a figure be off by N: copied=2, heap/copied=10%; may be given again.",
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            "--model", metavar="MODEL", help="Simulate for this kernel, not that of ACTUAL."
        ),
    ] = "",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=N", help="A parameter; may be given again."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, the same bytes for the same input.")
    ] = False,
    width: Annotated[
        int | None,
        typer.Option("--width", min=0, metavar="CELLS", help="Crop lines to this; 0 never crops."),
    ] = None,
) -> None:
    """Show what happened beside what was expected, and name the first difference.

    Pids, addresses, frames and times do not count, nor does any order that the scenario leaves
    open. Exit status: 0 equal, 1 different, 3 nothing is different for certain but something was
    lost, 2 unusable input.

    Example: proctrace compare run.ptrace fork-and-write
    """
    from replay.compare.sources import Conditions
    from replay.compare.tolerance import check_names, parse_tolerances
    from replay.forest import without_collector
    from replay.report import json_text
    from replay.report.compare import compare_lines
    from replay.report.compare_json import compare_json
    from replay.report.progress import progress
    from replay.report.screen import Screen
    from traces.reader import open_trace

    if bool(expected) == bool(ostep):
        raise ProctraceError(
            "it is not clear what to compare with",
            "give either EXPECTED or --ostep" if ostep else "nothing was said to be expected",
            "as in: proctrace compare run.ptrace fork-and-write",
            status=STATUS_UNUSABLE_INPUT,
        )
    tolerances = parse_tolerances(tolerance or [])
    conditions = Conditions(settings or [], model)
    _refuse_scenario(actual, expected or "--ostep ...")
    with progress("comparing"), without_collector():
        trace = open_trace(actual)
        if ostep:
            found, divergences = _with_ostep(trace, ostep, conditions, tolerances)
        else:
            found, divergences = _with(trace, expected, conditions, tolerances), []
    check_names(tolerances, found.figures())
    if as_json:
        sys.stdout.write(json_text.document(compare_json(found, divergences)))
    else:
        screen = Screen(sys.stdout, width)
        screen.write(compare_lines(found, divergences, screen.width))
    raise typer.Exit(found.outcome.value)


def _refuse_scenario(actual: Path, expected: str) -> None:
    """See that what happened is a trace: both may have been swapped."""
    from replay.compare.sources import TEXT_ENDINGS
    from replay.scenario.library import library_names

    if actual.suffix in TEXT_ENDINGS or (not actual.exists() and str(actual) in library_names()):
        raise ProctraceError(
            f"{actual} is no trace",
            "what happened comes first, and what is expected after it",
            f"as in: proctrace compare {expected} {actual}"
            if expected.endswith(".ptrace")
            else f"run it first: proctrace run {actual} -o run.ptrace",
            status=STATUS_UNUSABLE_INPUT,
        )


def _with(
    trace: Trace, word: str, conditions: Conditions, tolerances: tuple[Tolerance, ...]
) -> Comparison:
    from replay.compare.comparison import compare_with
    from replay.compare.from_trace import account_of
    from replay.compare.sources import expected_from

    expected = expected_from(word, trace, conditions)
    return compare_with(account_of(trace, regions=expected.regions), expected, tolerances)


def _with_ostep(
    trace: Trace, ostep: str, conditions: Conditions, tolerances: tuple[Tolerance, ...]
) -> tuple[Comparison, list[Divergence]]:
    """Expect what Linux makes of the actions, and name where fork.py thinks otherwise."""
    from replay.compare.comparison import compare_with
    from replay.compare.from_trace import account_of
    from replay.compare.ostep import divergences, expected_of, read_ostep

    told = read_ostep(ostep)
    expected = expected_of(told, trace, conditions)
    found = compare_with(account_of(trace), expected, tolerances)
    here = found.alignment.to_actual
    names = expected.account.named().items()
    named = {name: here[number] for name, number in names if number in here}
    return found, divergences(told, found.actual, named)


COMMANDS = (compare,)
"""The command of this subject."""
