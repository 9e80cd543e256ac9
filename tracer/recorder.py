# SPDX-License-Identifier: Apache-2.0
"""Recording from beginning to end: start the command stopped, follow, drain, finish the file."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from tracer import host, launch, output, requirements, start_state
from tracer.interrupts import Interrupts
from tracer.invoker import invoking_user
from tracer.pump import Pump

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.launch import Launched
    from tracer.program import Options
    from tracer.request import Request
    from tracer.session import Session
    from tracer.start_state import StartTask
    from traces.metadata import JsonValue
    from traces.writer import TraceWriter


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a recording ended: its file, the exit status for the shell, and what to tell."""

    path: Path
    status: int
    file_bytes: int
    tasks_left: int
    records_lost: int


def record(request: Request, notice: Callable[[str], None]) -> Outcome:
    """Record as `request` says and give the outcome; `notice` gets one-line messages.

    Raises ProctraceError. Whatever goes wrong after the file was created, what was recorded by
    then stays readable and nothing of ours stays in the kernel.
    """
    requirements.require()
    user = invoking_user()
    with ExitStack() as stack:
        # The command is forked first, before bcc and polars start threads of their own.
        launched = launch.start(request.command, as_user=user) if request.command else None
        gate = _Gate(launched)
        stack.callback(gate.abandon)
        path = request.output or Path(output.default_name(request.subject, os.getpid()))
        owner = (user.uid, user.gid) if user else None
        file = stack.enter_context(output.create(path, overwrite=request.overwrite, owner=owner))
        interrupts = stack.enter_context(Interrupts())
        recording = _Recording(request, path, gate, interrupts, notice)
        try:
            return recording.run(file, stack)
        except OSError as error:
            gate.wait_for_command()
            raise output.write_failure(path, error) from error


@dataclass(slots=True)
class _Gate:
    """The command behind its gate, if there is a command."""

    launched: Launched | None
    released: bool = False

    def release(self) -> None:
        if self.launched is not None:
            self.released = True
            self.launched.release()

    def abandon(self) -> None:
        if self.launched is not None and not self.released:
            self.launched.abandon()

    def wait_for_command(self) -> None:
        if self.launched is not None and self.released:
            self.launched.wait_status()


@dataclass(frozen=True, slots=True)
class _Recording:
    """Everything that exists before the first program is loaded."""

    request: Request
    path: Path
    gate: _Gate
    interrupts: Interrupts
    notice: Callable[[str], None]

    def run(self, file: BinaryIO, stack: ExitStack) -> Outcome:
        # Heavy imports wait until the command is forked. Compiling takes longest and holds no
        # lock of Python, so polars is imported beside it.
        from tracer.btf import Btf  # noqa: PLC0415
        from tracer.program import load  # noqa: PLC0415

        options = _options(self.request)
        with ThreadPoolExecutor(1) as compiler:
            loading = compiler.submit(load, options, Btf.running())
            from tracer.session import Session  # noqa: PLC0415
            from traces.writer import TraceWriter  # noqa: PLC0415

            program = loading.result()
        stack.callback(program.close)
        writer = TraceWriter(file)
        session = Session(program, options, writer)
        stack.callback(session.close)
        begin = _recording(self.request) | {"begin_ns": time.monotonic_ns()}
        writer.metadata("host", host.describe())
        writer.metadata("plan", program.plan())
        writer.metadata("recording", begin)
        if program.memory is not None:
            writer.metadata("memory", program.memory.as_json())
        _follow(self.request, self.gate.launched, session, writer)
        self.gate.release()
        pump = Pump(self.request, self.gate.launched, session, self.interrupts, self.notice)
        pump.run()
        tasks_left = session.finish()
        end: dict[str, JsonValue] = {
            "end_ns": time.monotonic_ns(),
            "status": pump.status(),
            "stopped_by": pump.stopped_by,
        }
        writer.metadata("recording", begin | end)
        writer.finish()
        return Outcome(
            self.path, pump.status(), writer.bytes_written, tasks_left, session.records_lost
        )


def _options(request: Request) -> Options:
    from tracer.program import Options  # noqa: PLC0415 - see _Recording.run

    cgroup = request.cgroup
    return Options(
        recorder_tgid=os.getpid(),
        follow_all=request.whole_host,
        adopt_running=request.adopts_running,
        wanted_cgroup=start_state.cgroup_id(cgroup) if cgroup is not None else None,
        environment=request.environment,
        faults=request.faults,
    )


def _follow(
    request: Request, launched: Launched | None, session: Session, writer: TraceWriter
) -> None:
    """Tell the programs whom to follow, and write down how those tasks stand now."""
    from tracer.few_rows import write_few_rows  # noqa: PLC0415 - see _Recording.run

    rows = start_state.whole_host() if request.whole_host else []
    if launched is not None:
        session.follow_from_exec(launched.pid)
        rows += start_state.of_tasks([launched.pid])
    if not request.whole_host:
        rows += _adopt_running(request, session)
    write_few_rows(writer, "start_task", [row._asdict() for row in rows])


def _adopt_running(request: Request, session: Session) -> list[StartTask]:
    """Follow what runs already; look again until nobody was born between look and follow."""
    known: dict[int, StartTask] = {}
    while True:
        found = start_state.trees(request.pids) if request.pids else []
        if request.cgroup is not None:
            found += start_state.of_tasks(start_state.cgroup_tasks(request.cgroup))
        fresh = {row.tid: row for row in found if row.tid not in known}
        if not fresh:
            return list(known.values())
        session.follow_now(fresh)
        known |= fresh


def _recording(request: Request) -> dict[str, JsonValue]:
    from tracer import __version__  # noqa: PLC0415
    from traces.shown import shell_line  # noqa: PLC0415

    return {
        "proctrace_version": __version__,
        "command": shell_line([os.fsencode(word) for word in request.command]),
        "pids": list(request.pids),
        "whole_host": request.whole_host,
        "cgroup": str(request.cgroup) if request.cgroup is not None else "",
        "environment": request.environment,
        "faults": request.faults,
        "until_last": request.until_last,
        "duration_s": request.duration_s,
        "max_size_bytes": request.max_size_bytes,
    }
