# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: PLC0415 - polars and the reports are imported when a command runs, see below
"""The offline commands: what they are called, what they take, and which report they print.

Each opens the trace, asks replay and prints. What is heavy is imported when a command runs, so
that help and mistakes are answered at once.
"""

from __future__ import annotations

import sys
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from replay.checks.commands import COMMANDS as CHECK_COMMANDS
from replay.compare.commands import COMMANDS as COMPARE_COMMANDS
from replay.memory.commands import COMMANDS as MEMORY_COMMANDS
from replay.model.commands import COMMANDS as MODEL_COMMANDS
from replay.model.commands import model_app
from replay.simulator.commands import COMMANDS as SIMULATOR_COMMANDS
from replay.steps.commands import COMMANDS as STEPS_COMMANDS
from traces.errors import STATUS_UNUSABLE_INPUT, ProctraceError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from replay.checks.tally import Tally
    from replay.forest import ProcessForest
    from replay.memory.history import PageHistories
    from replay.report.screen import Screen
    from replay.report.tree import Tree
    from traces.reader import Trace

_TraceFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="A trace that 'proctrace record' wrote.")
]
_Json = Annotated[
    bool, typer.Option("--json", help="Print JSON, the same bytes for the same trace.")
]
_Width = Annotated[
    int | None,
    typer.Option(
        "--width",
        min=0,
        metavar="CELLS",
        help="Crop commands to lines of this width; 0 never crops. Without it a terminal's own "
        "width is taken, and files and pipes are not cropped.",
    ),
]

MANY_STEPS = 1_000_000
"""Above so many, `replay` leaves the rules of steps to `check`."""


def replay(file: _TraceFile, *, as_json: _Json = False, width: _Width = None) -> None:
    """Show what happened: counts, tree, waits, copies, completeness.

    Example: proctrace replay build.ptrace
    """
    from replay.audit import Audit
    from replay.recording import Recording
    from replay.report import json_text, summary
    from replay.report.cow_totals import CowTotals
    from replay.totals import Totals

    trace, forest = _rebuilt(file)
    recording, memory = Recording.of(trace), _memory(trace)
    page = summary.Summary(
        trace,
        recording,
        Totals.of(trace, forest.processes.values()),
        Audit.of(trace, forest, memory),
        _tree_of(forest, recording.end_ns, threads=False),
        None if memory is None else CowTotals.of(memory),
        _tally(trace, recording.kernel, memory),
    )
    if as_json:
        _write([json_text.document(summary.summary_json(page))])
        return
    screen = _screen(width)
    screen.write(summary.summary_lines(page, screen.width))


def tree(
    file: _TraceFile,
    *,
    threads: Annotated[
        bool, typer.Option("--threads", help="Give threads lines of their own.")
    ] = False,
    as_json: _Json = False,
    width: _Width = None,
) -> None:
    """Show every process: how created, how ended, who waited.

    Processes stand below their parent at birth. BORN is fork, vfork, vfork-like (as posix_spawn
    does it) or clone; WAIT says how long the parent slept for it, or how long it was a zombie
    until its parent came. A command in brackets was inherited: the process executed nothing
    itself. A ? marks what the recording does not tell for certain, a > a time of at least that.

    Example: proctrace tree --threads build.ptrace | less
    """
    from replay.recording import Recording
    from replay.report import json_text, tree_json
    from replay.report import tree as report
    from replay.report.progress import tracked

    trace, forest = _rebuilt(file)
    drawn = _tree_of(forest, Recording.of(trace).end_ns, threads=threads)
    count = len(forest.processes)
    if as_json:
        items = tracked("writing", tree_json.process_items(drawn), count)
        head = {"complete": trace.complete, "until_ns": drawn.until_ns or None}
        _write(json_text.listing(head, "processes", items))
        return
    screen = _screen(width)
    widths = report.column_widths(drawn.cells())
    screen.write(report.lines(tracked("writing", drawn.rows(), count), widths, screen.width))


def info(file: _TraceFile, *, as_json: _Json = False) -> None:
    """Show what a trace says of itself: host, hooks, sizes, losses.

    Example: proctrace info build.ptrace
    """
    from replay.losses import Losses
    from replay.report import info as report
    from replay.report import json_text
    from traces.reader import open_trace

    trace = open_trace(file)
    losses = Losses.of(trace)
    if as_json:
        _write([json_text.document(report.info_json(trace, losses))])
        return
    _screen().write(report.info_lines(trace, losses))


