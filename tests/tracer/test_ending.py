# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.ending: exactly the processes that are meant end."""

from __future__ import annotations

import os
import signal
import subprocess

from tests.tracer.waiting import until
from tracer.ending import Living, end_processes
from tracer.start_state import task_state

TICK_NS = 10**9 // os.sysconf("SC_CLK_TCK")


def _sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "60"])


def _living(process: subprocess.Popen[bytes], *, later_ticks: int = 0) -> Living:
    state = task_state(process.pid)
    assert state is not None
    start_ns = (state.start_ticks + later_ticks) * TICK_NS
    return Living(process.pid, process.pid, start_ns, start_ns)


def test_all_end_before_it_returns() -> None:
    """A process of which several tasks are named ends once."""
    with _sleeper() as one, _sleeper() as other:
        first = _living(one)
        end_processes([first, first._replace(tid=1), _living(other)])
        assert [process.poll() for process in (one, other)] == [-signal.SIGKILL] * 2


def test_another_process_of_the_same_pid_lives_on() -> None:
    """Its start is another one."""
    with _sleeper() as process:
        end_processes([_living(process, later_ticks=1), _living(process, later_ticks=-1)])
        assert process.poll() is None
        end_processes([_living(process)])


def test_who_is_gone_is_no_error() -> None:
    """Whether it was reaped or is a zombie, and nobody is an answer, too."""
    with _sleeper() as process:
        living = _living(process)
        process.kill()
        until(lambda: (state := task_state(process.pid)) is not None and state.state == b"Z")
        end_processes([living])
        process.wait()
        end_processes([living])
    end_processes([])


def test_nothing_stays_open() -> None:
    """Descriptors of processes are closed again."""
    before = os.listdir("/proc/self/fd")  # noqa: PTH208 - numbers alone
    with _sleeper() as process:
        end_processes([_living(process)])
    assert os.listdir("/proc/self/fd") == before  # noqa: PTH208
