# SPDX-License-Identifier: Apache-2.0
"""Steps of a model file: what is refused, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from replay.model.load import load_model
from replay.model.values import Kind, Observed, Target
from tests.replay.model.writing import HEAD, STEPS, error_of, write

if TYPE_CHECKING:
    from pathlib import Path


def test_a_step_with_everything(tmp_path: Path) -> None:
    """As values."""
    path = write(
        tmp_path,
        f"""{HEAD}steps:
  only:
    title: Only
    when: {{all: [VM], none: [THREAD]}}
    leaves:
      signal: {{equal: exit_signal, to: requested}}
      state: {{equal: child_state, to: TASK_NEW, unless: it rains}}
    errno: [ENOMEM]
    observe:
      t0: [{{alloc: mm_struct, at: [dup_mm], sure: false}}, {{capability: 21}}]
""",
    )
    step = load_model(path).steps[0]
    assert (step.when.all, step.when.none, step.errno) == (0x100, 0x10000, ("ENOMEM",))
    signal, state = step.leaves
    assert (signal.kind, signal.value) == (Kind.EQUAL, Target.REQUESTED)
    assert (state.value, state.named, state.unless) == (0x800, "TASK_NEW", "it rains")
    alloc, capability = step.observe["t0"]
    assert (alloc.kind, alloc.name, alloc.sites, alloc.sure) == (
        Observed.ALLOC, "mm_struct", ("dup_mm",), False,
    )  # fmt: skip
    assert (capability.name, capability.sure) == ("21", True)
    assert step.observe["t2"] == ()


def test_before_is_the_other_way_round(tmp_path: Path) -> None:
    """A new step gets its place by it, also before one that stands above."""
    path = write(tmp_path, f"{STEPS}  new: {{title: New, after: [first], before: [second]}}\n")
    model = load_model(path)
    assert [step.id for step in model.steps] == ["first", "new", "second"]
    assert model.before["second"] == {"first", "new"}


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ("  third: {title: T, after: [§secnd]}", "there is no step 'secnd'"),
        ("  third: {title: T, undo: §nowhere}", "there is no undo label 'nowhere'"),
        ("  third: {title: T, before: [first], after: [second]}", "the order goes round: "),
        ("  third: {title: T, leaves: {a: {shared: §fils}}}", "no column of newtask 'fils'"),
        ("  third: {title: T, leaves: {a: §{to: 1}}}", "needs one of shared, copied"),
        ("  third: {title: T, leaves: {a: §{set: [PF_IDLE]}}}", "needs 'of'"),
        ("  third: {title: T, leaves: {a: {equal: uid, to: §calr}}}", "no value 'calr'"),
        ("  third: {title: T, observe: {§t9: []}}", "has no 't9'"),
        ("  third: {title: T, observe: {t0: [§{at: [x]}]}}", "needs one of alloc, free"),
        ("  third: §[title]", "is to be a mapping, not a list"),
    ],
)
def test_what_is_refused(tmp_path: Path, more: str, why: str) -> None:
    """At its line and column."""
    found = error_of(tmp_path, f"{STEPS}{more}\n")
    assert why in found[1]


def test_a_cycle_is_named(tmp_path: Path) -> None:
    """With the steps on the way."""
    _, why, _ = error_of(
        tmp_path,
        STEPS.replace("after: [first]", "after: §[first]").replace(
            "title: First", "title: First, after: [second]"
        ),
    )
    assert why == "the order goes round: second before first before second"
