# SPDX-License-Identifier: Apache-2.0
"""The steps of creations: where their time goes, and the ladder of one, as lines and as JSON."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from replay.names import CLONE_FLAGS, errno_name, flag_names
from replay.report.screen import BAD, BOLD, DIM, GOOD, NOTABLE, PLAIN, Line, Piece, aligned
from replay.report.units import counted, duration
from replay.steps.ladder import Seen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from replay.model.load import Choice
    from replay.steps.costs import Costs
    from replay.steps.ladder import Ladder, Rung
    from replay.steps.windows import Windows

_BAR_CELLS: Final = 30
_STYLES: Final = {
    Seen.OBSERVED: GOOD,
    Seen.EFFECT: GOOD,
    Seen.DIFFERS: BAD,
    Seen.MISSING: BAD,
    Seen.FAILED: BAD,
    Seen.MAY_HAVE_FAILED: NOTABLE,
    Seen.NOT_REACHED: DIM,
    Seen.UNOBSERVABLE: DIM,
}
_UNSEEN: Final = (Seen.NOT_REACHED, Seen.UNOBSERVABLE)


def costs_json(costs: Costs, windows: Windows, choice: Choice) -> dict[str, object]:
    """Give the sums over all creations as a value for JSON; times in ns."""
    return {
        "model": choice.model.name,
        "note": choice.note,
        "creations": costs.creations,
        "failed_calls": costs.failed,
        "total_ns": costs.total_ns,
        "vfork_waits": costs.slept,
        "vfork_wait_ns": costs.slept_ns,
        "events": len(windows.events),
        "events_in_interrupts": windows.in_interrupt,
        "events_outside_calls": windows.outside,
        "rows": costs.rows.to_dicts(),
    }


def costs_lines(costs: Costs, windows: Windows, choice: Choice) -> Iterator[Line]:
    """Give the report: how many, then each step with its share as a bar and what it consists of."""
    yield from _note_lines(choice)
    mean_ns = round(costs.total_ns / max(costs.creations, 1))
    each = f", {duration(mean_ns)} each" if costs.creations else ""
    yield [("creations ", DIM), (f"{costs.creations:,}", BOLD), (each, PLAIN)]
    if costs.slept:
        slept = f"{counted(costs.slept, 'parent')} slept {duration(costs.slept_ns // costs.slept)}"
        yield [("vfork     ", DIM), (slept, PLAIN), (" each for the child; not counted here", DIM)]
    if costs.failed:
        failed = counted(costs.failed, "call")
        yield [("failed    ", DIM), (failed, PLAIN), ("; --failed shows the first", DIM)]
    left_out = f"; {windows.in_interrupt:,} in interrupts left out" if windows.in_interrupt else ""
    yield [("events    ", DIM), (f"{len(windows.events):,}{left_out}", PLAIN)]
    if not costs.creations:
        return
    yield []
    heads = ("MEAN", "EVENTS", "SHARE", "", "STEP")
    rows: list[list[Piece]] = [[(text, DIM) for text in heads]]
    for (step,), parts in costs.rows.group_by("step", maintain_order=True):
        share, per_call_ns, events = (
            float(parts[name].sum()) for name in ("share", "mean_ns", "events")
        )
        rows.append(_cost_row(str(step), share, per_call_ns, events / costs.creations))
        for part in parts.iter_rows(named=True) if len(parts) > 1 else ():
            name = f"  {part['part'] or 'between'}"
            per_creation = part["events"] / costs.creations
            rows.append(_cost_row(name, part["share"], part["mean_ns"], per_creation))
    yield from aligned(rows, numbers=(0, 1, 2))
    yield [("MEAN and EVENTS are the mean of all creations", DIM)]


def ladder_json(ladder: Ladder, choice: Choice) -> dict[str, object]:
    """Give one call as a value for JSON; times in ns."""
    call = ladder.call
    return {
        "model": choice.model.name,
        "note": choice.note,
        "tid": call["tid"],
        "child_tid": call["child_tid"],
        "clone_flags": _flags(call),
        "result": call["result"],
        "took_ns": call["time_ns"] - call["enter_ns"],
        "failed_at": list(ladder.failed_at),
        "undone_from": list(ladder.entered_at),
        "steps": [_rung_json(rung) for rung in ladder.rungs],
        "undone": [
            {"function": run.function, "cache": run.cache, "count": run.count,
             "after_ns": run.after_ns, "label": run.label}
            for run in ladder.undone
        ],
    }  # fmt: skip


def ladder_lines(ladder: Ladder, choice: Choice) -> Iterator[Line]:
    """Give one call step by step, and what was taken back if it failed."""
    yield from _note_lines(choice)
    call = ladder.call
    made = f"made {call['child_tid']}" if call["child_tid"] is not None else "made no task"
    failed = f": {errno_name(-call['result'])}" if call["result"] < 0 else ""
    took = duration(call["time_ns"] - call["enter_ns"])
    yield [(f"{call['tid']} {made}{failed}", BOLD), (f" in {took}", PLAIN)]
    yield [("flags ", DIM), (" ".join(flag_names(_flags(call), CLONE_FLAGS)) or "none", PLAIN)]
    if ladder.failed_at:
        yield [("failed at ", DIM), (" or ".join(ladder.failed_at), BAD)]
    yield []
    heads = ("AT", "TOOK", "SEEN", "OBJECT", "STEP", "")
    rows: list[list[Piece]] = [[(text, DIM) for text in heads]]
    rows += _rung_rows(ladder.rungs)
    yield from aligned(rows, numbers=(0, 1))
    if ladder.undone:
        yield []
        yield [("undone", BOLD), (_from(ladder.entered_at), PLAIN)]
        undone: list[list[Piece]] = [
            [
                (f"+{duration(run.after_ns)}", DIM),
                (f"{run.count}×", PLAIN),
                (run.function, PLAIN),
                (run.cache, DIM),
                (run.label, PLAIN),
            ]
            for run in ladder.undone
        ]
        yield from aligned(undone, "  ", numbers=(0, 1))


def _from(labels: tuple[str, ...]) -> str:
    return f", from {' or '.join(labels)} on" if labels else ""


def _note_lines(choice: Choice) -> Iterator[Line]:
    yield [("model     ", DIM), (choice.model.name, PLAIN)]
    if choice.note:
        yield [("note: ", NOTABLE), (choice.note, PLAIN)]


def _flags(call: dict[str, Any]) -> int:
    return int(call["flags"] if call["clone_flags"] is None else call["clone_flags"])


def _cost_row(name: str, share: float, mean_ns: float, events: float) -> list[Piece]:
    cells = round(share * _BAR_CELLS)
    part = name.startswith(" ")
    return [
        (duration(round(mean_ns)), DIM if part else PLAIN),
        (f"{events:.3g}" if events else "", DIM),
        (f"{share:.1%}", DIM if part else PLAIN),
        ("#" * cells + "·" * (_BAR_CELLS - cells), NOTABLE if cells and not part else DIM),
        (name, DIM if part else PLAIN),
    ]


def _rung_rows(rungs: Sequence[Rung]) -> Iterator[list[Piece]]:
    """Give a row for each step, but a single one for those that a failed call did not reach."""
    for reached, run in groupby(rungs, key=lambda rung: rung.seen is not Seen.NOT_REACHED):
        first, *more = run
        if reached or not more:
            yield from map(_rung_row, (first, *more))
        else:
            words = f"and {counted(len(more), 'more step', 'more steps')}, to {more[-1].step}"
            yield [*_rung_row(first)[:-1], (words, DIM)]


def _rung_row(rung: Rung) -> list[Piece]:
    parts = ", ".join(
        f"{name} × {count}" if count > 1 else name for name, count, _ in rung.parts if name
    )
    only_if = f" [if {rung.only_if}]" if rung.only_if and rung.seen in _UNSEEN else ""
    return [
        (f"+{duration(rung.after_ns)}" if rung.after_ns is not None else "", DIM),
        (duration(rung.took_ns) if rung.took_ns or rung.after_ns is not None else "", PLAIN),
        (str(rung.seen) if rung.expected else "not expected", _STYLES[rung.seen]),
        (rung.sharing, NOTABLE if rung.sharing == "copied" else PLAIN),
        (rung.step, PLAIN),
        (parts or rung.title + only_if, DIM),
    ]


def _rung_json(rung: Rung) -> dict[str, object]:
    return {
        "step": rung.step,
        "title": rung.title,
        "function": rung.function,
        "only_if": rung.only_if or None,
        "expected": rung.expected,
        "seen": str(rung.seen),
        "object": rung.sharing or None,
        "after_ns": rung.after_ns,
        "took_ns": rung.took_ns,
        "parts": [
            {"part": name, "events": count, "took_ns": took_ns}
            for name, count, took_ns in rung.parts
        ],
    }
