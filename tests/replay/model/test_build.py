# SPDX-License-Identifier: Apache-2.0
"""Whole models: the head of a file, and that every bundled one is sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from replay.model.files import bundled_names
from replay.model.load import bundled_models, load_model
from tests.replay.model.writing import HEAD, STEPS, error_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"{STEPS}§stepss: 1\n", "a model has no 'stepss'"),
        ("§" + HEAD, "a model needs 'steps'"),
        ("§" + STEPS.replace("name: mine\n", ""), "a model needs 'name'"),
        (f"{STEPS}kernel: §6.18\n", "kernel is to be a string, not a number"),
        (f"{STEPS}kernel: §new\n", "kernel is to be a release such as '6.18'"),
        ("§[]", "a model is to be a mapping, not a list"),
        ("a: [\n§", "it is not YAML"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, why: str) -> None:
    """At its line and column."""
    found = error_of(tmp_path, text)
    assert why in found[1]


@pytest.mark.parametrize("name", bundled_names())
def test_a_bundled_model_is_sound(name: str) -> None:
    """It has its own name; every step can be shown, and whatever fails is undone in order."""
    model = load_model(name)
    assert model.name == name
    assert (model.kernel is None) == (name == "textbook")
    places = {rung.label: place for place, rung in enumerate(model.undo)}
    for step in model.steps:
        assert any(step.observe.values()), f"{step.id} cannot be observed"
        assert bool(step.undo) <= bool(step.errno), f"{step.id} is undone but cannot fail"
        rungs = [places[rung.label] for rung in model.undo_of(step)]
        assert rungs == sorted(rungs)


@pytest.mark.parametrize("name", [name for name in bundled_names() if name != "textbook"])
def test_a_later_failure_undoes_more(name: str) -> None:
    """In a kernel's model the steps come in one order, and the ladder is entered in the reverse."""
    model = load_model(name)
    order = [step.id for step in model.steps]
    for index, step in enumerate(model.steps):
        assert model.before[step.id] == set(order[:index])
    entered = [len(model.undo_of(step)) for step in model.steps if step.undo]
    assert entered == sorted(entered)


def test_every_generation_says_what_it_changed() -> None:
    """With the version since when."""
    for model in bundled_models():
        if model.extends:
            assert model.changes, f"{model.name} says nothing of what it changed"
