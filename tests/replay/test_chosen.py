# SPDX-License-Identifier: Apache-2.0
"""Choosing a process by pid."""

from __future__ import annotations

import pytest

from replay.chosen import chosen_process
from tests.histories.build import History, told
from traces.errors import ProctraceError


def _refused(history: History, text: str) -> ProctraceError:
    with pytest.raises(ProctraceError) as caught:
        chosen_process(history.forest(), text)
    assert caught.value.status == 2
    return caught.value


def test_a_pid_that_one_process_had() -> None:
    """By the pid alone, or by the whole identity."""
    history = told("sh forks a, a exits")
    forest = history.forest()
    a = history.process(forest, "a")
    assert chosen_process(forest, str(a.id.tgid)) is a
    assert chosen_process(forest, f"{a.id.tgid}@{a.id.start_ns}") is a


def test_a_pid_that_was_used_again() -> None:
    """Both are named with the time between them, and each can be chosen by its name."""
    history = told("sh forks a")
    a = history.threads["a"]
    first_ns = a.start_ns
    history.tell("a execs first -x, a exits, sh waits a, sh forks b")
    b = history.threads["b"]
    for row in (row for rows in history.made.rows.values() for row in rows):
        for name in ("tid", "tgid", "child_tid", "child_tgid", "result"):
            if row.get(name) == b.tid:
                row[name] = a.tid
    error = _refused(history, str(a.tid))
    assert error.what == f"pid {a.tid} was used by 2 processes"
    assert f"{a.tid}@{first_ns} (first -x), {a.tid}@{b.start_ns} (sh, started 0." in error.why
    assert error.hint == f"take one of them, as in {a.tid}@{first_ns}"
    chosen = chosen_process(history.forest(), f"{a.tid}@{b.start_ns}")
    assert chosen.id.start_ns == b.start_ns


def test_a_thread_is_no_process() -> None:
    """Its process is meant."""
    history = told("sh forks a, a threads_off t")
    pid, tid = history.threads["a"].tid, history.threads["t"].tid
    error = _refused(history, str(tid))
    assert error.why == f"{tid} is a thread of process {pid}"
    assert error.hint == f"did you mean {pid}?"


def test_a_pid_of_a_namespace() -> None:
    """What it is called outside is meant."""
    history = told("sh makes_container box")
    error = _refused(history, "1")
    assert error.hint == f"did you mean {history.threads['box'].tid}?"


def test_a_pid_that_nobody_had() -> None:
    """It is said which there are, and what may have been meant."""
    history = told("sh forks a")
    error = _refused(history, "1013")
    assert error.what == "no process 1013 in this recording"
    assert error.why == "it has 2 processes: 101, 102"
    assert "did you mean 101?" in error.hint
    assert "did you mean" not in _refused(history, "7").hint


@pytest.mark.parametrize("text", ["", "sh", "-1", "101@", "101@x", "²", "1.5"])
def test_what_is_no_pid(text: str) -> None:
    """It is said what a pid looks like."""
    assert _refused(told("sh forks a"), text).what == f"{text!a} is no pid"


def test_an_identity_that_was_not() -> None:
    """Those with that pid are named."""
    error = _refused(told("sh forks a"), "101@1")
    assert error.what == "no process 101@1 in this recording"
    assert error.why.startswith("the processes with this pid are 101@")
    assert _refused(told("sh forks a"), "7@1").why.startswith("it has 2 processes")
