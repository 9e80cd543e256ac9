# SPDX-License-Identifier: Apache-2.0
"""Copy or reuse. What breaks it, and what is lost, is in mutations.py."""

from __future__ import annotations

import pytest

from replay.checks.verdict import Outcome, Verdict
from tests.replay.checks.creating import only, verdicts
from tests.replay.checks.mutations import FRAME, life, write_fault

RULE = "cow-decision"
READ, EXCLUSIVE = 4 | 8, 16


def decided(  # noqa: PLR0913 - each is a fact of the fault
    *, flags: int = READ, refcount: int, mapcount: int, copied: bool, time_ns: int = 5_000,
    model: str = "",
) -> Verdict:  # fmt: skip
    """Judge one fault."""
    trace = write_fault()
    frame = 78 if copied else 77
    only(trace, "fault").update(
        flags=flags, refcount=refcount, mapcount=mapcount, new_pte=(frame * FRAME) | 0x67,
        time_ns=time_ns,
    )  # fmt: skip
    return verdicts(trace, model)[RULE]


@pytest.mark.parametrize(
    ("flags", "refcount", "mapcount", "copied", "part"),
    [
        (READ | EXCLUSIVE, 5, 1, False, "exclusive"),
        (READ, 1, 1, False, "last_reference"),
        (READ, 2, 2, True, "mapped_by_others"),
        (READ, 9, 2, True, "many_references"),
    ],
)
def test_the_lines_of_the_rule(
    flags: int, refcount: int, mapcount: int, *, copied: bool, part: str
) -> None:
    """Each decides as it should, and the other outcome violates it."""
    right = decided(flags=flags, refcount=refcount, mapcount=mapcount, copied=copied)
    assert [one.name for one in right.parts if one.passed] == [part]
    wrong = decided(flags=flags, refcount=refcount, mapcount=mapcount, copied=not copied)
    assert [one.name for one in wrong.parts if one.violated] == [part]


@pytest.mark.parametrize("copied", [True, False])
def test_a_reference_that_may_be_gone_at_once(*, copied: bool) -> None:
    """Leaves it open, and is listed with the reason."""
    verdict = decided(refcount=2, mapcount=1, copied=copied)
    assert (verdict.violated, verdict.unobservable) == (0, 1)
    assert "LRU batch" in verdict.cases[0].why


def test_a_page_that_was_not_read() -> None:
    """Has no counters."""
    verdict = decided(flags=4, refcount=0, mapcount=0, copied=True)
    assert [one.name for one in verdict.parts if one.unobservable] == ["page_not_read"]


def test_another_process_gives_memory_up_meanwhile() -> None:
    """A reuse where a copy was due is no violation then: 11 ends from 3000 to 3010."""
    at_rest = decided(refcount=2, mapcount=2, copied=False)
    assert at_rest.violated == 1
    raced = decided(refcount=2, mapcount=2, copied=False, time_ns=2_950)
    assert (raced.violated, raced.unobservable) == (0, 1)


def test_another_process_copies_the_page_meanwhile() -> None:
    """And is no owner of it any more: the second may reuse it."""
    trace = write_fault()
    shared = {"flags": READ, "refcount": 2, "mapcount": 2}
    only(trace, "fault").update(shared)
    assert verdicts(trace)[RULE].violated == 1
    row = {**only(trace, "fault"), "tid": 11, "time_ns": 4_990, "new_pte": (78 * FRAME) | 0x67}
    trace.add("fault", **row)
    verdict = verdicts(trace)[RULE]
    assert (verdict.violated, verdict.unobservable, verdict.passed) == (0, 1, 1)


@pytest.mark.parametrize(
    ("refcount", "mapcount", "copied", "part"),
    [(1, 1, False, "only_owner"), (2, 1, True, "somebody_else"), (2, 2, True, "somebody_else")],
)
def test_an_older_kernel_looks_at_the_counts_alone(
    refcount: int, mapcount: int, *, copied: bool, part: str
) -> None:
    """Before 5.19 nothing was exclusive; the other decision violates the rule here, too."""
    model = "linux-5.10"
    right = decided(refcount=refcount, mapcount=mapcount, copied=copied, model=model)
    assert [one.name for one in right.parts if one.passed] == [part]
    wrong = decided(refcount=refcount, mapcount=mapcount, copied=not copied, model=model)
    assert [one.name for one in wrong.parts if one.violated] == [part]


def test_a_recording_without_faults() -> None:
    """Is unknown, and says so."""
    verdict = verdicts(life())[RULE]
    assert verdict.outcome is Outcome.UNKNOWN
    assert "--no-faults" in verdict.not_recorded
