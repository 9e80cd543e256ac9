# SPDX-License-Identifier: Apache-2.0
"""Combinations that must be refused."""

from __future__ import annotations

import pytest

from replay.checks.verdict import Outcome
from tests.replay.checks.creating import (
    CLONE,
    CLONE3,
    FS,
    MODEL,
    NEWNS,
    PARENT_SETTID,
    PIDFD,
    PTHREAD,
    SIGHAND,
    SYSVSEM,
    THREAD,
    VM,
    creations,
    fail,
    is_lost,
    only,
    verdicts,
    violated,
)  # fmt: skip

RULE = "refused-flags"
EPERM, EAGAIN, EINVAL, ECHILD = 1, 11, 22, 10
NEWIPC, NEWUSER, DETACHED, NEWPID = 0x8000000, 0x10000000, 0x400000, 0x20000000
CLEAR_SIGHAND = 0x100000000
REFUSED = [
    ("newns_fs", CLONE, NEWNS | FS, 17),
    ("newuser_fs", CLONE, NEWUSER | FS, 17),
    ("thread_without_sighand", CLONE, THREAD | VM, 0),
    ("sighand_without_vm", CLONE, SIGHAND, 17),
    ("thread_newuser_newpid", CLONE, PTHREAD | NEWPID, 0),
    ("pidfd_detached", CLONE, PIDFD | DETACHED, 17),
    ("pidfd_parent_settid", CLONE, PIDFD | PARENT_SETTID, 17),
    ("newipc_sysvsem", CLONE, NEWIPC | SYSVSEM, 17),
    ("clone3_detached", CLONE3, DETACHED, 17),
    ("clone3_signal_bits", CLONE3, 17, 17),
    ("clone3_unknown_flag", CLONE3, 1 << 40, 17),
    ("clone3_sighand_clear", CLONE3, VM | SIGHAND | CLEAR_SIGHAND, 17),
    ("clone3_thread_signal", CLONE3, PTHREAD, 17),
    ("clone3_bad_signal", CLONE3, 0, 70),
]


@pytest.mark.parametrize(("part", "syscall", "flags", "signal"), REFUSED)
def test_a_combination_that_is_refused(part: str, syscall: int, flags: int, signal: int) -> None:
    """EINVAL keeps the rule; a child or another error violates it."""
    trace = creations()
    fail(trace, EINVAL, flags, syscall, exit_signal=signal)
    verdict = verdicts(trace)[RULE]
    assert verdict.outcome is Outcome.PASS
    assert [one.name for one in verdict.parts if one.passed] == [part]
    only(trace, "clone_call")["result"] = 4711
    assert violated(trace) == {RULE}
    assert "the call gave the child 4711" in verdicts(trace)[RULE].cases[0].why
    only(trace, "clone_call")["result"] = -ECHILD
    assert RULE in violated(trace)


def test_every_refusal_that_a_trace_shows_is_tried() -> None:
    """None of the model's is left out above."""
    assert {one.id for one in MODEL.refused if not one.only_if} == {row[0] for row in REFUSED}


def test_an_error_of_an_earlier_step() -> None:
    """Comes first: the capability is asked for before NEWIPC and SYSVSEM are compared."""
    trace = creations()
    fail(trace, EPERM, NEWIPC | SYSVSEM)
    assert violated(trace) == set()
    fail(trace, EAGAIN, NEWNS | FS)
    assert violated(trace) == {RULE}


def test_what_later_kernels_accept() -> None:
    """CLONE_PIDFD with CLONE_THREAD is refused up to 6.8."""
    trace = creations(PTHREAD)
    only(trace, "clone_call")["flags"] |= PIDFD
    assert verdicts(trace, "linux-6.12")[RULE].outcome is Outcome.PASS
    assert verdicts(trace, "linux-6.6")[RULE].outcome is Outcome.VIOLATION


def test_a_clone3_that_could_not_be_read() -> None:
    """Is not judged by the zeros that stand for its arguments."""
    trace = creations()
    fail(trace, 0, 0, CLONE3, args_read=0, exit_signal=70)
    assert verdicts(trace)[RULE].count == 0


def test_bits_that_clone_does_not_look_at() -> None:
    """It takes the lower 32 bits, and the signal is no flag."""
    trace = creations()
    fail(trace, 0, CLEAR_SIGHAND | 0x91 | (1 << 40))
    assert violated(trace) == set()


def test_a_lost_call() -> None:
    """Leaves the rule open."""
    trace = creations()
    fail(trace, EINVAL, NEWNS | FS)
    fail(trace, EINVAL, SIGHAND)
    trace.lose("clone_call", flags=SIGHAND)
    assert is_lost(verdicts(trace)[RULE])
