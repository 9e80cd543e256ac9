# SPDX-License-Identifier: Apache-2.0
"""Steps that calls showed."""

from __future__ import annotations

from replay.checks.evidence import Evidence
from replay.checks.seen_steps import first_times, lacking, observable, vague
from tests.replay.checks.creating import MODEL, TEXTBOOK, only
from tests.replay.checks.mutations import life, steps


def test_when_each_was_first_seen() -> None:
    """Null for a step that was not."""
    row = first_times(Evidence(steps(), MODEL)).to_dicts()[0]
    assert row["at_dup_task_struct"] < row["at_alloc_pid"] < row["at_task_newtask"]
    assert row["at_copy_namespaces"] is None


def test_a_capability_is_the_step_s_that_asks_for_it_first() -> None:
    """Wherever it comes: the book puts the limit before the credentials."""
    trace = steps()
    trace.add("step", time_ns=930, tid=10, what=5, amount=24, result=-1)
    row = first_times(Evidence(trace, TEXTBOOK)).to_dicts()[0]
    assert row["at_nproc_limit"] == 930
    assert "nproc_limit" in observable(TEXTBOOK)


def test_a_cache_that_was_merged() -> None:
    """Makes the window vague."""
    trace = steps()
    assert vague(Evidence(trace, MODEL)).is_empty()
    only(trace, "slab_cache", 5)["name"] = b"something else"
    assert vague(Evidence(trace, MODEL)).get_column("window").to_list() == [0]


def test_a_host_that_could_not_observe_them() -> None:
    """Is named, with the fact."""
    assert lacking(Evidence(steps(), MODEL)) == ""
    assert "record with steps" in lacking(Evidence(life(), MODEL))
    trace = steps()
    trace.drop("kernel_function")
    assert "kptr_restrict" in lacking(Evidence(trace, MODEL))
    trace.complete = False
    assert lacking(Evidence(trace, MODEL)) == ""
    trace = steps()
    trace.metadata["plan"] = [{"fact": "slab_allocated", "certainty": "unobservable"}]
    assert lacking(Evidence(trace, MODEL)) == "this host could not observe slab_allocated"
