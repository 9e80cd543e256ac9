# SPDX-License-Identifier: Apache-2.0
"""Progress bars: late, on stderr, and only for a terminal."""

from __future__ import annotations

import io
import sys
import time
from typing import TYPE_CHECKING

from replay.report import progress as module
from replay.report.progress import progress, tracked

if TYPE_CHECKING:
    import pytest


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def terminal_stderr(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Put a terminal in the place of stderr; no fixture, since pytest captures anew after it."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    return terminal


def test_a_quick_job_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ends within the patience leaves no trace on the terminal."""
    stderr = terminal_stderr(monkeypatch)
    with progress("reading") as advance:
        advance(1)
    assert stderr.getvalue() == ""


def test_a_long_job_says_what_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bar comes when the patience is over."""
    stderr = terminal_stderr(monkeypatch)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(module, "PATIENCE_S", 0.0)
    with progress("reading", 10) as advance:
        deadline = time.monotonic() + 10
        while "reading" not in stderr.getvalue() and time.monotonic() < deadline:
            advance(1)
            time.sleep(0.01)
    assert "reading" in stderr.getvalue()


def test_no_bar_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log of stderr gets none, however long it takes."""
    monkeypatch.setattr(module, "PATIENCE_S", 0.0)
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    with progress("reading"):
        time.sleep(0.05)
    assert log.getvalue() == ""


def test_tracked_items_are_the_items(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them in order, with or without a bar."""
    assert list(tracked("writing", range(2500), 2500)) == list(range(2500))
    terminal_stderr(monkeypatch)
    assert list(tracked("writing", range(2500), 2500)) == list(range(2500))
