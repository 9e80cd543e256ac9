# SPDX-License-Identifier: Apache-2.0
"""Starts a command stopped, so that it can be followed from its first instruction on.

The child is forked early, before the recorder has threads, and waits at a pipe until it is
released; then it calls execve() exactly once. When the recorder dies first, by whatever signal,
the pipe ends and so does the child.
"""

from __future__ import annotations

import os
import signal
import struct
from typing import TYPE_CHECKING, NoReturn

from tracer.command_path import exec_error, find_program, shown
from traces.errors import STATUS_OWN_FAILURE, ProctraceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tracer.invoker import InvokingUser

_RESET_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
"""Python ignores these at its start; a command is to find them as a shell would give them."""

_REPORT = struct.Struct("<cI")
_AT_USER, _AT_EXEC = b"u", b"x"


class Launched:
    """A child that waits to be released. `pidfd` becomes readable when it has ended."""

    def __init__(self, pid: int, path: str, gate: int, report: int) -> None:
        """Take over the child `pid` and the parent's ends of its two pipes."""
        self.pid = pid
        self.path = path
        """The program that is executed, as found by PATH."""
        self.pidfd = os.pidfd_open(pid)
        self._gate: int | None = gate
        self._report = report
        self._status: int | None = None

    def release(self) -> None:
        """Let the child execute its program.

        Raise ProctraceError (126 or 127) when that fails; the child is gone then.
        """
        self._open_gate(b"g")
        report = os.read(self._report, _REPORT.size)
        os.close(self._report)
        if len(report) == _REPORT.size:
            self.wait_status()
            self.close()
            stage, code = _REPORT.unpack(report)
            raise exec_error(self.path, code) if stage == _AT_EXEC else _user_error(code)

    def abandon(self) -> None:
        """End a child that was not released: nothing of the command has run."""
        self._open_gate(b"")
        os.close(self._report)
        self.wait_status()
        self.close()

    def wait_status(self) -> int:
        """Wait for the child's end; give its exit status, or 128 + the signal that ended it."""
        if self._status is None:
            _, status = os.waitpid(self.pid, 0)
            code = os.waitstatus_to_exitcode(status)
            self._status = code if code >= 0 else 128 - code
        return self._status

    def close(self) -> None:
        """Close `pidfd`; the child goes on."""
        if self.pidfd >= 0:
            os.close(self.pidfd)
            self.pidfd = -1

    def _open_gate(self, word: bytes) -> None:
        if self._gate is None:
            return
        try:
            os.write(self._gate, word)
        except BrokenPipeError:
            pass  # a signal has ended the child already; wait_status tells which
        finally:
            os.close(self._gate)
            self._gate = None


def start(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    as_user: InvokingUser | None = None,
    program: str = "",
) -> Launched:
    """Fork a child that will execute `argv` once released, as `as_user` where given.

    `program` is the path of the program where argv[0] does not name it.

    The environment is `env`, by default our own, changed to the user's. Standard streams, the
    process group and every inheritable descriptor are ours. Raise ProctraceError with status 127
    when the program is not found, 126 when it cannot be executed.
    """
    environment = dict(os.environ if env is None else env)
    if as_user is not None:
        environment = as_user.environment(environment)
    path = find_program(program or argv[0], environment.get("PATH"))
    gate_read, gate = os.pipe()
    report, report_write = os.pipe()
    # No signal may meet our Python handlers in the child.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    pid = os.fork()
    if pid == 0:
        try:
            os.close(gate)
            _become_command(gate_read, report_write, mask, as_user)
            _execute(path, argv, environment, report_write)
        finally:
            os._exit(STATUS_OWN_FAILURE)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    os.close(gate_read)
    os.close(report_write)
    return Launched(pid, path, gate, report)


def _become_command(
    gate: int, report: int, mask: set[int | signal.Signals], as_user: InvokingUser | None
) -> None:
    """Wait at the gate as the command will be: its signals, its user. Runs in the child."""
    for number in signal.valid_signals():
        if number in _RESET_BY_PYTHON or callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    if as_user is not None:
        try:
            os.setgroups(as_user.groups)
            os.setresgid(as_user.gid, as_user.gid, as_user.gid)
            os.setresuid(as_user.uid, as_user.uid, as_user.uid)
        except OSError as error:
            _report_and_exit(report, _AT_USER, error)
    if os.read(gate, 1) != b"g":
        os._exit(STATUS_OWN_FAILURE)


def _execute(path: str, argv: Sequence[str], env: Mapping[str, str], report: int) -> NoReturn:
    try:
        os.execve(path, list(argv), env)  # noqa: S606 - to run the user's command is the purpose
    except OSError as error:
        _report_and_exit(report, _AT_EXEC, error)


def _report_and_exit(report: int, stage: bytes, error: OSError) -> NoReturn:
    os.write(report, _REPORT.pack(stage, error.errno or 0))
    os._exit(STATUS_OWN_FAILURE)


def _user_error(code: int) -> ProctraceError:
    return ProctraceError(
        "cannot run the command as the user who called sudo",
        shown(os.strerror(code)),
        "run proctrace as root without sudo to run the command as root",
    )
