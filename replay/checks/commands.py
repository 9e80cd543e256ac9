# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: PLC0415 - what is heavy is imported when the command runs
"""The command `check`: a trace held against a reference model."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotation
from typing import Annotated

import typer


def check(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A trace that 'proctrace record' wrote.")
    ],
    *,
    model: Annotated[
        str,
        typer.Option(
            "--model",
            metavar="NAME|PATH",
            help="The reference model; without it that of the trace's own kernel.",
        ),
    ] = "",
    rule: Annotated[
        list[str] | None,
        typer.Option("--rule", metavar="ID", help="Only this rule; may be given again."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, the same bytes for the same trace.")
    ] = False,
) -> None:
    """Hold a trace against the reference model of its kernel.

    Exit status: 0 every rule holds, 1 one is violated, 3 none is violated but a loss leaves one
    open, 2 the file or the model cannot be used. '--model textbook' says which sentences of the
    classic account hold; 'proctrace explain RULE' tells what a rule asks.

    Example: proctrace check build.ptrace
    """
    from replay.checks.registry import CHECKS, find_check
    from replay.checks.run import run_checks, status
    from replay.checks.sentences import judged_sentences
    from replay.model.load import Choice, load_model, model_for
    from replay.recording import Recording
    from replay.report import json_text
    from replay.report.check import CheckReport, check_json, check_lines
    from replay.report.progress import progress
    from replay.report.screen import Screen
    from traces.reader import open_trace

    checks = [find_check(name) for name in rule or []] or CHECKS
    choice = Choice(load_model(model), "") if model else None
    with progress("checking the trace"):
        trace = open_trace(file)
        recording = Recording.of(trace)
        choice = choice or model_for(recording.kernel)
        verdicts = run_checks(trace, choice.model, checks)
    report = CheckReport(
        choice.model,
        choice.note,
        verdicts,
        judged_sentences(choice.model, verdicts),
        recording.begin_ns,
    )
    if as_json:
        sys.stdout.write(json_text.document(check_json(report)))
    else:
        Screen(sys.stdout).write(check_lines(report))
    raise typer.Exit(status(verdicts))


COMMANDS = (check,)
"""The command of this room."""