def dump(
    file: _TraceFile,
    *,
    table: Annotated[
        list[str] | None,
        typer.Option("--table", metavar="TABLE", help="Only this table; may be given again."),
    ] = None,
    by_time: Annotated[
        bool, typer.Option("--by-time", help="All tables in one order of time.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", min=0, metavar="N", help="Stop after N rows.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Show the rows of a trace as they are; --json gives JSON Lines.

    Example: proctrace dump --table exec --limit 10 build.ptrace
    """
    from replay.report import dump as report
    from replay.report.progress import tracked
    from traces.reader import open_trace

    trace = open_trace(file)
    tables = _tables(table or [])
    order = report.rows_by_time if by_time else report.rows_by_table
    count = report.row_count(trace, tables, limit)
    rows = tracked("writing", report.limited(order(trace, tables), limit), count)
    if as_json:
        _write(report.json_lines(trace, rows))
    else:
        _screen().write(report.text_lines(rows))


def audit(file: _TraceFile, *, as_json: _Json = False) -> None:
    """Check a recording against the kernel's own counters.

    Exit status: 0 it is complete, 3 something was lost or cut off, 1 its counters contradict
    each other although no loss was recorded, 2 the file cannot be read.

    Example: proctrace audit build.ptrace && echo complete
    """
    from replay.audit import Audit
    from replay.report import audit as report
    from replay.report import json_text

    trace, forest = _rebuilt(file)
    audited = Audit.of(trace, forest, _memory(trace))
    if as_json:
        _write([json_text.document(report.audit_json(audited))])
    else:
        _screen().write(report.audit_lines(audited))
    raise typer.Exit(report.audit_status(audited))


COMMANDS = (replay, tree, info, dump, audit)
"""The offline commands of no subject of their own; each is called as its function is."""


def register(app: typer.Typer) -> None:
    """Add the offline commands to the command line."""
    for command in (
        *COMMANDS,
        *MEMORY_COMMANDS,
        *STEPS_COMMANDS,
        *CHECK_COMMANDS,
        *MODEL_COMMANDS,
        *SIMULATOR_COMMANDS,
        *COMPARE_COMMANDS,
    ):
        app.command()(command)
    app.add_typer(model_app, name="model")


def _rebuilt(file: Path) -> tuple[Trace, ProcessForest]:
    from replay.forest import ProcessForest
    from replay.report.progress import progress
    from traces.reader import open_trace

    with progress("reading the trace"):
        trace = open_trace(file)
        return trace, ProcessForest.from_trace(trace)


def _memory(trace: Trace) -> PageHistories | None:
    """Give the memory of a recording with faults."""
    from replay.memory.history import PageHistories
    from replay.report.progress import progress

    if not trace.rows("fault"):
        return None
    with progress("rebuilding the memory"):
        return PageHistories.from_trace(trace)


def _tally(trace: Trace, kernel: str, memory: PageHistories | None) -> Tally:
    """Hold a trace against the model of its kernel.

    The rules of steps are left out where there are very many, which takes longer than all else.
    """
    from replay.checks.registry import CHECKS, OF_STEPS
    from replay.checks.run import run_checks
    from replay.checks.tally import Tally
    from replay.model.load import model_for
    from replay.report.progress import progress

    with progress("checking the trace"):
        model = model_for(kernel).model
        left = OF_STEPS if trace.rows("step") > MANY_STEPS else ()
        checks = [check for check in CHECKS if check not in left]
        return Tally.of(model.name, run_checks(trace, model, checks, memory), left)


def _tree_of(forest: ProcessForest, until_ns: int, *, threads: bool) -> Tree:
    from replay.report.tree import Tree

    return Tree(forest.processes, forest.roots, threads, until_ns)


def _tables(wanted: list[str]) -> list[str]:
    """Give the wanted tables in the schema's order, all without a wish; refuse unknown names."""
    from traces.schema import TABLES

    unknown = [name for name in wanted if name not in TABLES]
    if unknown:
        close = get_close_matches(unknown[0], TABLES)
        meant = f"did you mean {close[0]}? " if close else ""
        raise ProctraceError(
            f"there is no table {unknown[0]!r}",
            f"a trace has the tables {', '.join(TABLES)}",
            f"{meant}'proctrace info FILE' lists the tables that have rows",
            status=STATUS_UNUSABLE_INPUT,
        )
    return [name for name in TABLES if name in wanted or not wanted]


def _screen(width: int | None = None) -> Screen:
    from replay.report.screen import Screen

    return Screen(sys.stdout, width)


def _write(parts: Iterable[str]) -> None:
    for part in parts:
        sys.stdout.write(part)
