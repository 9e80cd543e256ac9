# SPDX-License-Identifier: Apache-2.0
"""Reference models as text and as JSON: the list, one whole model, and what differs between two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from replay.checks.post_conditions import flags_in_words, in_words
from replay.model.diff import plain
from replay.report.screen import BAD, BOLD, DIM, GOOD, NOTABLE, PLAIN, Line, Piece, aligned
from replay.report.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from replay.model.diff import Difference
    from replay.model.values import Change, Model, Observation, Step

_SHORT_HASH: Final = 12


def list_lines(models: Sequence[Model]) -> Iterator[Line]:
    """Give a line for each model."""
    rows: list[list[Piece]] = [[(name, DIM) for name in ("MODEL", "EXTENDS", "STEPS", "ABOUT")]]
    for model in models:
        extends = model.extends[0] if model.extends else ""
        rows.append(
            [(model.name, BOLD), (extends, PLAIN), (str(len(model.steps)), PLAIN),
             (model.title, PLAIN)]
        )  # fmt: skip
    yield from aligned(rows, numbers=(2,))


def list_json(models: Sequence[Model]) -> dict[str, Any]:
    """Give name, title, kernel and changes of each model."""
    return {
        "models": [
            {
                "name": model.name,
                "title": model.title,
                "kernel": _kernel(model),
                "extends": list(model.extends),
                "steps": len(model.steps),
                "changes": plain(model.changes),
            }
            for model in models
        ]
    }


def show_lines(model: Model) -> Iterator[Line]:
    """Give a whole model."""
    yield [(model.name, BOLD), (f"  {model.title}", PLAIN)]
    if model.extends:
        yield [(f"extends {', '.join(model.extends)}", DIM)]
    yield from _changes(model.changes)
    yield []
    yield [("steps, in order", BOLD)]
    for number, step in enumerate(model.steps, 1):
        yield from _step(number, step)
    yield from _undo(model)
    yield from _refused(model)
    yield from _cow(model)
    yield from _sequences(model)


def show_json(model: Model) -> dict[str, Any]:
    """Give a whole model; the closure of the order is left out, it follows from `after`."""
    value = plain(model)
    assert isinstance(value, dict)  # noqa: S101 - for the type checker
    return {**{key: one for key, one in value.items() if key != "before"}, "kernel": _kernel(model)}


def diff_lines(
    before: Model, after: Model, changes: Sequence[Change], found: Sequence[Difference]
) -> Iterator[Line]:
    """Give what differs, after the notes of what the kernel changed in between."""
    yield [(f"{before.name} → {after.name}", BOLD), (f"  {counted(len(found), 'difference')}", DIM)]
    yield from _changes(changes)
    for difference in found:
        yield []
        yield [(difference.place, BOLD)]
        if difference.before is not None:
            yield [("  - ", BAD), (difference.before, PLAIN)]
        if difference.after is not None:
            yield [("  + ", GOOD), (difference.after, PLAIN)]


def diff_json(
    before: Model, after: Model, changes: Sequence[Change], found: Sequence[Difference]
) -> dict[str, Any]:
    """Give what differs."""
    return {
        "before": before.name,
        "after": after.name,
        "changes": [plain(change) for change in changes],
        "differences": [plain(difference) for difference in found],
    }


def _kernel(model: Model) -> str | None:
    return None if model.kernel is None else f"{model.kernel[0]}.{model.kernel[1]}"


def _changes(changes: Sequence[Change]) -> Iterator[Line]:
    for change in changes:
        commit = f" ({change.commit[:_SHORT_HASH]})" if change.commit else ""
        yield [(f"since {change.since}{commit}: ", NOTABLE), (change.what, PLAIN)]


def _step(number: int, step: Step) -> Iterator[Line]:
    when = flags_in_words(step.when).strip()
    calls = f"by {' or '.join(step.calls)}" if step.calls else ""
    only_if = f"if {step.only_if}" if step.only_if else ""
    condition = ", ".join(part for part in (calls, when, only_if) if part)
    yield [
        (f"{number:>3}  ", DIM),
        (step.id, BOLD),
        (f"  {step.title}", PLAIN),
        (f"  [{condition}]" if condition else "", DIM),
    ]
    for leaves in step.leaves:
        exception = f", unless {leaves.unless}" if leaves.unless else ""
        yield [("       leaves  ", DIM), (in_words(leaves) + exception, PLAIN)]
    if step.errno:
        undo = f", then {step.undo}" if step.undo else ""
        yield [("       fails   ", DIM), (", ".join(step.errno) + undo, PLAIN)]
    for tier, seen in step.observe.items():
        for one in seen:
            yield [(f"       {tier}      ", DIM), (_observation(one), PLAIN)]


def _observation(observation: Observation) -> str:
    at = f" at {', '.join(observation.sites)}" if observation.sites else ""
    sure = "" if observation.sure else ", not always"
    name = observation.kind.value.replace("_", " ")
    return f"{name} {observation.name}{at}{flags_in_words(observation.when)}{sure}"


def _undo(model: Model) -> Iterator[Line]:
    if model.undo:
        yield []
        yield [("undo ladder, fallen through downwards", BOLD)]
        yield from aligned(
            [[(rung.label, PLAIN), (", ".join(rung.functions), DIM)] for rung in model.undo], "  "
        )


def _refused(model: Model) -> Iterator[Line]:
    if not model.refused:
        return
    yield []
    yield [("refused", BOLD)]
    rows: list[list[Piece]] = []
    for refusal in model.refused:
        signal = f" exit signal {refusal.exit_signal}" if refusal.exit_signal else ""
        words = f"{flags_in_words(refusal.when)}{signal}".strip()
        only_if = f"if {refusal.only_if}" if refusal.only_if else ""
        rows.append(
            [(refusal.errno, PLAIN), (" ".join(refusal.calls), PLAIN), (words, PLAIN),
             (only_if, DIM)]
        )  # fmt: skip
    yield from aligned(rows, "  ")


def _cow(model: Model) -> Iterator[Line]:
    if not model.cow:
        return
    yield []
    yield [("copy on write, the first line that fits decides", BOLD)]
    rows: list[list[Piece]] = []
    for case in model.cow:
        facts = [] if case.exclusive is None else [f"{'' if case.exclusive else 'not '}exclusive"]
        for name, ends in (("refcount", case.refcount), ("mapcount", case.mapcount)):
            if ends is not None:
                facts.append(f"{name} {_range(ends)}")
        rows.append([(case.decision.value, BOLD), (", ".join(facts) or "else", PLAIN),
                     (case.why, DIM)])  # fmt: skip
    yield from aligned(rows, "  ")


def _range(ends: tuple[int, int]) -> str:
    if ends[0] == ends[1]:
        return str(ends[0])
    return f"from {ends[0]}" if ends[1] == (1 << 31) - 1 else f"{ends[0]} to {ends[1]}"


def _sequences(model: Model) -> Iterator[Line]:
    for sequence in model.sequences:
        yield []
        yield [(sequence.id, BOLD), (f"  {sequence.title}", PLAIN)]
        for event in sequence.events:
            after = f" (after {', '.join(sorted(event.after))})" if event.after else ""
            yield [(f"  {event.id}", PLAIN), (f"  {event.title}{after}", DIM)]
        for name, value in sequence.settings.items():
            shown = ", ".join(value) if isinstance(value, tuple) else str(value).lower()
            yield [(f"  {name.replace('_', ' ')}: ", DIM), (shown, PLAIN)]
