# SPDX-License-Identifier: Apache-2.0
"""What a failed creation takes back. What breaks it, and what is lost, is in mutations.py."""

from __future__ import annotations

import pytest

from tests.replay.checks.creating import CLONE3, fail, verdicts, violated
from tests.replay.checks.living import CACHES, allocate
from tests.replay.checks.mutations import failed, steps

RULE = "undo-ladder"


def test_each_rung_and_each_pair() -> None:
    """Five objects are freed at once, in the ladder's order."""
    verdict = verdicts(failed())[RULE]
    assert [part.name for part in verdict.parts if part.passed] == [
        "bad_fork_cleanup_mm", "bad_fork_cleanup_signal", "bad_fork_cleanup_sighand",
        "bad_fork_cleanup_fs", "bad_fork_cleanup_files", "mm_struct before signal_cache",
        "signal_cache before sighand_cache", "sighand_cache before fs_cache",
        "fs_cache before files_cache",
    ]  # fmt: skip


def test_the_wrong_order() -> None:
    """Is a violation, too."""
    trace = failed()
    one, other = (trace.of("step", cache=cache, what=2)[0] for cache in (7, 3))
    one["time_ns"], other["time_ns"] = other["time_ns"], one["time_ns"]
    assert violated(trace) == {RULE}


def test_what_was_not_made_needs_no_undoing() -> None:
    """A call that fails early leaves nothing."""
    trace = steps()
    fail(trace, 11, syscall=CLONE3)
    allocate(trace, 89_000, 0, "cred_jar")
    assert verdicts(trace)[RULE].count == 0


@pytest.mark.parametrize(
    ("cache", "rung"),
    [("mm_struct", "mm"), ("signal_cache", "signal"), ("sighand_cache", "sighand"),
     ("fs_cache", "fs"), ("files_cache", "files")],
)  # fmt: skip
def test_a_rung_that_is_left_out(cache: str, rung: str) -> None:
    """Leaves its object behind."""
    trace = failed()
    assert trace.drop("step", cache=CACHES.index(cache) + 1, what=2) == 1
    assert violated(trace) == {RULE}
    parts = [part.name for part in verdicts(trace)[RULE].parts if part.violated]
    assert parts == [f"bad_fork_cleanup_{rung}"]
