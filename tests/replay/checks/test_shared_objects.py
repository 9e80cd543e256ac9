# SPDX-License-Identifier: Apache-2.0
"""What is shared and what is copied, by flag: kept, broken, lost."""

from __future__ import annotations

import pytest

from replay.checks.verdict import Outcome, Reason
from tests.replay.checks.creating import (
    FILES,
    FS,
    NEWUTS,
    PTHREAD,
    SHARED_BY,
    SIGHAND,
    VFORK,
    VM,
    create,
    creations,
    is_lost,
    only,
    verdicts,
    violated,
)  # fmt: skip

RULE = "shared-objects"


def test_a_trace_that_keeps_the_rule() -> None:
    """Each of the seven objects of each new task is a case."""
    flags = (0, VM | VFORK, FS, FILES, VM | SIGHAND, PTHREAD, NEWUTS)
    verdict = verdicts(creations(*flags))[RULE]
    assert (verdict.outcome, verdict.passed) == (Outcome.PASS, 7 * len(flags))


@pytest.mark.parametrize("name", [*SHARED_BY, "nsproxy"])
def test_an_object_that_is_shared_against_the_flags(name: str) -> None:
    """Equal where it must differ."""
    trace = creations(NEWUTS)
    only(trace)[f"child_{name}"] = only(trace)[name]
    assert violated(trace) == {RULE}
    case = verdicts(trace)[RULE].cases[0]
    assert case.part == f"{name}_copied"
    assert "CLONE_NEWUTS" in case.events[0].text


@pytest.mark.parametrize("name", ["mm", "files", "fs", "sighand", "signal"])
def test_an_object_that_is_copied_against_the_flags(name: str) -> None:
    """Different where it must be the same."""
    trace = creations(PTHREAD)
    only(trace)[f"child_{name}"] += 8
    assert violated(trace) == {RULE}
    assert verdicts(trace)[RULE].cases[0].part == f"{name}_shared"


@pytest.mark.parametrize("name", ["cred", "nsproxy"])
def test_an_exception_that_no_trace_shows(name: str) -> None:
    """Is no violation, and no pass either."""
    trace = creations(PTHREAD)
    only(trace)[f"child_{name}"] += 8
    assert violated(trace) == set()
    verdict = verdicts(trace)[RULE]
    assert (verdict.unobservable, verdict.passed) == (1, 6)
    assert verdict.cases[0].reason is Reason.UNOBSERVABLE
    assert "it may be that the caller has" in verdict.cases[0].why


def test_a_kernel_thread_has_nothing_to_share() -> None:
    """Neither it nor what it creates has an mm."""
    trace = creations(0)
    only(trace).update(mm=0, child_mm=0)
    assert violated(trace) == set()


def test_a_lost_creation() -> None:
    """Leaves the rule open, never kept."""
    trace = creations(0)
    create(trace, FILES, 20, 20_000)
    trace.lose("newtask", child_tid=20)
    assert is_lost(verdicts(trace)[RULE])


def test_a_violation_is_one_although_something_was_lost() -> None:
    """What was seen was seen."""
    trace = creations(0, 0)
    trace.lose("newtask", child_tid=12)
    only(trace)["child_files"] = only(trace)["files"]
    assert violated(trace) == {RULE}
