# SPDX-License-Identifier: Apache-2.0
"""The commands of the live side: record and doctor."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from traces.errors import ProctraceError
from traces.shown import shell_word

_SIZE = re.compile(r"(\d+(?:\.\d+)?)([KMGT]?)(?:i?B)?", re.IGNORECASE)
_SIZE_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def register(app: typer.Typer) -> None:
    """Add the commands of this room to the command line."""
    app.command(context_settings={"ignore_unknown_options": False})(record)
    app.command()(doctor)


def record(  # noqa: PLR0913 - the options of the command line
    *,
    command: Annotated[
        list[str] | None, typer.Argument(metavar="-- CMD ARG", help="The command to record.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Where to write the trace."),
    ] = None,
    force: Annotated[
        bool, typer.Option("-f", "--force", help="Overwrite FILE if it exists.")
    ] = False,
    pid: Annotated[
        list[int] | None,
        typer.Option("-p", "--pid", min=1, metavar="PID", help="Follow this running tree; repeat."),
    ] = None,
    whole_host: Annotated[
        bool, typer.Option("-a", "--all", help="Follow every process of the host.")
    ] = False,
    cgroup: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Follow this cgroup (v2) and those below it."),
    ] = None,
    env: Annotated[
        bool, typer.Option("--env", help="Record the environment of every exec, too.")
    ] = False,
    faults: Annotated[
        bool | None,
        typer.Option(
            "--faults/--no-faults",
            help="Record every page fault with the page before and after.",
            show_default="where possible",
        ),
    ] = None,
    steps: Annotated[
        bool | None,
        typer.Option(
            "--steps/--no-steps",
            help="Record what each clone call allocates, checks and undoes on its way.",
            show_default="with a command",
        ),
    ] = None,
    audit_copies: Annotated[
        bool,
        typer.Option(
            "--audit-copies",
            help="Have the kernel count copies for 'audit' to compare with; turns "
            "kernel.task_delayacct on meanwhile.",
        ),
    ] = False,
    stacks: Annotated[
        bool,
        typer.Option(
            "--stacks",
            help="Record the user stack of each page fault, by frame pointers; "
            "for 'cow --by stack'.",
        ),
    ] = False,
    until_last: Annotated[
        bool,
        typer.Option("--until-last", help="Go on until all that the command left behind is gone."),
    ] = False,
    duration: Annotated[
        float | None,
        typer.Option(min=0.0, max=1e9, metavar="S", help="Stop after so many seconds."),
    ] = None,
    max_size: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Stop when FILE has this size (64M, 2G).")
    ] = None,
) -> None:
    """Record a command, or what runs already, into a trace.

    A command is followed from its first instruction on, with everything it creates. Needs root.
    Started by sudo, the command runs as you and the trace is yours. Ends with the
    command's own status; with 77 without privilege, 127 or 126 when the command cannot be found
    or executed, and 125 when recording itself fails.

    Example: sudo proctrace record -o build.ptrace -- make -j4
    """
    from tracer.recorder import record as record_it  # noqa: PLC0415 - heavy
    from tracer.request import Request  # noqa: PLC0415

    request = Request(
        output=output,
        overwrite=force,
        command=tuple(command or ()),
        pids=tuple(pid or ()),
        whole_host=whole_host,
        cgroup=cgroup,
        environment=env,
        faults=faults is not False,
        faults_required=bool(faults or audit_copies or stacks),
        audit_copies=audit_copies,
        steps=bool(command) if steps is None else steps,
        stacks=stacks,
        until_last=until_last,
        duration_s=duration,
        max_size_bytes=_size_bytes(max_size) if max_size is not None else None,
    )
    _check_target(request.command, adopts_running=request.adopts_running)
    _check_copies(request.faults, request.audit_copies)
    _check_stacks(request.faults, request.stacks)
    outcome = record_it(request, _notice)
    path = shell_word(os.fsencode(outcome.path))
    _notice(f"Wrote {path} ({outcome.file_bytes / 1024:.0f} KiB)")
    if outcome.tasks_left:
        _notice(f"{_tasks_are(outcome.tasks_left)} still running and no longer recorded")
    if outcome.records_lost:
        _notice(f"LOST {outcome.records_lost} records: proctrace audit {path} shows where")
    _notice(f"Next: proctrace replay {path}")
    raise typer.Exit(outcome.status)


def doctor(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Tell what can be recorded here, and how.

    Example: sudo proctrace doctor
    """
    from tracer.doctor import examine, render  # noqa: PLC0415 - heavy

    findings = examine()
    if as_json:
        typer.echo(json.dumps(findings, indent=2))
        return
    from rich.console import Console  # noqa: PLC0415

    Console(highlight=False).print(render(findings))


def _tasks_are(count: int) -> str:
    return "1 followed task is" if count == 1 else f"{count} followed tasks are"


def _notice(message: str) -> None:
    # That nobody can be told, stderr being a closed pipe or full, is no reason to stop recording.
    with contextlib.suppress(OSError):
        print(f"proctrace: {message}", file=sys.stderr)  # noqa: T201


def _check_target(command: tuple[str, ...], *, adopts_running: bool) -> None:
    if not command and not adopts_running:
        raise ProctraceError(
            "nothing to record",
            "neither a command nor -p, -a or --cgroup was given",
            "proctrace record -- CMD ARG..., or see proctrace record --help",
            status=2,
        )


def _check_stacks(faults: bool, stacks: bool) -> None:  # noqa: FBT001 - two options
    if stacks and not faults:
        raise ProctraceError(
            "no stacks to record",
            "--stacks records the stack of each page fault, and --no-faults leaves faults out",
            "proctrace record --stacks -- CMD ARG...",
            status=2,
        )


def _check_copies(faults: bool, audit_copies: bool) -> None:  # noqa: FBT001 - two options
    if audit_copies and not faults:
        raise ProctraceError(
            "no copies to audit",
            "--audit-copies compares page faults, and --no-faults leaves them out",
            "proctrace record --audit-copies -- CMD ARG...",
            status=2,
        )


def _size_bytes(text: str) -> int:
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ProctraceError(
            f"no size: {text!a}",
            "a size is a number with K, M, G or T behind it",
            "for example --max-size 500M",
            status=2,
        )
    number, unit = match.groups()
    return int(float(number) * _SIZE_UNITS[unit.upper()])
