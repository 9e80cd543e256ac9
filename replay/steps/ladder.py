# SPDX-License-Identifier: Apache-2.0
"""One call of the clone family, step by step: expected, observed, shared or copied, its time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from replay.model.values import Kind, Observed
from replay.names import CLONE_VFORK, syscall_name
from replay.steps.naming import RETURNED
from replay.steps.undoing import entered_at, undone
from replay.steps.windows import What

if TYPE_CHECKING:
    from collections.abc import Mapping

    from replay.model.values import Model, Step
    from replay.steps.undoing import Undone

_VFORK_WAIT: Final = "vfork_wait"
_MOMENTS: Final = ("task_newtask", "sched_process_fork", "sched_wakeup_new")


class Seen(StrEnum):
    """Whether a step was seen."""

    OBSERVED = "observed"
    EFFECT = "effect seen"
    """No event shows it, but it left behind what the model says."""
    DIFFERS = "effect differs"
    """It left behind something else: a rule is violated."""
    MISSING = "missing"
    """It must show itself in such a call, and did not."""
    FAILED = "failed here"
    """It alone can have given the error."""
    MAY_HAVE_FAILED = "may have failed"
    """It can have given the error, and so can another."""
    NOT_REACHED = "not reached"
    """The call failed before it."""
    UNOBSERVABLE = "not observable"
    """Nothing that was recorded shows it, or not always."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a ladder."""

    step: str
    title: str
    function: str
    only_if: str
    """A condition that no trace shows, in words; empty where there is none."""
    expected: bool
    """The call and its flags ask for it."""
    seen: Seen
    sharing: str
    """`shared` or `copied` with what, by the pointers of parent and child; empty where none."""
    after_ns: int | None
    """From the call's entry to its first event; None where none was seen."""
    took_ns: int
    parts: tuple[tuple[str, int, int], ...]
    """What it is made of: name, number of events, ns."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """One call."""

    call: dict[str, Any]
    """Its row of `Windows.calls`."""
    rungs: tuple[Rung, ...]
    failed_at: tuple[str, ...]
    """The steps at which it can have failed; empty for a call that made a task."""
    entered_at: tuple[str, ...]
    """The labels of the undo ladder that these jump to."""
    undone: tuple[Undone, ...]


def ladder(
    call: dict[str, Any],
    moments: pl.DataFrame,
    model: Model,
    effects: Mapping[str, bool],
    failed_at: tuple[str, ...] = (),
) -> Ladder:
    """Hold the named moments of one call (`naming.named`) against the model's steps.

    `effects` tells of steps whether they left behind what the model says (`effects.effects`),
    `failed_at` at which a failed call can have failed (`checks.failing_step.failures`).
    """
    flags = call["flags"] if call["clone_flags"] is None else call["clone_flags"]
    slept_ns = call["blocked_total_ns"] if flags & CLONE_VFORK else 0
    own = _without_sleep(moments.filter(pl.col("window") == call["window"]), slept_ns)
    syscall = syscall_name(call["syscall"])
    last = _last_place(own, model, failed_at) if call["result"] < 0 else len(model.steps)
    # Where the host hid its addresses no event can be told to be of a step.
    named = own.get_column("function").is_not_null().any()
    rungs = []
    for place, step in enumerate(model.steps):
        events = own.filter(pl.col("step") == step.id)
        expected = step.when.holds(flags) and (not step.calls or syscall in step.calls)
        if not expected and events.is_empty():
            continue
        slept = slept_ns if step.id == _VFORK_WAIT else 0
        seen = _seen(step, flags, effects, observed=len(events) + slept > 0, reached=place <= last)
        if seen is Seen.MISSING and not named:
            seen = Seen.UNOBSERVABLE
        if step.id in failed_at:
            seen = Seen.FAILED if len(failed_at) == 1 else Seen.MAY_HAVE_FAILED
        rungs.append(_rung(step, call, events, seen, expected=expected, slept_ns=slept))
    taken_back = undone(own, call, model)
    return Ladder(call, tuple(rungs), failed_at, entered_at(model, failed_at), taken_back)


def _without_sleep(own: pl.DataFrame, slept_ns: int) -> pl.DataFrame:
    """Take the sleep of a vfork's parent out of the longest span, which it is in."""
    longest = pl.int_range(pl.len()) == pl.col("took_ns").arg_max()
    awake_ns = pl.max_horizontal(pl.col("took_ns") - slept_ns, 0)
    return own.with_columns(took_ns=pl.when(longest).then(awake_ns).otherwise("took_ns"))


def _last_place(own: pl.DataFrame, model: Model, failed_at: tuple[str, ...]) -> int:
    seen = {*own["step"].drop_nulls().to_list(), *failed_at[:1]}
    places = [
        place for place, step in enumerate(model.steps) if step.id in seen and step.id != RETURNED
    ]
    return max(places, default=-1)


def _seen(
    step: Step, flags: int, effects: Mapping[str, bool], *, observed: bool, reached: bool
) -> Seen:
    as_due = effects.get(step.id)
    if as_due is False:
        return Seen.DIFFERS
    if observed:
        return Seen.OBSERVED
    if not reached:
        return Seen.NOT_REACHED
    if _must_show(step, flags):
        return Seen.MISSING
    return Seen.EFFECT if as_due else Seen.UNOBSERVABLE


def _must_show(step: Step, flags: int) -> bool:
    """Tell whether one of the tables of a recording with steps shows the step each time."""
    return not step.only_if and any(
        seen.sure
        and seen.when.holds(flags)
        and (
            seen.kind is Observed.ALLOC
            or (seen.kind is Observed.TRACEPOINT and seen.name in _MOMENTS)
        )
        for seen in step.observe.get("t0", ())
    )


def _rung(  # noqa: PLR0913 - a rung is made of what the loop knows
    step: Step,
    call: dict[str, Any],
    events: pl.DataFrame,
    seen: Seen,
    *,
    expected: bool,
    slept_ns: int,
) -> Rung:
    parts = (
        events.filter(pl.col("what") < What.ENTERED)
        .group_by("part", maintain_order=True)
        .agg(pl.len(), pl.col("took_ns").sum())
    )
    first_ns = events["time_ns"].min()
    error = step.id == RETURNED and call["result"] < 0
    return Rung(
        step=step.id,
        title="the call gives its error" if error else step.title,
        function=step.function,
        only_if=step.only_if,
        expected=expected,
        seen=seen,
        sharing=_sharing(step, call),
        after_ns=None if first_ns is None else int(str(first_ns)) - call["enter_ns"],
        took_ns=int(events["took_ns"].sum()) + slept_ns,
        parts=tuple(parts.iter_rows()),
    )


def _sharing(step: Step, call: dict[str, Any]) -> str:
    """Give what parent and child share or not, of the pointers that the step is about."""
    fields = dict.fromkeys(
        condition.field for condition in step.leaves if condition.kind in (Kind.SHARED, Kind.COPIED)
    )
    words = []
    for name in fields:
        mine, theirs = call.get(name), call.get(f"child_{name}")
        if mine is not None and theirs is not None:
            words.append("shared" if mine == theirs else "copied")
    return " ".join(words)
