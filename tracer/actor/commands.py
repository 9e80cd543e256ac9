# SPDX-License-Identifier: Apache-2.0
"""Acts a script and records it: the live half of `proctrace run`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from tracer.request import Request
from traces.errors import STATUS_UNUSABLE_INPUT, ProctraceError

if TYPE_CHECKING:
    from pathlib import Path

    from tracer.actor.script import Script

_SIGNAL_STATUS: Final = 128


def act_and_record(script: Script, output: Path | None, *, overwrite: bool) -> int:
    """Act it, record it, and give the exit status: 0, or 128 + n when signal n stopped it.

    ProctraceError when it cannot be recorded, or is not acted to its end; the trace then shows
    how far it came.
    """
    if output is None:
        raise ProctraceError(
            "there is nowhere to write the trace to",
            "no -o FILE was given",
            f"add it: proctrace run {script.name} -o {script.name}.ptrace",
            status=STATUS_UNUSABLE_INPUT,
        )
    from tracer.recorder import record  # noqa: PLC0415 - heavy
    from traces.shown import shell_line  # noqa: PLC0415

    request = Request(
        output, overwrite=overwrite, command=(script.name,), faults=True, faults_required=True,
        steps=True, until_last=True, script=script,
    )  # fmt: skip
    outcome = record(request, _notice)
    if outcome.records_lost:
        _notice(f"LOST {outcome.records_lost} records: proctrace audit {outcome.path} shows where")
    # A signal to the whole group may end the actors before the recorder takes notice of its own.
    interrupted = outcome.interrupted_by
    if outcome.problem is not None and not interrupted:
        raise outcome.problem
    _notice(f"Wrote {outcome.path} ({outcome.file_bytes / 1024:.0f} KiB)")
    if interrupted:
        return _SIGNAL_STATUS + interrupted
    next_words = ["proctrace", "compare", str(outcome.path), *script.words]
    _notice(f"Next: {shell_line([os.fsencode(word) for word in next_words])}")
    return 0


def _notice(message: str) -> None:
    sys.stderr.write(f"proctrace: {message}\n")
