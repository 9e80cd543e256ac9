# SPDX-License-Identifier: Apache-2.0
"""How far a failed creation got. What breaks it, and what is lost, is in mutations.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from replay.checks.evidence import Evidence
from replay.checks.failing_step import failures
from tests.replay.checks.creating import CLONE3, MODEL, fail, verdicts
from tests.replay.checks.living import allocate
from tests.replay.checks.mutations import failed, steps

if TYPE_CHECKING:
    from tests.histories.fake import FakeTrace

RULE = "failing-step"


def candidates(errno: int, up_to: str = "") -> set[str]:
    """Give the steps at which a call can have failed that made all up to a cache."""
    trace = steps()
    fail(trace, errno, syscall=CLONE3)
    if up_to:
        allocate(trace, 89_000, 0, up_to)
    return _first(trace)


def _first(trace: FakeTrace) -> set[str]:
    return set(failures(Evidence(trace, MODEL)).to_dicts()[0]["candidates"].split())


def test_the_step_is_between_what_was_made_and_what_was_not() -> None:
    """The same error means something else after other steps."""
    assert candidates(17) == set()
    assert candidates(17, "pid") == {"alloc_pid"}
    assert candidates(11, "cred_jar") >= {"max_threads", "sched_fork"}
    assert "cgroup_can_fork" in candidates(11, "pid")
    assert "nproc_limit" not in candidates(11, "pid")
    assert candidates(22) == {"clone3_args", "flag_checks"}


def test_the_limit_of_the_user_shows_by_its_questions() -> None:
    """It asks for two capabilities first; where they are not observed it may always be."""
    trace = steps()
    fail(trace, 11)
    allocate(trace, 89_000, 0, "cred_jar")
    assert "nproc_limit" not in _first(trace)
    for certainty in ("inferred", "unobservable"):
        trace.metadata["plan"] = [{"fact": "capability_checked", "certainty": certainty}]
        assert _first(trace) >= {"nproc_limit", "max_threads"}
    trace.metadata["plan"] = []
    for time_ns, capability in ((89_500, 24), (89_501, 21)):
        trace.add("step", time_ns=time_ns, tid=10, what=5, amount=capability, result=-1)
    assert _first(trace) == {"nproc_limit"}


def test_a_failure_is_told_with_what_was_seen() -> None:
    """For whoever looks for the reason."""
    trace = failed()
    trace.drop("step", cache=1)
    assert "EEXIST after copy_creds, copy_files, copy_fs" in verdicts(trace)[RULE].cases[0].why


def test_an_allocation_that_may_be_any_step_s() -> None:
    """Before Linux 6.1 none names its cache: which steps were taken is then not known."""
    trace = failed()
    for row in trace.rows["step"]:
        row["cache"] = 0
    verdict = verdicts(trace)[RULE]
    assert (verdict.violated, verdict.unobservable) == (0, 1)
