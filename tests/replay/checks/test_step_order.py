# SPDX-License-Identifier: Apache-2.0
"""The order of steps. What breaks it, and what is lost, is in mutations.py."""

from __future__ import annotations

from replay.checks.verdict import Outcome
from tests.replay.checks.creating import verdicts
from tests.replay.checks.mutations import life, steps

RULE = "step-order"


def test_pairs_of_which_both_were_seen() -> None:
    """Each is a part of its own, named after both."""
    parts = {part.name for part in verdicts(steps())[RULE].parts}
    assert "copy_files before copy_fs" in parts
    assert "copy_mm before copy_namespaces" not in parts


def test_the_book_wants_the_pid_first() -> None:
    """No kernel does it."""
    verdict = verdicts(steps(), "textbook")[RULE]
    broken = {part.name for part in verdict.parts if part.violated}
    assert broken == {f"alloc_pid before copy_{what}" for what in ("files", "fs", "mm", "sighand")}
    names = [event.name for event in verdict.cases[0].events]
    assert names == ["sys_enter", "step", "step", "sys_exit"]


def test_a_recording_without_steps() -> None:
    """Is unknown."""
    assert verdicts(life())[RULE].outcome is Outcome.UNKNOWN
