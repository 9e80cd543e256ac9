# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.request: what follows from what the user asked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tracer.request import Request
from traces.metadata import decode_json, encode_json


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


def test_a_trace_can_store_it_whatever_its_bytes() -> None:
    """Words and paths need not be UTF-8; metadata is."""
    request = Request(
        None, command=("a b", os.fsdecode(b"\xff")), cgroup=Path(os.fsdecode(b"/\xff"))
    )
    stored = request.as_json()
    assert decode_json(encode_json(stored)) == stored
    assert stored["command"] == r"'a b' $'\xff'"
    assert stored["cgroup"] == r"/\xff"
    plain = Request(None, pids=(7,), duration_s=0.5).as_json()
    assert (plain["pids"], plain["cgroup"], plain["duration_s"]) == ([7], "", 0.5)
