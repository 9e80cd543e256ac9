# SPDX-License-Identifier: Apache-2.0
"""The audit: numbers against those of the kernel, and the verdict."""

from __future__ import annotations

from typing import Any

import pytest

from replay.audit import Audit, OpenCall, TaskCounts, Verdict
from replay.forest import ProcessForest
from replay.process import TaskId
from tests.histories.build import History, told
from tests.histories.fake import FakeTrace

STORY = "sh forks a, a threads_off t, t ends, a exits 3, sh waits a, sh forks b, sh sleeps"


def audited(trace: FakeTrace, **written: Any) -> Audit:  # noqa: ANN401 - a recorder writes JSON
    """Give the audit of a trace, with what the recorder wrote at its end."""
    if written:
        trace.metadata["audit"] = {
            "proc_stat_processes": 5, "newtasks_followed": 3, "newtasks_other": 2,
            "exits_followed": 2, "stable": True, **written,
        }  # fmt: skip
    return Audit.of(trace, ProcessForest.from_trace(trace))


def test_a_complete_recording() -> None:
    """Every number agrees."""
    audit = audited(told(STORY).end_recording(), stable=True, missed_programs={"on_exit": 0})
    assert (audit.verdict, audit.reasons) == (Verdict.COMPLETE, ())
    assert {finding.name: finding.holds for finding in audit.findings} == {
        "created_tasks": True, "proc_stat_processes": True, "ended_tasks": True,
        "missed_on_exit": True, "tasks_accounted": True, "lost_records": True,
    }  # fmt: skip
    assert audit.finding("proc_stat_processes").recorded == 5
    assert audit.anomalies == ()


def test_tasks_are_counted_by_how_they_came_and_went() -> None:
    """Created, adopted, ended, alive, and those that went on as leaders."""
    history = told(STORY)
    history.tell("b threads_off u, u execs")
    history.made.add("start_task", tid=7, tgid=7, start_ticks=1)
    assert audited(history.end_recording()).tasks == TaskCounts(
        created=4, adopted=1, unknown_origin=0, only_listed=1, ended=2, alive=3, became_leader=1,
        unaccounted=0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ({"newtasks_followed": 4, "newtasks_other": 1}, "created_tasks"),
        ({"proc_stat_processes": 6}, "proc_stat_processes"),
        ({"exits_followed": 3}, "ended_tasks"),
        ({"missed_programs": {"on_exit": 2}}, "missed_on_exit"),
    ],
)
def test_a_number_that_disagrees_makes_it_incomplete(written: dict[str, Any], name: str) -> None:
    """The reason says both numbers."""
    audit = audited(told(STORY).end_recording(), **written)
    finding = audit.finding(name)
    assert finding.holds is False
    assert audit.verdict is Verdict.INCOMPLETE
    assert len(audit.reasons) == 1
    assert f"{finding.recorded} instead of {finding.expected}." in audit.reasons[0]


def test_a_busy_host_leaves_proc_stat_undecided() -> None:
    """Tasks were created between the reading of the two numbers."""
    audit = audited(told(STORY).end_recording(), proc_stat_processes=6, stable=False)
    assert audit.finding("proc_stat_processes").holds is None
    assert audit.verdict is Verdict.COMPLETE


def test_without_the_numbers_of_the_recorder_nothing_is_claimed() -> None:
    """And numbers that are none are not believed."""
    for trace in (told(STORY).end_recording(), FakeTrace(metadata={"audit": ["odd"]})):
        audit = Audit.of(trace, ProcessForest.from_trace(trace))
        assert [f.holds for f in audit.findings[:3]] == [None, None, None]
    audit = audited(told(STORY).end_recording(), newtasks_followed="3", missed_programs=7)
    assert audit.finding("created_tasks").holds is None


def test_a_task_that_vanished() -> None:
    """Neither ended nor there: incomplete, by the finding and by the counter."""
    history = told(STORY)
    trace = history.end_recording()
    trace.drop("exit", tid=history.threads["t"].tid)
    audit = audited(trace)
    finding = audit.finding("tasks_accounted")
    assert (finding.recorded, finding.expected, finding.holds) == (3, 4, False)
    assert audit.tasks.unaccounted == 1
    assert [anomaly.kind.name for anomaly in audit.anomalies] == ["task_without_end"]
    assert audit.verdict is Verdict.INCOMPLETE


def test_losses_are_told_by_place() -> None:
    """Ring, CPU and span."""
    history = told(STORY)
    history.made.lose("started")
    audit = audited(history.end_recording())
    assert audit.finding("lost_records").recorded == 3
    assert audit.verdict is Verdict.INCOMPLETE
    assert [(loss.ring, loss.count) for loss in audit.losses] == [(b"events", 3)]


def test_what_is_open_at_the_end() -> None:
    """Tasks still there, and calls that had not returned."""
    history = told(STORY)
    audit = audited(history.end_recording())
    sh, b = (TaskId(*history.threads[name].identity) for name in ("sh", "b"))
    assert [(task.id, task.state) for task in audit.open_tasks] == [(sh, b"S"), (b, b"S")]
    enter_ns = history.made.of("wait", unfinished=1)[0]["enter_ns"]
    assert audit.open_calls == (OpenCall(sh, 61, enter_ns),)


def test_a_cut_trace() -> None:
    """Truncated, whatever else; what its end would have told is left open."""
    trace = told(STORY).end_recording()
    trace.complete = False
    trace.drop("end_task")
    audit = audited(trace)
    assert audit.verdict is Verdict.TRUNCATED
    assert audit.finding("tasks_accounted").holds is None
    assert audit.reasons == ("The file was cut off before its end.",)


def test_harmless_counters_do_not_spoil_the_verdict() -> None:
    """What is explained by how recording began is no loss."""
    history = told(STORY)
    history.made.of("exit", tid=history.threads["a"].tid)[0]["real_parent_tid"] = 900
    history.made.of("exit", tid=history.threads["a"].tid)[0]["real_parent_tgid"] = 900
    audit = audited(history.end_recording())
    assert [anomaly.kind.name for anomaly in audit.anomalies] == ["parent_seen_late"]
    assert audit.verdict is Verdict.COMPLETE
    assert Audit.of(FakeTrace(), History().forest()).verdict is Verdict.COMPLETE
