# SPDX-License-Identifier: Apache-2.0
"""One process in a few words: its command, how long it lived, how it ended, who waited for it.

A `?` behind a word says that replay is not certain of it; `?` alone, that nothing is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from replay.creation import how_created, telling_flags
from replay.names import errno_name, signal_name
from replay.process import Certainty, Choice, ParentReason, ProcessId
from replay.report.screen import BAD, DIM, ELLIPSIS, GOOD, NOTABLE, PLAIN, Piece
from replay.report.units import counted, duration
from traces.shown import shell_line, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from replay.process import Creation, End, Image, Process, Task, WaitOutcome

NOTHING: Final = "-"
UNKNOWN: Final = "?"


def doubt(certainty: Certainty) -> str:
    """Give `?` for what is not certain, else nothing."""
    return "" if certainty is Certainty.CERTAIN else "?"


def command(process: Process) -> str:
    """Give its command as a line for a shell: the last program it executed.

    In brackets the command it inherited when it never executed one itself, or the kernel's name
    for it when no command is known.
    """
    if process.images:
        return _image_line(process.images[-1])
    if process.inherited is None:
        return f"[{shown(process.leader.comm)}]" if process.leader.comm else UNKNOWN
    line = _image_line(process.inherited)
    return line if process.before_recording else f"[{line}]"


def _image_line(image: Image) -> str:
    program = image.executable or image.path
    if not image.argv and not program:
        return UNKNOWN
    line = shell_line(image.argv or (program,))
    return f"{line} {ELLIPSIS}" if image.argv_truncated else line


def executed_nothing(process: Process) -> bool:
    """Tell whether it was created and ran on with the program of its creator."""
    created = process.leader.creation is not None
    return created and not process.images and not process.leader.kernel


def short_name(process: Process | None) -> str:
    """Give the name of its program without folders, or its comm; empty when unknown."""
    if process is None:
        return ""
    image = process.images[-1] if process.images else process.inherited
    if image is not None and image.argv:
        return program_name(image)
    return shown(process.leader.comm)


def program_name(image: Image) -> str:
    """Give the name of a program without folders.

    A title that it gave itself, as `redis-server unix:/run/r.sock` or `sshd: root@pts/0`, counts
    to its first blank; a name that the executable itself has may have blanks.
    """
    word = image.argv[0] if image.argv else image.executable or image.path
    name = word.rsplit(b"/", 1)[-1]
    if b" " in word and name != (image.executable or image.path).rsplit(b"/", 1)[-1]:
        name = word.split(b" ", 1)[0].rsplit(b"/", 1)[-1].rstrip(b":") or name
    return shown(name)


def created(creation: Creation | None) -> Piece:
    """Give `fork`, `vfork-like`, or `-` for what was there before it was followed."""
    if creation is None:
        return NOTHING, DIM
    return str(how_created(creation)) + doubt(creation.certainty), PLAIN


def lived(creation: Creation | None, end: End | None, until_ns: int, seen_ns: int = 0) -> Piece:
    """Give its lifetime; with a `>` for one that was there before, or that outlived `until_ns`.

    `seen_ns` is when one of unknown creation was first seen; all in CLOCK_MONOTONIC ns.
    """
    from_ns = creation.time_ns if creation else seen_ns
    to_ns = end.time_ns if end else until_ns
    if not from_ns or to_ns < from_ns:
        return NOTHING, DIM
    whole = creation is not None and end is not None
    return ("" if whole else ">") + duration(to_ns - from_ns), PLAIN


def first_seen_ns(process: Process) -> int:
    """Give the earliest moment at which it is known to have been there."""
    times = [image.time_ns for image in process.images]
    times += [span.since_ns for span in process.parents]
    return min((time_ns for time_ns in times if time_ns), default=0)


def is_alive(process: Process) -> bool:
    """Tell whether it was there as recording ended; one from before may never have been seen."""
    return process.before_recording or any(task.alive for task in process.tasks)


def ended(end: End | None, *, alive: bool) -> Piece:
    """Give the exit status or the signal that ended it; `running`, or `?` where none is known."""
    if end is None:
        return ("running", NOTABLE) if alive else (UNKNOWN, NOTABLE)
    if end.signal:
        return signal_name(end.signal) + ("+core" if end.core_dumped else ""), BAD
    return str(end.status), BAD if end.status else GOOD


def thread_ended(thread: Task) -> Piece:
    """Give the same for a thread; `exec` for one that became the leader of its process by exec."""
    if thread.end is None and thread.became_leader_ns:
        return "exec", PLAIN
    return ended(thread.end, alive=thread.alive)


def waited(process: Process) -> Piece:
    """Give what its parent did about its end.

    `waited 3 ms`: it slept in the call for so long. `zombie 3 ms`: it came for it so much later.
    """
    wait = process.wait
    if wait is None or (process.before_recording and wait.choice is Choice.UNKNOWN):
        return NOTHING, DIM
    text, style = _WAIT_WORDS[wait.choice]
    if wait.choice is Choice.WAITED and wait.blocked_ns:
        text = f"waited {duration(wait.blocked_ns)}"
    elif wait.choice is Choice.WAITED_LATER and wait.zombie_ns:
        text = f"zombie {duration(wait.zombie_ns)}"
    return (text if text == UNKNOWN else text + doubt(wait.certainty)), style


_WAIT_WORDS: Final = {
    Choice.WAITED: ("waited", PLAIN),
    Choice.WAITED_LATER: ("waited later", PLAIN),
    Choice.NEVER: ("never", NOTABLE),
    Choice.AUTO_REAPED: ("auto-reaped", PLAIN),
    Choice.ALIVE: (NOTHING, DIM),
    Choice.UNKNOWN: (UNKNOWN, NOTABLE),
}


def notes(process: Process, processes: Mapping[ProcessId, Process], *, threads: bool) -> list[str]:
    """Give what else is notable about it; threads are counted unless they are shown."""
    others = len(process.tasks) - 1
    found = list(_flags(process.leader.creation))
    found += [] if threads or not others else [f"+{counted(others, 'thread')}"]
    if process.leader.kernel:
        found.append("kernel")
    elif executed_nothing(process):
        found.append("no exec")
    if len(process.images) > 1:
        found.append(f"{len(process.images)} execs")
    found += _zombie(process.wait)
    found += _adoptions(process, processes)
    found += _killer(process, processes)
    if process.pidns_level and process.ns_pid not in (0, process.id.tgid):
        found.append(f"namespace pid {process.ns_pid}")
    found += _failures(process)
    return found


def _flags(creation: Creation | None) -> Iterator[str]:
    if creation is not None and (flags := telling_flags(creation)):
        yield "|".join(flags)


def _zombie(wait: WaitOutcome | None) -> Iterator[str]:
    if wait is not None and wait.choice is Choice.NEVER and wait.zombie_ns:
        yield f"zombie {duration(wait.zombie_ns)}"


def _failures(process: Process) -> Iterator[str]:
    if not process.failed_execs:
        return
    errors = sorted({errno_name(failed.errno) for failed in process.failed_execs})
    # ENOENT goes without saying: execvp() tries every folder of PATH.
    named = "" if errors == ["ENOENT"] else f" ({' '.join(errors)})"
    yield counted(len(process.failed_execs), "failed exec") + named


def _adoptions(process: Process, processes: Mapping[ProcessId, Process]) -> Iterator[str]:
    for span in process.parents[1:]:
        verb = "parent later" if span.reason is ParentReason.SEEN else "adopted by"
        if span.parent is None:
            yield f"{verb} {UNKNOWN}"
        else:
            yield f"{verb} {_named(span.parent, processes)}{doubt(span.certainty)}"


def _killer(process: Process, processes: Mapping[ProcessId, Process]) -> Iterator[str]:
    if process.end is None or process.end.killed_by is None:
        return
    sender = process.end.killed_by
    if sender in {task.id for task in process.tasks}:
        yield "killed itself"
        return
    yield f"killed by {_named(ProcessId(*sender), processes)}"


def _named(id_: ProcessId, processes: Mapping[ProcessId, Process]) -> str:
    name = short_name(processes.get(id_))
    return f"{id_.tgid} ({name})" if name else str(id_.tgid)
