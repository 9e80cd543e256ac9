# SPDX-License-Identifier: Apache-2.0
"""Recording from beginning to end: start the command stopped, follow, drain, finish the file."""

from __future__ import annotations

import os
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tracer import host, launch, output, requirements, start_state
from tracer.delay_accounting import DelayAccounting
from tracer.interrupts import Interrupts
from tracer.invoker import invoking_user
from tracer.pump import Pump
from traces.errors import ProctraceError

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable

    from tracer.actor.acting import Acting
    from tracer.actor.script import Script
    from tracer.btf import Btf
    from tracer.invoker import InvokingUser
    from tracer.launch import Launched
    from tracer.output import OutputFile
    from tracer.program import Options, Program
    from tracer.request import Request
    from tracer.taskstats import TaskstatsListener
    from traces.metadata import JsonValue


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a recording ended: its file, the exit status for the shell, and what to tell."""

    path: Path
    status: int
    file_bytes: int
    tasks_left: int
    records_lost: int
    stopped_by: str
    problem: ProctraceError | None = None
    """Why a script was not acted to its end."""
    interrupted_by: int = 0
    """The first signal that asked the recorder to stop, whatever the recording ended by; or 0."""


def record(request: Request, notice: Callable[[str], None]) -> Outcome:
    """Record as `request` says and give the outcome; `notice` gets one-line messages.

    Raises ProctraceError, and OSError for what the system refused besides. A recording that never
    began leaves no file; whatever goes wrong later, what was recorded by then stays readable.
    Nothing of ours stays in the kernel.
    """
    requirements.require()
    user = invoking_user()
    with ExitStack() as stack:
        if request.audit_copies:
            requirements.require_copy_audit()
            stack.enter_context(DelayAccounting())
        # The command is forked first, before bcc and polars start threads of their own.
        acting = _acting(request.script, stack) if request.script is not None else None
        launched = _launch(request, user, acting)
        gate = _Gate(launched)
        stack.callback(gate.abandon)
        path = request.output or Path(output.default_name(request.subject, os.getpid()))
        owner = (user.uid, user.gid) if user else None
        file = stack.enter_context(output.create(path, overwrite=request.overwrite, owner=owner))
        _allow_descriptors(stack)
        interrupts = Interrupts()
        try:
            # A command that is not recorded any more is waited for without programs, and a signal
            # ends the waiting.
            with ExitStack() as live:
                live.enter_context(interrupts)
                recording = _Recording(request, path, gate, interrupts, notice, acting)
                return recording.run(file, live)
        except OSError as error:
            # One that came while the programs were taken out is not to be lost.
            if not interrupts.received:
                gate.wait_for_command()
            if isinstance(error, output.WriteError):
                raise output.write_failure(path, error) from error
            raise
        finally:
            if not gate.released:
                output.remove(path, file)


def _acting(script: Script, stack: ExitStack) -> Acting:
    from tracer.actor.acting import Acting  # noqa: PLC0415 - only for those who need it

    return Acting(script, stack)


def _launch(request: Request, user: InvokingUser | None, acting: Acting | None) -> Launched | None:
    if acting is not None:
        env, program = acting.environment(), acting.program
        return launch.start(request.command, env=env, as_user=user, program=program)
    return launch.start(request.command, as_user=user) if request.command else None


def _allow_descriptors(stack: ExitStack) -> None:
    """Allow as many as may be: page faults need two for each CPU. The command has its own limit."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, before)


@dataclass(slots=True)
class _Gate:
    """The command behind its gate, if there is a command; what runs already begins at once."""

    launched: Launched | None
    released: bool = False

    def release(self) -> None:
        self.released = True
        if self.launched is not None:
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
    acting: Acting | None = None

    def run(self, file: OutputFile, stack: ExitStack) -> Outcome:
        # Heavy imports wait until the command is forked. Compiling takes longest and holds no
        # lock of Python, so polars is imported beside it.
        from tracer.btf import Btf  # noqa: PLC0415

        with ThreadPoolExecutor(1) as compiler:
            btf = Btf.running()
            loading = compiler.submit(_load, self.request, btf, self.notice)
            from tracer.session import Session  # noqa: PLC0415
            from tracer.targets import follow  # noqa: PLC0415
            from traces.writer import TraceWriter  # noqa: PLC0415

            request, options, program = loading.result()
        stack.callback(program.close)
        writer = TraceWriter(file)
        taskstats = _taskstats(btf, stack) if request.audit_copies else None
        session = Session(program, options, writer, taskstats)
        stack.callback(session.close)
        begin = request.as_json() | {"begin_ns": time.monotonic_ns()}
        writer.metadata("host", host.describe())
        writer.metadata("plan", program.plan())
        writer.metadata("recording", begin)
        if program.memory is not None:
            writer.metadata("memory", program.memory.as_json())
        follow(request, self.gate.launched, session, writer)
        acting = self.acting
        if acting is not None:
            stack.callback(acting.abandon)
            acting.follow(session)
        # What runs already is recorded by now, but a command alone need not begin.
        if self.interrupts.received and not request.adopts_running:
            raise _stopped_early(self.interrupts.received[0])
        self.gate.release()
        pump = Pump(request, self.gate.launched, session, self.interrupts, self.notice)
        pump.watch = None if acting is None else acting.watch
        pump.run()
        if acting is not None:
            acting.before_end(pump.stopped_by)
        tasks_left = session.finish()
        if acting is not None:
            acting.after_end(writer)
        end: dict[str, JsonValue] = {
            "end_ns": session.end_ns,
            "status": pump.status(),
            "stopped_by": pump.stopped_by,
        }
        writer.metadata("recording", begin | end)
        writer.finish()
        problem = None if acting is None else acting.problem(pump.stopped_by, pump.status())
        return Outcome(
            self.path, pump.status(), writer.bytes_written, tasks_left, session.records_lost,
            pump.stopped_by, problem, next(iter(self.interrupts.received), 0),
        )  # fmt: skip


def _stopped_early(number: signal.Signals) -> ProctraceError:
    return ProctraceError(
        "stopped before the recording began",
        f"{number.name} came while it was prepared",
        "no command was run and no file was left",
        status=128 + number,
    )


def _load(
    request: Request, btf: Btf, notice: Callable[[str], None]
) -> tuple[Request, Options, Program]:
    """Load the programs; without those for page faults where these can't be had, and said so."""
    from tracer.memory_layout import MemoryUnmeasuredError  # noqa: PLC0415 - see _Recording.run
    from tracer.program import load  # noqa: PLC0415 - see _Recording.run

    options = _options(request)
    try:
        return request, options, load(options, btf)
    except MemoryUnmeasuredError as error:
        if request.faults_required:
            raise
        notice(f"Page faults are not recorded: {error.what}, {error.why}")
    request = replace(request, faults=False)
    options = _options(request)
    return request, options, load(options, btf)


def _taskstats(btf: Btf, stack: ExitStack) -> TaskstatsListener:
    from tracer.taskstats import TaskstatsListener  # noqa: PLC0415 - see _Recording.run

    return stack.enter_context(TaskstatsListener(btf))


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
        steps=request.steps,
        stacks=request.stacks,
    )
