# SPDX-License-Identifier: Apache-2.0
"""Who gets the orphans. What breaks it, and what is lost, is in mutations.py."""

from __future__ import annotations

from tests.replay.checks.creating import PTHREAD, only, verdicts, violated
from tests.replay.checks.living import end, family, identity
from tests.replay.checks.mutations import orphans

RULE = "reparenting"


def test_nobody() -> None:
    """Somebody must get them, unless the init of a namespace ended."""
    trace = orphans()
    only(trace, "dead").update(reaper_tid=0, reaper_tgid=0, reaper_start_ns=0)
    assert violated(trace) == {RULE}
    only(trace)["ns_tid"] = 1
    assert RULE not in violated(trace)


def test_the_init_of_the_host() -> None:
    """Gets them where no subreaper stands above."""
    trace = orphans()
    only(trace, "dead").update(reaper_tid=1, reaper_tgid=1, reaper_start_ns=1)
    assert violated(trace) == set()


def test_a_thread_that_lives_comes_first() -> None:
    """Before any other process."""
    trace = family(PTHREAD, 0)
    trace.add("orphan", time_ns=3_000, **identity(11, 1_000, 10), child_tid=12, child_tgid=12,
              child_start_ns=2_000)  # fmt: skip
    end(trace, identity(11, 1_000, 10), 3_000, group_dead=0)
    only(trace, "dead").update(reaper_tid=10, reaper_tgid=10, reaper_start_ns=1_000)
    assert violated(trace) == set()
    only(trace, "dead").update(reaper_tid=1, reaper_tgid=1, reaper_start_ns=1)
    assert violated(trace) == {RULE}


def test_a_recording_by_cgroup() -> None:
    """A process may have left it, and its children with it: who stands above is not known."""
    trace = orphans()
    trace.metadata["recording"] = {"cgroup": "/sys/fs/cgroup/x"}
    only(trace, "dead").update(reaper_tid=12, reaper_tgid=12, reaper_start_ns=2_000)
    verdict = verdicts(trace)[RULE]
    assert (verdict.violated, verdict.unobservable) == (0, 1)


def test_the_child_that_tells_was_gone() -> None:
    """Its parent is looked at when the father leaves its CPU; who gets it is then not known."""
    trace = orphans()
    only(trace, "dead").update(reaper_tid=0, reaper_tgid=0, reaper_start_ns=0)
    trace.drop("end_task", tid=12)
    end(trace, identity(12, 2_000), 3_005)
    verdict = verdicts(trace)[RULE]
    assert (verdict.violated, verdict.unobservable) == (0, 1)
    only(trace, "exit", -1)["time_ns"] = 3_011
    assert verdicts(trace)[RULE].violated == 1
