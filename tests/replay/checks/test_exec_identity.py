# SPDX-License-Identifier: Apache-2.0
"""What exec keeps and what it replaces. What breaks it, and what is lost, is in mutations.py."""

from __future__ import annotations

from tests.replay.checks.creating import only, verdicts, violated
from tests.replay.checks.mutations import life, threads

RULE = "exec-identity"


def test_another_pid() -> None:
    """The process keeps its id."""
    trace = threads()
    only(trace, "exec")["old_tid"] = 99
    assert verdicts(trace)[RULE].unobservable > 0
    trace = threads()
    only(trace, "adopted")["pidns_inum"] = 5
    assert RULE in violated(trace)


def test_a_thread_that_keeps_its_tid() -> None:
    """Must have become the leader: this is the process id, and there is no other."""
    trace = threads()
    only(trace, "exec").update(tid=11)
    assert RULE in violated(trace)
    assert [one.name for one in verdicts(trace)[RULE].parts if one.violated] == ["keeps_pid"]


def test_an_unknown_mm_before() -> None:
    """Decides nothing."""
    trace = life()
    only(trace, "exec")["old_mm"] = 0
    assert verdicts(trace)[RULE].unobservable == 1


def test_the_book_says_less() -> None:
    """It does not speak of pid namespaces."""
    parts = [part.name for part in verdicts(life(), "textbook")[RULE].parts]
    assert parts == ["keeps_pid", "replaces_memory"]
