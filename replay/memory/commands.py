# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: PLC0415 - polars and the reports are imported when a command runs, as in replay.commands
"""The offline commands about memory."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from traces.errors import STATUS_UNUSABLE_INPUT, ProctraceError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from replay.memory.remembered import Remembered
    from replay.report.screen import Line

_TraceFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="A trace that 'proctrace record' wrote.")
]
_Json = Annotated[
    bool, typer.Option("--json", help="Print JSON, the same bytes for the same trace.")
]
_Width = Annotated[
    int | None,
    typer.Option("--width", min=0, metavar="CELLS", help="Make it fit this width; 0: any."),
]
_KEYS: Final = ("fork", "process", "mapping", "section", "symbol", "address", "stack")


def cow(  # noqa: PLR0913 - one parameter for each option
    file: _TraceFile,
    *,
    by: Annotated[
        str | None, typer.Option("--by", metavar="WHAT", help=f"{', '.join(_KEYS)} [process]")
    ] = None,
    fork: Annotated[
        str | None,
        typer.Option(metavar="PID", help="Show what became of the memory that child PID got."),
    ] = None,
    process: Annotated[
        str | None,
        typer.Option(metavar="PID", help="Show of what the memory of PID consisted at its end."),
    ] = None,
    top: Annotated[
        int, typer.Option(min=0, metavar="N", help="Show the N greatest rows; 0 shows all.")
    ] = 20,
    as_json: _Json = False,
    width: _Width = None,
) -> None:
    """Show which pages were copied on write, by whom and where.

    After a fork both processes have the same pages. Whoever writes to one first gets a COPY of
    it; the other one REUSES the page as it is. FROM FILE are private copies of a file's pages,
    which need no fork.

    Example: proctrace cow build.ptrace --by symbol, or --fork 4120 for one of the forks
    """
    chosen = [name for name, value in (("--by", by), ("--fork", fork), ("--process", process))
              if value is not None]  # fmt: skip
    if len(chosen) > 1:
        raise _misused(
            f"{' and '.join(chosen)} are two questions",
            "each has an answer of its own",
            f"run it once for each, as in: proctrace cow {file} {chosen[0]} ...",
        )
    if by is not None and by not in _KEYS:
        meant = (get_close_matches(by, _KEYS) or ["process"])[0]
        raise _misused(
            f"cannot sum up copies by {by!a}",
            f"they are summed up by {', '.join(_KEYS)}",
            f"did you mean --by {meant}?",
        )
    if fork is not None:
        _show_fork(_remembered(file), fork, width, as_json=as_json)
    elif process is not None:
        _show_process(_remembered(file), process, width, as_json=as_json)
    else:
        _show_sums(_remembered(file), by or "process", top, width, as_json=as_json)


def page(
    file: _TraceFile,
    pid: Annotated[
        str,
        typer.Argument(
            metavar="PID", help="A process that had the page; PID@START_NS where a pid had several."
        ),
    ],
    address: Annotated[
        str, typer.Argument(metavar="ADDRESS", help="Any address in the page: 0x7f12.., or decimal")
    ],
    *,
    as_json: _Json = False,
) -> None:
    """Tell the story of one page across processes.

    Who touched it first, which forks shared it, who copied it, when and by which instruction,
    who kept it, and how it went away. Letters name physical pages: a copy is a new letter.

    'proctrace cow FILE --by address' lists pages that were copied.

    Example: proctrace page build.ptrace 4120 0x7ffd3c0a1000
    """
    from replay.chosen import chosen_process
    from replay.report.page import page_lines
    from replay.report.page_facts import PageFacts
    from replay.report.page_json import page_json

    place = _address(address)
    known = _remembered(file)
    one = chosen_process(known.forest, pid)
    facts = PageFacts(known.trace, known.forest, known.memory, (one.id, place), known.begin_ns)
    for story in known.stories(one.id, place):
        facts.add(story)
    _show(known, page_lines(facts), page_json(facts), as_json=as_json)


COMMANDS = (cow, page)
"""The commands of this subject; each is called as its function is."""


def _show_sums(known: Remembered, by: str, top: int, width: int | None, *, as_json: bool) -> None:
    from replay.memory.contradictions import contradictions
    from replay.memory.cow import CowKey, cow_by
    from replay.report.cow import cow_json, cow_lines
    from replay.report.noticed import noticed_json, noticed_lines
    from replay.report.screen import Screen

    key = CowKey(by)
    found, noticed = cow_by(known.memory, key), contradictions(known.memory)
    costs = known.costs() if key is CowKey.FORK else None
    most = top or len(found.rows)

    def lines() -> Iterable[Line]:
        room = Screen(sys.stdout, width).width
        yield from cow_lines(found, key, most, known.who, costs, width=room)
        yield from noticed_lines(noticed, "where faults did not fit what was known of their pages")

    value = cow_json(found, key, most, known.who, costs)
    value = {**value, "contradictions": noticed_json(noticed)}
    _show(known, lines(), value, as_json=as_json)


def _show_fork(known: Remembered, pid: str, width: int | None, *, as_json: bool) -> None:
    from replay.memory.fork_pages import fork_pages
    from replay.report.cow_fork import ForkView, fork_json, fork_lines
    from replay.report.screen import Screen

    costs = known.fork(pid)
    pages = fork_pages(known.memory, costs["child"])
    view = ForkView(pages, costs, known.who, known.begin_ns, known.ending(costs["child"]))
    lines = fork_lines(view, Screen(sys.stdout, width).width)
    _show(known, lines, fork_json(view), as_json=as_json)


def _show_process(known: Remembered, pid: str, width: int | None, *, as_json: bool) -> None:
    from replay.report.cow_process import process_json, process_lines
    from replay.report.screen import Screen

    view = known.process_view(pid)
    lines = process_lines(view, Screen(sys.stdout, width).width)
    _show(known, lines, process_json(view), as_json=as_json)


def _remembered(file: Path) -> Remembered:
    from replay.memory.remembered import remembered

    return remembered(file)


def _show(
    known: Remembered, lines: Iterable[Line], value: dict[str, object], *, as_json: bool
) -> None:
    from replay.report import json_text
    from replay.report.losses import losses_json, losses_lines
    from replay.report.screen import Screen

    losses = known.forest.losses
    if as_json:
        sys.stdout.write(json_text.document(value | losses_json(losses)))
    else:
        Screen(sys.stdout).write(chain(losses_lines(losses), lines))


def _address(text: str) -> int:
    """Read an address; bare digits are decimal, with a to f among them they are hex."""
    for base in (0, 10, 16):
        try:
            address = int(text, base)
        except ValueError:
            continue
        if 0 <= address < 1 << 64:
            return address
    raise _misused(
        f"{text!a} is no address",
        "an address is a number of up to 64 bits, in hex or decimal",
        "write it as in 0x7ffd3c0a1000",
    )


def _misused(what: str, why: str, hint: str) -> ProctraceError:
    return ProctraceError(what, why, hint, status=STATUS_UNUSABLE_INPUT)
