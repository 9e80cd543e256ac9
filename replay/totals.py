# SPDX-License-Identifier: Apache-2.0
"""How much happened: creations, execs, ends and waits, counted over all processes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from replay.creation import How, how_created
from replay.names import errno_name, signal_name
from replay.process import Choice
from replay.tables import columns

if TYPE_CHECKING:
    from collections.abc import Collection

    from replay.process import Process
    from replay.tables import TraceTables


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts over all processes of a trace; keys of the mappings are in a fixed order."""

    processes: int
    """Processes known, those that were there before included."""
    before_recording: int
    running: int
    """Processes that had not ended."""
    created: dict[How, int]
    """Tasks created."""
    failed_clones: dict[str, int]
    """Calls of the clone family that failed, by errno."""
    execs: int
    failed_execs: dict[str, int]
    """By errno."""
    statuses: dict[int, int]
    """Processes that exited, by exit status."""
    signals: dict[str, int]
    """Processes that a signal ended, by its name."""
    core_dumps: int
    waits: dict[Choice, int]
    """Processes created while followed, by what their parent did about their end."""
    blocked_ns: int
    """How long parents slept for children they waited for."""
    zombie_ns: int
    """How long ended children waited to be reaped."""

    @classmethod
    def of(cls, trace: TraceTables, processes: Collection[Process]) -> Totals:
        """Count."""
        created = Counter(
            how_created(task.creation)
            for process in processes
            for task in process.tasks
            if task.creation is not None
        )
        ends = [process.end for process in processes if process.end is not None]
        waits = [
            process.wait
            for process in processes
            if process.wait is not None and not process.before_recording
        ]
        choices = Counter(wait.choice for wait in waits)
        failed_execs = (failed.errno for process in processes for failed in process.failed_execs)
        return cls(
            processes=len(processes),
            before_recording=sum(process.before_recording for process in processes),
            running=len(processes) - len(ends),
            created={how: created[how] for how in How if created[how]},
            failed_clones=_by_errno(_failed_clone_errors(trace)),
            execs=sum(_recorded_images(process) for process in processes),
            failed_execs=_by_errno(Counter(failed_execs)),
            statuses=dict(sorted(Counter(end.status for end in ends if not end.signal).items())),
            signals={
                signal_name(number): count
                for number, count in sorted(Counter(end.signal for end in ends).items())
                if number
            },
            core_dumps=sum(end.core_dumped for end in ends),
            waits={choice: choices[choice] for choice in Choice if choices[choice]},
            blocked_ns=sum(wait.blocked_ns for wait in waits if wait.choice is Choice.WAITED),
            zombie_ns=sum(wait.zombie_ns for wait in waits),
        )


def _recorded_images(process: Process) -> int:
    # The image of a process from before the recording, as /proc showed it, was no exec of it.
    return sum(image.time_ns > 0 for image in process.images)


def _failed_clone_errors(trace: TraceTables) -> Counter[int]:
    rows = columns(trace.table("clone_call"), "result", "unfinished")
    return Counter(-result for result, unfinished in rows if result < 0 and not unfinished)


def _by_errno(errors: Counter[int]) -> dict[str, int]:
    return {errno_name(number): count for number, count in sorted(errors.items())}
