# SPDX-License-Identifier: Apache-2.0
"""Turns the post-conditions of a model's steps into questions about the rows of `newtask`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from replay.checks.creations import with_callers_parent, with_leaders
from replay.checks.judge import Cases, Question, judged, nothing_recorded
from replay.checks.verdict import WitnessEvent
from replay.model.terms import TASK_STATES
from replay.model.values import Kind, Target
from replay.names import CLONE_FLAGS, TASK_FLAGS, flag_names

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from replay.checks.evidence import Evidence
    from replay.checks.verdict import Verdict
    from replay.model.values import FlagCondition, PostCondition, Step
    from replay.tables import TraceTables

_MISSING: Final = {
    Target.REQUESTED: "the system call that asked for it was not recorded",
    Target.LEADERS: "the exit signal of the caller's group leader was not recorded",
    Target.CALLERS_PARENT: "the caller's parent at that moment was not recorded",
}
_STATE_NAMES: Final = {bits: name for name, bits in TASK_STATES.items()}


def flags_hold(condition: FlagCondition, column: str = "clone_flags") -> pl.Expr:
    """Give the expression for a condition on clone flags."""
    flags = pl.col(column)
    every, some, none = (
        flags & pl.lit(mask, pl.UInt64) for mask in (condition.all, condition.any, condition.none)
    )
    holds = (every == condition.all) & (none == 0)
    return holds & (some != 0) if condition.any else holds


def judged_fields(rule: str, evidence: Evidence, fields: Collection[str]) -> Verdict:
    """Hold every new task against what the model's steps leave in these fields."""
    questions = [
        _question(step, condition, evidence.trace)
        for step in evidence.model.steps
        for condition in step.leaves
        if condition.table == "newtask" and condition.field in fields
    ]
    tables = ("newtask", "clone_call") if "exit_signal" in fields else ("newtask",)
    return judged(rule, evidence, Cases(evidence.newtasks, tables, new_task_event), questions)


def judged_table(rule: str, evidence: Evidence, table: str) -> Verdict:
    """Hold every new task against what the model's steps leave in a table beside `newtask`."""
    questions = [
        _question(step, condition, evidence.trace)
        for step in evidence.model.steps
        for condition in step.leaves
        if condition.table == table
    ]
    tables = ("newtask", table)
    if questions and len(evidence.newtasks) and not len(evidence.trace.table(table)):
        lacks = f"the recording has no {table}: record with steps"
        return nothing_recorded(rule, evidence, tables, lacks)
    return judged(rule, evidence, Cases(evidence.states, tables, new_task_event), questions)


def new_task_event(row: dict[str, Any]) -> tuple[WitnessEvent, ...]:
    """Give the creation that a row of `newtask` is about, in words."""
    flags = " | ".join(flag_names(row["clone_flags"], CLONE_FLAGS)) or "no flags"
    text = f"{row['tid']} created {row['child_tid']} with {flags}"
    return (WitnessEvent(row["time_ns"], "task_newtask", text),)


def _question(step: Step, condition: PostCondition, trace: TraceTables) -> Question:
    holds = _holds(condition)
    if condition.unless:
        # The exception explains what would be a violation, and no trace shows it.
        holds = pl.when(holds).then(statement=True)
    missing = condition.unless and f"it may be that {condition.unless}"
    if not missing and isinstance(condition.value, Target):
        missing = _MISSING.get(condition.value, "")
    return Question(
        part=condition.id,
        rule=f"{step.function or step.id}: {in_words(condition)}",
        applies=flags_hold(condition.when),
        holds=holds,
        missing=missing or "it was not recorded",
        found=lambda row: _found(condition, row),
        prepare=_prepared(condition, trace),
    )


def _prepared(
    condition: PostCondition, trace: TraceTables
) -> Callable[[pl.DataFrame], pl.DataFrame] | None:
    if condition.value is Target.LEADERS:
        return lambda frame: with_leaders(frame, trace)
    if condition.value is Target.CALLERS_PARENT:
        return lambda frame: with_callers_parent(frame, trace)
    return None


def in_words(condition: PostCondition) -> str:
    """Give a post-condition as a sentence."""
    words = {
        Kind.SHARED: f"{condition.field} is shared",
        Kind.COPIED: f"{condition.field} is the child's own",
        Kind.EQUAL: f"{condition.field} is {condition.named.replace('_', ' ')}"
        if isinstance(condition.value, Target)
        else f"{condition.field} is {condition.named}",
        Kind.SET: f"{condition.named} set in {condition.field}",
        Kind.CLEARED: f"{condition.named} cleared in {condition.field}",
    }
    return words[condition.kind] + flags_in_words(condition.when)


def flags_in_words(condition: FlagCondition) -> str:
    """Give a condition on clone flags as ` with A and B and without C`; empty where it is none."""
    parts = [
        f"{word} {join.join(flag_names(mask, CLONE_FLAGS))}"
        for word, join, mask in (
            ("with", " and ", condition.all),
            ("with", " or ", condition.any),
            ("without", ", ", condition.none),
        )
        if mask
    ]
    return f" {' and '.join(parts)}" if parts else ""


def _holds(condition: PostCondition) -> pl.Expr:
    field = condition.field
    if condition.kind is Kind.SHARED:
        return pl.col(field) == pl.col(f"child_{field}")
    if condition.kind is Kind.COPIED:
        # A kernel thread has no such object, and neither has what it creates.
        return (pl.col(field) != pl.col(f"child_{field}")) | (pl.col(field) == 0)
    if condition.kind is Kind.SET:
        return (pl.col(field) & condition.bits) == condition.bits
    if condition.kind is Kind.CLEARED:
        return (pl.col(field) & condition.bits) == 0
    return _equal(field, condition.value)


def _equal(field: str, value: int | Target) -> pl.Expr:
    if value is Target.CALLER:
        same = pl.col(f"{field}_tid") == pl.col("tid")
        return same & (pl.col(f"{field}_start_ns") == pl.col("start_ns"))
    if value is Target.CALLERS_PARENT:
        return pl.col(f"{field}_tgid") == pl.col("callers_parent")
    if value is Target.GROUP:
        return pl.col(field) == pl.col("tgid")
    if value is Target.ITSELF:
        return pl.col(field) == pl.col("child_tid")
    if isinstance(value, Target):
        return pl.col(field) == pl.col(value.value)
    return pl.col(field) == value


def _found(condition: PostCondition, row: dict[str, Any]) -> str:
    field = condition.field
    if condition.kind in (Kind.SHARED, Kind.COPIED):
        return f"{field} is {row[field]:#x}, the child's {row[f'child_{field}']:#x}"
    if condition.kind in (Kind.SET, Kind.CLEARED):
        return f"{field} is {' | '.join(flag_names(row[field], TASK_FLAGS)) or '0'}"
    if f"{field}_tid" in row:
        return f"{field} is {row[f'{field}_tid']} (process {row[f'{field}_tgid']})"
    if field == "child_state":
        return f"{field} is {_STATE_NAMES.get(row[field], f'{row[field]:#x}')}"
    return f"{field} is {row[field]}"
