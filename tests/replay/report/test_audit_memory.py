# SPDX-License-Identifier: Apache-2.0
"""Faults, copies and contradictions in the report of an audit."""

from __future__ import annotations

import json
from typing import Any

from replay.audit import Audit
from replay.forest import ProcessForest
from replay.memory.copy_audit import CopyCause
from replay.memory.fault_audit import Cause
from replay.report import audit_memory
from replay.report.audit import (
    STATUS_COMPLETE,
    STATUS_CONTRADICTION,
    audit_json,
    audit_lines,
    audit_status,
)
from replay.report.audit_memory import memory_lines
from replay.report.json_text import document
from tests.histories.memory import remember


def audited(faults: int, copies: int) -> Audit:
    """Give an audit of a task with 2 faults and 1 copy, where the kernel counted so many."""
    history = remember("sh writes 1, sh forks a, a writes 1, a writes 2")
    history.tell("a exits")
    [row] = history.made.of("exit")
    row.update(min_flt=faults)
    history.made.add("taskstats", time_ns=row["time_ns"], tid=row["tid"], wpcopy_count=copies)
    trace = history.end_recording()
    return Audit.of(trace, ProcessForest.from_trace(trace), history.memory())


def value(audit: Audit) -> Any:  # noqa: ANN401 - JSON is anything
    """Give its JSON."""
    return json.loads(document(audit_json(audit)))


def text(audit: Audit) -> str:
    """Give its text."""
    return "\n".join("".join(piece for piece, _ in line) for line in audit_lines(audit))


def test_all_agree() -> None:
    """One line for each."""
    shown = text(audited(2, 1))
    assert "faults  1 of 1 task agree exactly\ncopies  1 of 1 task agree exactly" in shown
    assert audit_status(audited(2, 1)) == STATUS_COMPLETE


def test_differences_say_why() -> None:
    """With their numbers, in JSON by task."""
    audit = audited(9, 3)
    assert "7  unseen: get_user_pages()" in text(audit)
    assert "2  in those of the faults above" in text(audit)
    json_ = value(audit)
    assert json_["faults"]["causes"] == {"other_calls": 7}
    assert json_["copies"]["causes"] == {"unseen_faults": 2}
    [task] = json_["faults"]["tasks_that_differ"]
    assert (task["recorded"], task["expected"], task["other_calls"]) == (2, 9, 7)
    assert task["task"] == json_["copies"]["tasks_that_differ"][0]["task"]
    assert audit_status(audit) == STATUS_COMPLETE


def test_a_contradiction_is_one() -> None:
    """More was seen than the kernel counted."""
    assert audit_status(audited(1, 1)) == STATUS_CONTRADICTION
    assert audit_status(audited(2, 0)) == STATUS_CONTRADICTION


def test_tasks_that_the_kernel_did_not_count() -> None:
    """Are not passed over in silence."""
    history = remember("sh forks a, a exits, sh forks b, b exits")
    row = history.made.of("exit")[0]
    history.made.add("taskstats", time_ns=row["time_ns"], tid=row["tid"])
    trace = history.end_recording()
    audit = Audit.of(trace, ProcessForest.from_trace(trace), history.memory())
    assert "copies  1 of 1 task agree exactly, 1 without a count" in text(audit)


def test_without_faults() -> None:
    """Nothing is said, and JSON has null."""
    history = remember("sh forks a, a exits")
    trace = history.end_recording()
    audit = Audit.of(trace, ProcessForest.from_trace(trace))
    assert list(memory_lines(audit)) == []
    assert (value(audit)["faults"], value(audit)["contradictions"]) == (None, [])


def test_counters_of_contradictions() -> None:
    """By name, with what they mean."""
    history = remember("sh writes 5, sh forks a")
    history.fault("a", 0x5000, 0, 0x9067, 6)
    trace = history.end_recording()
    audit = Audit.of(trace, ProcessForest.from_trace(trace), history.memory())
    [counter] = value(audit)["contradictions"]
    assert (counter["name"], counter["count"]) == ("inherited_gone", 1)
    assert counter["sentence"] in text(audit)


def test_every_cause_has_its_words() -> None:
    """None would be missing when it shows up."""
    words = vars(audit_memory)["_CAUSES"]
    assert set(words) == {*Cause, *CopyCause}
