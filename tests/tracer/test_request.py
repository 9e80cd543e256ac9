# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.request: what follows from what the user asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracer.request import Request


@pytest.mark.parametrize(
    ("request_", "adopts", "subject"),
    [
        (Request(None, command=("make", "-j2")), False, "make"),
        (Request(None, pids=(7, 8)), True, "pid7"),
        (Request(None, whole_host=True), True, "host"),
        (Request(None, cgroup=Path("/sys/fs/cgroup/x")), True, "cgroup"),
        (Request(None, command=("true",), whole_host=True), True, "true"),
    ],
)
def test_subject_and_adoption(request_: Request, adopts: bool, subject: str) -> None:  # noqa: FBT001
    """A command alone follows nothing that runs already; the file is named after the subject."""
    assert request_.adopts_running is adopts
    assert request_.subject == subject
