# SPDX-License-Identifier: Apache-2.0
"""Which wait calls took a child away."""

from __future__ import annotations

import pytest

from replay.reaps import reaps
from tests.histories.fake import FakeTrace

WNOWAIT = 0x01000000
WAIT4 = {"syscall": 61, "idtype": -1, "id": -1, "result": 11, "ns_pid": 11, "got": 1}
WAITID = {"syscall": 247, "idtype": 1, "id": 11, "options": 4, "got": 4, "code": 1, "ns_pid": 11}


@pytest.mark.parametrize(
    ("row", "status"),
    [
        ({**WAIT4, "status": 0x300}, 0x300),
        ({**WAIT4, "got": 0}, None),
        ({**WAITID, "status": 3}, 0x300),
        ({**WAITID, "code": 2, "status": 9}, 9),
        ({**WAITID, "code": 3, "status": 11}, 0x8B),
        ({**WAITID, "got": 0, "code": 0, "ns_pid": 0}, None),
    ],
)
def test_calls_that_took_a_child(row: dict[str, int], status: int | None) -> None:
    """With the status as wait4 would have given it."""
    trace = FakeTrace()
    trace.add("wait", time_ns=1, **row)
    assert reaps(trace).select("pid", "code").rows() == [(11, status)]


@pytest.mark.parametrize(
    "row",
    [
        {**WAIT4, "status": 0x137F},
        {**WAIT4, "status": 0xFFFF},
        {**WAIT4, "result": -10, "ns_pid": 0},
        {**WAIT4, "unfinished": 1},
        {**WAITID, "options": 4 | WNOWAIT},
        {**WAITID, "code": 5, "status": 19},
    ],
)
def test_calls_that_took_nobody(row: dict[str, int]) -> None:
    """A stop, a continuation, an error, a look, a call that has not returned."""
    trace = FakeTrace()
    trace.add("wait", time_ns=1, **row)
    assert reaps(trace).is_empty()
