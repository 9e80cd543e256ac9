# SPDX-License-Identifier: Apache-2.0
"""tracer.host: the facts about the host."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tracer import host

if TYPE_CHECKING:
    from pathlib import Path


def test_this_host() -> None:
    """The facts agree with what the system says by other ways, and are JSON."""
    facts = host.describe()
    assert json.loads(json.dumps(facts)) == facts
    assert facts["kernel"] == os.uname().release
    assert facts["page_size_bytes"] == os.sysconf("SC_PAGE_SIZE")
    assert len(str(facts["boot_id"])) == 36
    started = datetime.fromisoformat(str(facts["started_utc"]))
    assert started.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - started) < timedelta(seconds=60)


def test_clock_offsets() -> None:
    """CLOCK_MONOTONIC plus the offset is the other clock, to within a millisecond."""
    offset = host.clock_minus_monotonic_ns(time.CLOCK_REALTIME)
    assert abs(time.monotonic_ns() + offset - time.time_ns()) < 1_000_000
    assert abs(host.clock_minus_monotonic_ns(time.CLOCK_MONOTONIC)) < 1_000_000


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("[none] integrity confidentiality\n", "none"),
        ("none [integrity] confidentiality\n", "integrity"),
        ("", "unknown"),
    ],
)
def test_lockdown(tmp_path: Path, text: str, state: str) -> None:
    """The word in brackets is the one in force."""
    folder = tmp_path / "kernel" / "security"
    folder.mkdir(parents=True)
    (folder / "lockdown").write_text(text)
    assert host.lockdown(tmp_path) == state


def test_what_cannot_be_read_is_unknown(tmp_path: Path) -> None:
    """Nothing is raised where /proc or /sys lack something."""
    facts = host.describe(tmp_path, tmp_path)
    assert (facts["lockdown"], facts["btf"], facts["boot_id"]) == ("unknown", False, "")
    assert facts["initial_pid_namespace"] is False
    assert host.namespace_inode("pid", tmp_path) is None


def test_a_name_that_is_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """sethostname() takes any bytes; a trace holds Unicode."""
    real = os.uname()
    strange = os.uname_result((real.sysname, os.fsdecode(b"h\xff"), *real[2:]))
    monkeypatch.setattr(os, "uname", lambda: strange)
    assert host.describe()["hostname"] == r"h\xff"
