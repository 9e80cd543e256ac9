# SPDX-License-Identifier: Apache-2.0
"""Models as text and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from replay.model.diff import differences
from replay.model.files import bundled_names
from replay.model.load import bundled_models, changes_between, load_model
from replay.report.model import diff_lines, list_json, show_json, show_lines

if TYPE_CHECKING:
    from replay.report.screen import Line


def text_of(lines: list[Line]) -> str:
    """Give lines as plain text."""
    return "\n".join("".join(text for text, _ in line) for line in lines)


@pytest.mark.parametrize("name", bundled_names())
def test_everything_in_a_model_is_shown(name: str) -> None:
    """Each step, refusal, rung and sequence by its id or its words."""
    model = load_model(name)
    shown = text_of(list(show_lines(model)))
    for step in model.steps:
        assert f" {step.id}  {step.title}" in shown
        assert all(error in shown for error in step.errno)
    for rung in model.undo:
        assert rung.label in shown
    for sequence in model.sequences:
        assert sequence.title in shown
    for case in model.cow:
        assert case.why in shown


def test_json_leaves_out_what_follows_from_the_rest() -> None:
    """The closure of the order; the release is text."""
    found = show_json(load_model("linux-6.18"))
    assert "before" not in found
    assert found["kernel"] == "6.18"


def test_the_list_as_json() -> None:
    """Every model with its changes."""
    found = list_json(bundled_models())["models"]
    assert [one["name"] for one in found] == list(bundled_names())
    assert found[1]["changes"][0]["since"] == "5.14"


def test_what_differs() -> None:
    """Notes of the kernel's changes first, then what is gone and what is new."""
    old, new = load_model("linux-6.6"), load_model("linux-6.12")
    lines = diff_lines(old, new, changes_between(old, new), differences(old, new))
    shown = text_of(list(lines))
    assert "since 6.9 (" in shown
    assert "refused.pidfd_thread\n  - " in shown
    assert "undo.bad_fork_core_free\n  + " in shown
