# SPDX-License-Identifier: Apache-2.0
"""The errors a user may see: what happened, why, and what to do about it."""

from __future__ import annotations

STATUS_NO_PRIVILEGE = 77
"""`sysexits.h` EX_NOPERM: the recorder lacks a privilege."""
STATUS_OWN_FAILURE = 125
"""proctrace itself failed; the convention of env(1) and timeout(1)."""
STATUS_CANNOT_EXECUTE = 126
"""The command was found but cannot be executed; same convention."""
STATUS_NOT_FOUND = 127
"""The command was not found; same convention."""
STATUS_UNUSABLE_INPUT = 2
"""An offline command was misused or could not read its input."""


class ProctraceError(Exception):
    """An expected failure, shown as three lines and never as a traceback.

    `what` is one line on what could not be done, `why` one line on the cause,
    `hint` one line on what to do; `status` is the exit status of the command.
    """

    def __init__(self, what: str, why: str, hint: str, *, status: int = STATUS_OWN_FAILURE) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.hint = hint
        self.status = status


class TraceFormatError(ProctraceError):
    """A file that is no readable trace: wrong magic, newer format, damaged blocks."""

    def __init__(self, what: str, why: str, hint: str) -> None:
        super().__init__(what, why, hint, status=STATUS_UNUSABLE_INPUT)
