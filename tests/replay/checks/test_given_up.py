# SPDX-License-Identifier: Apache-2.0
"""Spans in which memory was given up."""

from __future__ import annotations

import polars as pl
import pytest

from replay.checks.evidence import Evidence
from replay.checks.given_up import copied_by_others, overlaps
from replay.model.load import load_model
from tests.replay.checks.creating import MODEL, fail, only
from tests.replay.checks.mutations import FRAME, life, write_fault


def raced(begin_ns: int, end_ns: int, model: str = "") -> bool:
    """Ask for one span; 11 executes from 1990 to 2000 and ends from 3000 to 3010."""
    evidence = Evidence(life(), load_model(model) if model else MODEL)
    times = [pl.Series([one], dtype=pl.UInt64) for one in (begin_ns, end_ns)]
    return bool(overlaps(times[0], times[1], evidence)[0])


def test_spans_that_overlap() -> None:
    """With an exec, or with an end until its last switch."""
    assert raced(1_995, 1_999)
    assert raced(2_900, 3_005)
    assert not raced(2_100, 2_900)
    assert not raced(3_020, 3_100)


def test_an_end_that_is_announced_late() -> None:
    """Up to 6.15 nobody knows since when memory was given up."""
    assert raced(2_100, 2_900, "linux-6.12")


@pytest.mark.parametrize(
    ("other", "gone"),
    [
        ({"time_ns": 4_950, "took_ns": 60}, True),
        ({"time_ns": 5_090, "took_ns": 900}, True),
        ({"time_ns": 4_800, "took_ns": 100}, False),
        ({"time_ns": 5_050, "tid": 10}, False),
        ({"time_ns": 5_050, "old_pte": (79 * FRAME) | 0x61}, False),
        ({"time_ns": 5_050, "new_pte": (77 * FRAME) | 0x67}, False),
    ],
    ids=["before", "after", "over", "itself", "another page", "no copy"],
)
def test_a_page_that_another_task_copies(other: dict[str, int], *, gone: bool) -> None:
    """Is given up by it, if that happens during the fault; here from 5000 to 5100."""
    trace = write_fault()
    copy = {**only(trace, "fault"), "tid": 11, "new_pte": (78 * FRAME) | 0x67, **other}
    trace.add("fault", **copy)
    evidence = Evidence(trace, MODEL)
    mine = evidence.memory.faults.filter((pl.col("time_ns") == 5_000) & (pl.col("tid") == 10))
    assert copied_by_others(mine, evidence).to_list() == [gone]


def test_a_fork_that_fails() -> None:
    """Takes back what it had copied; one that succeeds does not."""
    times = [pl.Series([one], dtype=pl.UInt64) for one in (89_500, 89_600)]
    assert not overlaps(times[0], times[1], Evidence(life(), MODEL)).any()
    trace = life()
    fail(trace, 17)
    assert overlaps(times[0], times[1], Evidence(trace, MODEL)).all()
