# SPDX-License-Identifier: Apache-2.0
"""What the comparisons of an audit say where numbers differ, and where they are missing."""

from __future__ import annotations

from replay.audit import Audit, Verdict
from replay.findings import copy_findings, equal, fault_findings
from replay.forest import ProcessForest
from tests.histories.memory import MemoryHistory, remember

STORY = "sh forks a, a writes 1, a writes 2, a exits"


def audited(history: MemoryHistory, faults: int, copies: int | None = None) -> Audit:
    """Give the audit where the kernel counted so much of the task that ended."""
    [row] = history.made.of("exit")
    row.update(min_flt=faults)
    if copies is not None:
        history.made.add("taskstats", time_ns=row["time_ns"], tid=row["tid"], wpcopy_count=copies)
    trace, memory = history.end_recording(), history.memory()
    return Audit.of(trace, ProcessForest.from_trace(trace), memory)


def holds(audit: Audit) -> dict[str, bool | None]:
    """Give what the findings about memory say."""
    wanted = ("faults", "copies")
    return {one.name: one.holds for one in audit.findings if one.name.startswith(wanted)}


def test_equal_numbers() -> None:
    """Hold; a number that is not known leaves it open."""
    assert equal("x", 3, 3, "").holds is True
    assert equal("x", 3, 4, "").holds is False
    assert equal("x", 3, None, "").holds is None


def test_nothing_to_say() -> None:
    """Without an audit of faults."""
    assert fault_findings(None) == []
    assert copy_findings(None) == []


def test_faults_and_copies_that_agree() -> None:
    """All hold, and the recording is complete."""
    audit = audited(remember(STORY), 2, 0)
    names = ("faults", "faults_beyond_kernel", "copies", "copies_beyond_kernel")
    assert holds(audit) == dict.fromkeys(names, True)
    assert audit.verdict is Verdict.COMPLETE


def test_faults_that_raised_no_event() -> None:
    """Are no contradiction: what they were for is left open."""
    audit = audited(remember(STORY), 5)
    assert holds(audit) == {"faults": None, "faults_beyond_kernel": True}
    assert "3 of these raised no event" in audit.finding("faults").sentence
    assert (audit.verdict, audit.reasons) == (Verdict.COMPLETE, ())


def test_faults_that_the_kernel_did_not_count() -> None:
    """Are one."""
    audit = audited(remember(STORY), 1)
    assert holds(audit) == {"faults": None, "faults_beyond_kernel": False}
    assert audit.verdict is Verdict.INCOMPLETE
    assert "1 instead of 0" in audit.reasons[0]


def test_copies_that_the_kernel_did_not_count() -> None:
    """Are one, too."""
    audit = audited(remember("sh writes 1, sh forks a, a writes 1, a exits"), 1, 0)
    assert holds(audit)["copies_beyond_kernel"] is False
    assert audit.verdict is Verdict.INCOMPLETE
