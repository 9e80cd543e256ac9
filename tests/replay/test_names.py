# SPDX-License-Identifier: Apache-2.0
"""Names of the kernel's numbers, against those that this system's headers gave Python."""

from __future__ import annotations

import errno
import os
import signal

import pytest

from replay.names import (
    CLONE_FLAGS,
    WAIT_OPTIONS,
    errno_name,
    flag_names,
    signal_name,
    syscall_name,
)


@pytest.mark.parametrize("number", [*range(1, 32)])
def test_signals(number: int) -> None:
    """Each standard signal; some have two names."""
    assert getattr(signal, signal_name(number), number) == number


def test_other_signals_go_by_number() -> None:
    """The kernel and the C library do not agree on what SIGRTMIN is."""
    assert signal_name(34) == "SIG34"


@pytest.mark.parametrize("number", [*range(1, 41), 75, 80, 87, 95, 122, 126, 127, 129])
def test_errors(number: int) -> None:
    """Each error that a clone, exec or wait call gives."""
    assert getattr(errno, errno_name(number)) == number


def test_numbers_without_a_name() -> None:
    """They stay numbers."""
    assert errno_name(4000) == "4000"
    assert syscall_name(1) == "1"


def test_errors_of_interrupted_calls() -> None:
    """The kernel's own, which a program never sees but a trace does."""
    assert errno_name(512) == "ERESTARTSYS"


def test_flags_by_bit() -> None:
    """Lowest first; a bit without a name is kept as a number."""
    assert flag_names(0x4100 | 1 << 40, CLONE_FLAGS) == [
        "CLONE_VM",
        "CLONE_VFORK",
        "0x10000000000",
    ]
    assert flag_names(0, CLONE_FLAGS) == []


@pytest.mark.parametrize("name", ["WNOHANG", "WEXITED", "WSTOPPED", "WCONTINUED", "WNOWAIT"])
def test_wait_options(name: str) -> None:
    """Those that Python knows have its values."""
    assert WAIT_OPTIONS[getattr(os, name)] == name


def test_clone_flags_are_single_bits() -> None:
    """A value with two bits would never be found by `flag_names`."""
    assert all(bit.bit_count() == 1 for bit in CLONE_FLAGS)
    assert len(set(CLONE_FLAGS.values())) == len(CLONE_FLAGS)
