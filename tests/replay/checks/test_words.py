# SPDX-License-Identifier: Apache-2.0
"""Events in words."""

from __future__ import annotations

from replay.checks.words import at, call_result, created, ordered


def test_events_are_told_in_their_order() -> None:
    """Those that are not known are left out."""
    late, early, unknown = at(5, "b", ""), at(2, "a", ""), at(0, "c", "")
    assert unknown is None
    assert [event.name for event in ordered(late, unknown, early)] == ["a", "b"]


def test_what_a_call_returned() -> None:
    """A pid, an error by its name, or nothing yet."""
    assert call_result(12, 56) == "clone returns 12"
    assert call_result(-11, 57) == "fork returns EAGAIN"
    assert call_result(None, 57) == "it did not return"


def test_a_creation() -> None:
    """With the names of its flags."""
    row = {"tid": 1, "child_tid": 2, "clone_flags": 0x4100, "time_ns": 3}
    assert created(row).text == "1 created 2 with CLONE_VM | CLONE_VFORK"
