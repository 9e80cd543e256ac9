# SPDX-License-Identifier: Apache-2.0
"""Where a call can have failed, by its error, its flags and what was seen of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from replay.checks.candidates import FailedCall, candidates
from tests.replay.checks.creating import CLONE, CLONE3, FORK, MODEL

EPERM, EAGAIN, EINVAL, EEXIST = 1, 11, 22, 17
SIGCHLD = 17
SIGHAND, NEWUTS, NEWIPC_SYSVSEM, CLEAR_SIGHAND = 0x800, 0x4000000, 0x8040000, 1 << 32
EARLY = frozenset({"dup_task_struct", "copy_creds"})
COPIED = EARLY | {"copy_files", "copy_fs", "copy_sighand", "copy_signal", "copy_mm"}
CALL = FailedCall(
    flags=0, errno=EINVAL, syscall=CLONE, exit_signal=SIGCHLD, args_read=True, seen=frozenset(),
    denied=frozenset(),
)  # fmt: skip


@pytest.mark.parametrize(
    ("call", "steps"),
    [
        (replace(CALL, flags=SIGHAND), ["flag_checks"]),
        (replace(CALL, flags=CLEAR_SIGHAND | SIGHAND | 0x100, syscall=CLONE3), ["clone3_args"]),
        (replace(CALL, exit_signal=65, syscall=CLONE3), ["clone3_args"]),
        (replace(CALL, syscall=CLONE3), ["clone3_args", "flag_checks"]),
        (replace(CALL, flags=NEWIPC_SYSVSEM, seen=COPIED), ["copy_namespaces"]),
        (replace(CALL, flags=NEWUTS, errno=EPERM, seen=COPIED), ["copy_namespaces"]),
        (replace(CALL, errno=EEXIST, seen=COPIED | {"alloc_pid"}), ["alloc_pid"]),
        (replace(CALL, errno=EAGAIN, seen=EARLY, denied=frozenset({21, 24})), ["nproc_limit"]),
        (replace(CALL, errno=EEXIST, syscall=FORK), []),
    ],
)
def test_what_is_known_leaves_these_steps(call: FailedCall, steps: list[str]) -> None:
    """Errors, allocations, refusals and capabilities each leave some out."""
    assert candidates(MODEL, call) == steps


def test_what_is_not_known_leaves_more() -> None:
    """Arguments that could not be read refuse nothing, and unseen questions may have been asked."""
    refused = replace(CALL, flags=CLEAR_SIGHAND | SIGHAND | 0x100, syscall=CLONE3)
    assert candidates(MODEL, replace(refused, args_read=False)) == ["clone3_args", "flag_checks"]
    early = replace(CALL, errno=EAGAIN, seen=EARLY)
    assert "nproc_limit" not in candidates(MODEL, early)
    assert "nproc_limit" in candidates(MODEL, replace(early, denied=None))
