# SPDX-License-Identifier: Apache-2.0
"""The note of what a recording lost."""

from __future__ import annotations

from replay.losses import Losses
from replay.report.losses import losses_json, losses_lines
from tests.histories.fake import FakeTrace


def _text(trace: FakeTrace) -> str:
    lines = losses_lines(Losses.of(trace))
    return "\n".join("".join(text for text, _ in line) for line in lines)


def test_what_may_be_missing_is_said() -> None:
    """Lost records and a cut file; nothing of a whole one."""
    trace = FakeTrace()
    assert _text(trace) == ""
    assert losses_json(Losses.of(trace)) == {"complete": True, "lost_records": 0}
    trace.add("lost", ring=b"step ring", count=7)
    trace.complete = False
    assert _text(trace) == (
        "note: 7 records lost: this is of what is there\n"
        "note: the file was cut off: this is of what is there"
    )
    assert losses_json(Losses.of(trace)) == {"complete": False, "lost_records": 7}
