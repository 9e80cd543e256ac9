# SPDX-License-Identifier: Apache-2.0
"""The circumstances of a recording, from metadata that may be anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.recording import Recording
from tests.histories.fake import FakeTrace
from tests.replay.story import METADATA

if TYPE_CHECKING:
    from collections.abc import Mapping


def recording(metadata: Mapping[str, Any]) -> Recording:
    """Give what is read from a trace with this metadata and one event at 5000 ns."""
    trace = FakeTrace(metadata=dict(metadata))
    trace.add("started", time_ns=5000)
    return Recording.of(trace)


def test_what_the_recorder_wrote() -> None:
    """Everything at its place, the wall clock from the offset."""
    assert recording(METADATA) == Recording(
        hostname="vm",
        kernel="6.18.0",
        machine="x86_64",
        subject="sh build.sh",
        begin_ns=1_000_000,
        end_ns=3_500_000,
        began_utc="2026-11-21 09:54:54 UTC",
        status=3,
        stopped_by="end of the command",
    )


@pytest.mark.parametrize(
    ("values", "subject"),
    [
        ({"pids": [7, 8]}, "pid 7, 8"),
        ({"whole_host": True}, "the whole host"),
        ({"cgroup": "/a", "pids": [7]}, "pid 7 and cgroup /a"),
        ({"command": "", "pids": []}, ""),
    ],
)
def test_what_was_followed(values: dict[str, Any], subject: str) -> None:
    """Without a command it says what was followed instead."""
    assert recording({"recording": values}).subject == subject


def test_the_status_is_that_of_a_command() -> None:
    """What is followed otherwise has none, and the recorder's own is not its."""
    assert recording({"recording": {"command": "false", "status": 1}}).status == 1
    assert recording({"recording": {"pids": [7], "status": 0}}).status is None


def test_an_unfinished_recording_ends_with_its_last_event() -> None:
    """The recorder writes `end_ns` last."""
    unfinished = recording({"recording": {"begin_ns": 2000}})
    assert (unfinished.end_ns, unfinished.span_ns) == (5000, 3000)


def test_a_time_that_no_calendar_has() -> None:
    """An absurd offset gives no wall-clock time instead of an error."""
    values = {"recording": {"begin_ns": 1}, "host": {"realtime_minus_monotonic_ns": 10**40}}
    assert recording(values).began_utc == ""


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=3,
)
_names = st.sampled_from(
    ["hostname", "pids", "begin_ns", "end_ns", "command", "status", "realtime_minus_monotonic_ns"]
)


@given(st.dictionaries(st.sampled_from(["host", "recording"]), st.dictionaries(_names, _json)))
def test_any_metadata_gives_a_recording(metadata: dict[str, Any]) -> None:
    """Whatever JSON stands there, nothing is raised and the span is no negative time."""
    assert recording(metadata).span_ns >= 0
