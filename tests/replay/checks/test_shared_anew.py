# SPDX-License-Identifier: Apache-2.0
"""Forks during a fault of another thread; here it lasts from 5000 to 5100."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from replay.checks.evidence import Evidence
from replay.checks.shared_anew import forked_meanwhile
from tests.replay.checks.creating import CLONE, MODEL, PTHREAD, VFORK, VM, create, only, verdicts
from tests.replay.checks.mutations import FRAME, write_fault

if TYPE_CHECKING:
    from tests.histories.fake import FakeTrace

SIBLING = 12
"""A thread of process 10, which shares its memory."""


def with_call(**more: int) -> FakeTrace:
    """Let the sibling call fork in vain from 5010 to 5090, or as `more` says."""
    trace = write_fault()
    only(trace, "adopted")["mm"] = only(trace)["mm"]
    create(trace, PTHREAD, SIBLING, 4_500)
    row = {"tid": SIBLING, "tgid": 10, "syscall": CLONE, "exit_signal": 17, "result": -17}
    trace.add("clone_call", **{**row, "enter_ns": 5_010, "time_ns": 5_090, **more})
    return trace


@pytest.mark.parametrize(
    ("call", "shared"),
    [
        ({"enter_ns": 4_950, "time_ns": 5_010}, True),
        ({"enter_ns": 5_090, "time_ns": 5_900}, True),
        ({"enter_ns": 4_000, "time_ns": 4_900}, False),
        ({"flags": VM | VFORK}, False),
        ({"syscall": 58}, False),
        ({"tid": 10}, False),
        ({"tid": 11}, False),
    ],
    ids=["before", "after", "over", "shares", "vfork", "itself", "other memory"],
)
def test_a_fork_of_the_same_memory(call: dict[str, int], *, shared: bool) -> None:
    """Shares the page anew, whatever becomes of the call."""
    evidence = Evidence(with_call(**call), MODEL)
    rows = evidence.memory.faults.filter(evidence.memory.faults["time_ns"] == 5_000)
    assert forked_meanwhile(rows, evidence).to_list() == [shared]


def test_a_copy_of_what_had_one_owner() -> None:
    """Is a violation, unless a sibling forked."""
    for trace, violated in ((with_call(), 0), (with_call(tid=10), 1)):
        fault = {"flags": 4 | 8, "new_pte": (78 * FRAME) | 0x67}
        only(trace, "fault").update(fault)
        verdict = verdicts(trace)["cow-decision"]
        assert (verdict.violated, verdict.unobservable) == (violated, 1 - violated)
