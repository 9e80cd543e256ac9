# SPDX-License-Identifier: Apache-2.0
"""The three lines of an error and its exit status."""

from __future__ import annotations

from traces.errors import STATUS_NOT_FOUND, ProctraceError, TraceFormatError


def test_parts_and_status() -> None:
    """Own failures have the status 125 unless another is named; unusable input has 2."""
    error = ProctraceError("what", "why", "hint")
    assert (str(error), error.what, error.why, error.hint) == ("what", "what", "why", "hint")
    assert error.status == 125
    assert ProctraceError("", "", "", status=STATUS_NOT_FOUND).status == 127
    assert TraceFormatError("", "", "").status == 2
