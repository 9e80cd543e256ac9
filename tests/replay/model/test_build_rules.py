# SPDX-License-Identifier: Apache-2.0
"""The other sections of a model file: what is refused, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from replay.model.load import load_model
from tests.replay.model.writing import STEPS, error_of, write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("more", "where", "why"),
    [
        ("undo: {a: {next: b}}", "6:18", "there is no undo label 'b'"),
        ("undo: {a: {next: b}, b: {next: a}}", "6:8", "the ladder comes back to a"),
        ("refused: {a: {errno: EINVAL, step: frst}}", "6:36", "there is no step 'frst'"),
        ("refused: {a: {step: first}}", "6:14", "refusal a needs 'errno'"),
        ("refused: {a: {errno: EINVAL, step: first, calls: [fork]}}", "6:51", "cannot be 'fork'"),
        (
            "refused: {a: {errno: EINVAL, step: first, exit_signal: odd}}", "6:56",
            "cannot be 'odd'",
        ),
        ("cow: [{id: a, decision: perhaps, why: w}]", "6:25", "cannot be 'perhaps'"),
        ("cow: [{id: a, decision: copy, why: w, refcount: [1]}]", "6:49", "is to be [from, to]"),
        ("cow: [{id: a, decision: copy, why: w, refcount: [2, 1]}]", "6:49", "ends before it"),
        ("cow: {a: b}", "6:6", "is to be a list, not a mapping"),
        ("sequences: {exec: {title: T}}", "6:19", "sequence exec needs 'events'"),
        (
            "sequences: {exec: {title: T, events: {a: {title: A, after: [b]}}}}", "6:61",
            "there is no event 'b'",
        ),
        (
            "sequences: {exec: {title: T, events: {a: {title: A, after: [a]}}}}", "6:60",
            "the order goes round: a before a",
        ),
        ("sentences: {a: {says: S}}", "6:16", "sentence a needs 'rules'"),
        ("changes: [{what: w}]", "6:11", "a change needs 'since'"),
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path: Path, more: str, where: str, why: str) -> None:
    """At its line and column."""
    found = error_of(tmp_path, f"{STEPS}{more}\n")
    assert found[0] == where
    assert why in found[1]


def test_sections_as_values(tmp_path: Path) -> None:
    """The ladder from its first rung, settings of every kind, ranges with both ends."""
    path = write(
        tmp_path,
        STEPS
        + """undo: {last: {}, first: {next: last}}
cow: [{id: a, decision: open, why: w, refcount: [2, 3]}]
sequences:
  exec: {title: T, events: {a: {title: A}}, settings: {n: 3, yes: true, w: word, l: [x, y]}}
sentences: {"1": {says: S, rules: {step-order: [a], other: []}}}
""",
    )
    model = load_model(path)
    assert [rung.label for rung in model.undo] == ["first", "last"]
    assert model.cow[0].refcount == (2, 3)
    settings = dict(model.sequence("exec").settings)
    assert settings == {"n": 3, "yes": True, "w": "word", "l": ("x", "y")}
    assert model.sequence("exec").event("a").title == "A"
    assert model.sentences[0].rules == (("step-order", ("a",)), ("other", ()))
