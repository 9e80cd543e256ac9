# SPDX-License-Identifier: Apache-2.0
"""The verdicts as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace

from replay.checks.run import run_checks
from replay.checks.verdict import Part, Verdict
from replay.report.check import CheckReport, check_json, check_lines
from replay.report.json_text import document
from tests.replay.checks.creating import MODEL, creations, only


def report(*verdicts: Verdict, note: str = "") -> CheckReport:
    """Give a report of these verdicts."""
    return CheckReport(MODEL, note, verdicts, (), 0)


def shown(page: CheckReport) -> str:
    """Give the report as plain text."""
    return "\n".join("".join(text for text, _ in line) for line in check_lines(page))


def some_violations(count: int) -> Verdict:
    """Give the verdict on tasks that could run too early."""
    trace = creations(*[0] * count)
    for index in range(count):
        only(trace, index=index)["child_state"] = 0
    checks = run_checks(trace, MODEL)
    return next(verdict for verdict in checks if verdict.rule == "new-task-state")


def test_every_rule_has_a_line_and_every_violation_a_witness() -> None:
    """Five of them, and how many more there are."""
    text = shown(report(some_violations(8)))
    assert "new-task-state  violation      0   8  8 violations" in text
    assert text.count("task_newtask") == 5
    assert "and 3 more cases of new-task-state" in text


def test_the_result_is_summed_up() -> None:
    """A rule of which there is no case here neither holds nor fails."""
    passed = Verdict("good", (Part("a", "a", passed=3, violated=0, lost=0, unobservable=0),), ())
    empty = Verdict("empty", (), ())
    lost = replace(empty, rule="lost", missing=1)
    text = shown(report(passed, some_violations(1), lost, empty))
    assert "result  1 rule holds, 1 violated, 1 unknown, 1 without a case" in text
    assert "empty           not asked" in text
    assert "result  1 rule holds\n" in shown(report(passed))


def test_remarks() -> None:
    """What the numbers leave open."""
    empty = Verdict("rule", (), ())
    for verdict, remark in (
        (replace(empty, missing=1), "1 lost record may hide more"),
        (replace(empty, incomplete=True), "the trace is cut off"),
        (replace(empty, not_recorded="no steps"), "no steps"),
        (empty, "not asked"),
    ):
        assert remark in shown(report(verdict))


def test_the_note() -> None:
    """Stands above the verdicts."""
    assert "note    another kernel" in shown(report(note="another kernel"))


def test_json_has_parts_and_cases() -> None:
    """With the events of each case."""
    found = json.loads(document(check_json(report(some_violations(1)))))
    rule = found["rules"][0]
    assert (rule["outcome"], rule["violated"], rule["reason"]) == ("violation", 1, "")
    assert rule["parts"][0]["name"] == "not_running"
    event = rule["cases"][0]["events"][0]
    assert event == {
        "time_ns": 1_000, "name": "task_newtask", "text": "10 created 11 with no flags",
    }  # fmt: skip
