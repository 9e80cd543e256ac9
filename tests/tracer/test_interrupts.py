# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.interrupts: signals become a note and a readable descriptor."""

from __future__ import annotations

import os
import select
import signal

import pytest

from tracer.interrupts import Interrupts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_noted_and_wakes_a_poll(number: signal.Signals) -> None:
    """The recorder is not ended by it; it is told."""
    # These tests may have been started with nohup themselves.
    before = signal.signal(number, signal.SIG_DFL)
    try:
        with Interrupts() as interrupts:
            os.kill(os.getpid(), number)
            ready, _, _ = select.select([interrupts.wake_fd], [], [], 5)
            assert ready == [interrupts.wake_fd]
            assert interrupts.received == [number]
            interrupts.clear_wake_up()
            assert select.select([interrupts.wake_fd], [], [], 0)[0] == []
            interrupts.clear_wake_up()
    finally:
        signal.signal(number, before)


def test_handlers_are_given_back() -> None:
    """After the recording Ctrl-C means what it meant."""
    before = signal.getsignal(signal.SIGINT)
    with Interrupts():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before


def test_a_hang_up_that_is_ignored_stays_so() -> None:
    """Under nohup a recording of the host goes on after its terminal is gone."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupts() as interrupts:
            os.kill(os.getpid(), signal.SIGHUP)
            assert select.select([interrupts.wake_fd], [], [], 0)[0] == []
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
