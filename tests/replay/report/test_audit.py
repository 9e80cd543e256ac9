# SPDX-License-Identifier: Apache-2.0
"""The audit's report and the exit status that goes with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from replay.audit import Audit
from replay.forest import ProcessForest
from replay.report.audit import (
    STATUS_COMPLETE,
    STATUS_CONTRADICTION,
    STATUS_INCOMPLETE,
    audit_json,
    audit_lines,
    audit_status,
)
from replay.report.json_text import document
from tests.histories.build import told

if TYPE_CHECKING:
    from tests.histories.fake import FakeTrace


def ended(story: str = "sh forks a, a exits, sh waits a, sh sleeps") -> FakeTrace:
    """Give the trace of a story, with counters that agree with it."""
    trace = told(story).end_recording()
    created, gone = len(trace.of("newtask")), len(trace.of("exit"))
    trace.metadata["audit"] = {
        "proc_stat_processes": created + 5, "newtasks_followed": created, "newtasks_other": 5,
        "exits_followed": gone, "stable": True, "missed_programs": {"on_sys_exit": 0},
    }  # fmt: skip
    return trace


def audited(trace: FakeTrace) -> Audit:
    """Give the audit of a trace."""
    return Audit.of(trace, ProcessForest.from_trace(trace))


def shown(audit: Audit) -> str:
    """Give the report as plain text."""
    return "\n".join("".join(text for text, _ in line) for line in audit_lines(audit))


def test_a_complete_recording() -> None:
    """Says so, with the numbers, and names what was still open."""
    audit = audited(ended())
    assert audit_status(audit) == STATUS_COMPLETE
    assert shown(audit).startswith("recording  complete  1 of 1 creations recorded, 0 records lost")
    assert "FAILS" not in shown(audit)
    assert "in wait4" in shown(audit)


def test_a_loss() -> None:
    """What was lost is no contradiction."""
    trace = ended()
    trace.lose("newtask")
    audit = audited(trace)
    assert audit_status(audit) == STATUS_INCOMPLETE
    assert "1 record lost" in shown(audit)


def test_a_program_that_the_kernel_skipped() -> None:
    """Is a loss, too."""
    trace = ended()
    trace.metadata["audit"]["missed_programs"]["on_sys_exit"] = 2
    assert audit_status(audited(trace)) == STATUS_INCOMPLETE


def test_a_truncated_trace() -> None:
    """Cannot be complete, whatever its numbers are."""
    trace = ended()
    trace.complete = False
    assert audit_status(audited(trace)) == STATUS_INCOMPLETE
    assert shown(audited(trace)).startswith("recording  truncated")


def test_a_contradiction() -> None:
    """Counters that disagree although no loss was recorded."""
    trace = ended()
    trace.metadata["audit"]["newtasks_followed"] += 1
    audit = audited(trace)
    assert audit_status(audit) == STATUS_CONTRADICTION
    assert "FAILS" in shown(audit)


def test_json_says_the_same() -> None:
    """Verdict, findings and what was open, as values."""
    audit = audited(ended())
    value = json.loads(document(audit_json(audit)))
    assert value["verdict"] == "complete"
    assert [finding["name"] for finding in value["findings"]] == [
        finding.name for finding in audit.findings
    ]
    assert value["open_calls"][0]["syscall"] == "wait4"
