# SPDX-License-Identifier: Apache-2.0
"""A wait call in words."""

from __future__ import annotations

from replay.checks.reap_words import reap_events


def test_the_end_and_the_call() -> None:
    """In this order; without a status where none was asked for."""
    row = {"syscall": 61, "code": 768, "end_ns": 5, "time_ns": 9, "tid": 1, "pid": 2,
           "child_tgid": 2}  # fmt: skip
    texts = [event.text for event in reap_events(row)]
    assert texts == ["process 2 ends", "1 returns from wait4: 2, status 0x300"]
    assert reap_events({**row, "code": None, "end_ns": None})[0].text.endswith("wait4: 2")
