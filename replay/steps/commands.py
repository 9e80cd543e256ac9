# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: PLC0415 - polars and the reports are imported when the command runs
"""The command `steps`."""

from __future__ import annotations

import sys
from itertools import chain
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from traces.errors import STATUS_UNUSABLE_INPUT, ProctraceError

if TYPE_CHECKING:
    import polars as pl

    from traces.reader import Trace


def steps(  # noqa: PLR0913 - one parameter for each option
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A trace that 'proctrace record' wrote.")
    ],
    *,
    pid: Annotated[
        str | None,
        typer.Option(
            "--pid",
            metavar="PID",
            help="Only the creation of this task; PID@START_NS where a pid had several.",
        ),
    ] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only the first call that failed, with its undoing.")
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME|PATH", help="The model to name the steps by."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, the same bytes for the same trace.")
    ] = False,
    width: Annotated[
        int | None,
        typer.Option("--width", min=0, metavar="CELLS", help="Crop lines to this; 0 never crops."),
    ] = None,
) -> None:
    """Show where the time of a fork goes, or one creation step by step.

    Each step of the kernel's copy_process() that the model of this kernel expects: when it came,
    what it took, and whether the child shares the object or has a copy. A step without an event
    shows in what it left behind in the new task (effect seen). The recording needs steps, as
    those of a command have.

    Example: proctrace steps --pid 4711 build.ptrace
    """
    from replay.checks.evidence import Evidence
    from replay.checks.failing_step import failing_steps
    from replay.checks.seen_steps import lacking
    from replay.losses import Losses
    from replay.model.load import Choice, load_model, model_for
    from replay.report import json_text
    from replay.report import steps as report
    from replay.report.losses import losses_json, losses_lines
    from replay.report.progress import progress
    from replay.report.screen import Screen, cropped
    from replay.steps.costs import costs
    from replay.steps.effects import effects
    from replay.steps.ladder import ladder
    from traces.reader import open_trace

    if pid is not None and failed:
        raise _unusable(
            "--pid and --failed are two questions",
            "a call that failed made no task",
            f"run it once for each, as in: proctrace steps {file} --failed",
        )
    with progress("reading the steps"):
        trace = open_trace(file)
        _need_steps(trace, file)
        choice = Choice(load_model(model), "") if model else model_for(_release(trace))
        evidence = Evidence(trace, choice.model)
        choice = Choice(choice.model, choice.note or lacking(evidence))
        windows, moments = evidence.windows, evidence.moments
        if pid is not None or failed:
            call = _failed(windows.calls, file) if pid is None else _made(windows.calls, pid, file)
            effect, failed_at = effects(trace, choice.model, call), failing_steps(evidence, call)
            found = ladder(call, moments, choice.model, effect, failed_at)
            document, lines = report.ladder_json(found, choice), report.ladder_lines(found, choice)
        else:
            sums = costs(windows, moments, choice.model)
            document = report.costs_json(sums, windows, choice)
            lines = report.costs_lines(sums, windows, choice)
    losses = Losses.of(trace)
    if as_json:
        sys.stdout.write(json_text.document(document | losses_json(losses)))
    else:
        screen = Screen(sys.stdout, width)
        whole = chain(losses_lines(losses), lines)
        room = screen.width
        screen.write(whole if room is None else (cropped(line, room) for line in whole))


COMMANDS = (steps,)
"""The commands of this subject."""


def _release(trace: Trace) -> str:
    host = trace.metadata.get("host")
    return str(host.get("kernel", "")) if isinstance(host, dict) else ""


def _need_steps(trace: Trace, file: Path) -> None:
    recording = trace.metadata.get("recording")
    asked = isinstance(recording, dict) and recording.get("steps") is True
    if asked or trace.rows("step"):
        return
    if "simulation" in trace.metadata:
        raise _unusable(
            f"no steps in {file}",
            "it was simulated: a scenario says nothing of the kernel's work within a call",
            "'proctrace run' executes a scenario for real, and records its steps",
        )
    raise _unusable(
        f"no steps in {file}",
        "they are recorded with a command, or when asked for by --steps",
        "record again with: proctrace record --steps",
    )


def _failed(calls: pl.DataFrame, file: Path) -> dict[str, Any]:
    """Give the first call that failed."""
    import polars as pl

    found = calls.filter(pl.col("result") < 0).head(1).to_dicts()
    if not found:
        raise _unusable(
            f"no failed call in {file}",
            "every call of the clone family that was recorded made a task",
            f"'proctrace steps {file}' sums up all",
        )
    return found[0]


def _made(calls: pl.DataFrame, text: str, file: Path) -> dict[str, Any]:
    """Give the call that made the task which `PID` or `PID@START_NS` names."""
    import polars as pl

    pid, at, start = text.partition("@")
    if not _is_number(pid) or (at and not _is_number(start)):
        raise _unusable(f"{text!a} is no pid", "a pid is a number, as in 4120", _list_all(file))
    with_pid = calls.filter(pl.col("child_tid") == int(pid)).to_dicts()
    found = [call for call in with_pid if not at or call["child_start_ns"] == int(start)]
    if len(found) == 1:
        return found[0]
    names = [f"{call['child_tid']}@{call['child_start_ns']}" for call in with_pid]
    if names:
        more = ", ..." if len(names) > _MOST_LISTED else ""
        listed = f"they are {', '.join(names[:_MOST_LISTED])}{more}"
        what = f"no creation of {text} in {file}" if at else f"{pid} was made {len(names)} times"
        raise _unusable(what, listed, f"take one of them: --pid {names[0]}")
    raise _unusable(
        f"no creation of {text} in {file}",
        "no call of the clone family that was recorded made a task with this pid",
        _list_all(file),
    )


_MOST_LISTED: Final = 8


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _list_all(file: Path) -> str:
    return f"'proctrace tree --threads {file}' shows every task"


def _unusable(what: str, why: str, hint: str) -> ProctraceError:
    return ProctraceError(what, why, hint, status=STATUS_UNUSABLE_INPUT)
