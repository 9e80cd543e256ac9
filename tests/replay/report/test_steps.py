# SPDX-License-Identifier: Apache-2.0
"""Tests of replay.report.steps: both reports as they were last read by a person."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from replay.model.load import Choice, load_model
from replay.names import CLONE_VFORK, CLONE_VM
from replay.report.json_text import document
from replay.report.screen import Screen
from replay.report.steps import costs_json, costs_lines, ladder_json, ladder_lines
from replay.steps.costs import costs
from replay.steps.effects import effects
from replay.steps.ladder import ladder
from replay.steps.naming import named
from replay.steps.windows import Windows
from tests.golden import check_golden
from tests.replay.steps.story import StepsTrace, steps_trace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from replay.report.screen import Line

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
SMALL_MODEL = Path(__file__).resolve().parents[1] / "steps" / "small.yaml"
CHOICE = Choice(load_model(str(SMALL_MODEL)), "")


def _text(lines: Iterable[Line]) -> str:
    stream = io.StringIO()
    Screen(stream, 0).write(lines)
    return stream.getvalue()


def test_costs() -> None:
    """Where the time goes, as text and as JSON."""
    windows = Windows.of(steps_trace())
    moments = named(windows.moments, CHOICE.model)
    sums = costs(windows, moments, CHOICE.model)
    check_golden(GOLDEN / "steps.txt", _text(costs_lines(sums, windows, CHOICE)))
    check_golden(GOLDEN / "steps.json", document(costs_json(sums, windows, CHOICE)))


def test_ladders() -> None:
    """A fork that succeeded, and the one that failed, with its undoing."""
    trace = steps_trace()
    windows = Windows.of(trace)
    moments = named(windows.moments, CHOICE.model)
    failed_at = ((), (), ("alloc_pid",))
    ladders = [
        ladder(call, moments, CHOICE.model, effects(trace, CHOICE.model, call), steps)
        for call, steps in zip(windows.calls.iter_rows(named=True), failed_at, strict=True)
    ]
    check_golden(GOLDEN / "steps-fork.txt", _text(ladder_lines(ladders[0], CHOICE)))
    check_golden(GOLDEN / "steps-thread.txt", _text(ladder_lines(ladders[1], CHOICE)))
    check_golden(GOLDEN / "steps-failed.txt", _text(ladder_lines(ladders[2], CHOICE)))
    check_golden(GOLDEN / "steps-failed.json", document(ladder_json(ladders[2], CHOICE)))


def test_what_a_failed_call_did_not_reach_is_one_line() -> None:
    """The steps after the failure would hide the undoing below them."""
    trace = steps_trace()
    windows = Windows.of(trace)
    choice = Choice(load_model("linux-6.18"), "")
    moments = named(windows.moments, choice.model)
    failed = ladder(windows.calls.row(2, named=True), moments, choice.model, {})
    lines = [line for line in _text(ladder_lines(failed, choice)).splitlines() if "reached" in line]
    assert len(lines) == 1
    assert lines[0].endswith("more steps, to wake_up_new_task")


def test_nothing_created_is_said_in_a_line() -> None:
    """No table without rows; the note of a model that is not the kernel's own stands first."""
    choice = Choice(CHOICE.model, "no model is as new as Linux 9.9: linux-6.18 is taken")
    windows = Windows.of(StepsTrace())
    sums = costs(windows, named(windows.moments, choice.model), choice.model)
    text = _text(costs_lines(sums, windows, choice))
    assert "note: no model is as new" in text
    assert text.splitlines()[-1].split() == ["events", "0"]


def test_the_sleep_of_vforks_stands_apart() -> None:
    """In a line above the table, which does without it."""
    trace = StepsTrace()
    enter_ns = trace.tick()
    flags = CLONE_VFORK | CLONE_VM
    trace.child(11, flags)
    trace.now_ns += 50_000
    trace.call(enter_ns, 11, flags=flags, blocked_total_ns=49_000)
    windows = Windows.of(trace)
    sums = costs(windows, named(windows.moments, CHOICE.model), CHOICE.model)
    text = _text(costs_lines(sums, windows, CHOICE))
    assert "1 parent slept 49.0 µs each for the child" in text
    assert "vfork_wait" not in text
    assert costs_json(sums, windows, CHOICE)["vfork_wait_ns"] == 49_000
