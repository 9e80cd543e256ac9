# SPDX-License-Identifier: Apache-2.0
"""One process in a few words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from replay.process import (
    Certainty,
    Choice,
    Creation,
    End,
    FailedExec,
    Image,
    ParentReason,
    ParentSpan,
    Process,
    ProcessId,
    Task,
    TaskId,
    WaitOutcome,
)
from replay.report import life

TASK = TaskId(7, 70)
PROCESS = ProcessId(*TASK)


def creation(**values: Any) -> Creation:  # noqa: ANN401 - any field
    """Give a plain fork at 1000 ns."""
    return Creation(**{
        "time_ns": 1000, "caller": TaskId(1, 1), "clone_flags": 0, "exit_signal": 17,
        "syscall": 57, **values,
    })  # fmt: skip


def image(*argv: bytes, time_ns: int = 2000, truncated: bool = False) -> Image:
    """Give an image with these arguments."""
    return Image(time_ns, argv, truncated, b"/bin/x", b"/bin/x", b"", b"/", (), TASK)


def end(status: int = 0, signal: int = 0, **values: Any) -> End:  # noqa: ANN401
    """Give an end at 5000 ns."""
    zero = dict.fromkeys(
        ("min_flt", "maj_flt", "utime_ns", "stime_ns", "runtime_ns", "maxrss_pages"), 0
    )
    return End(5000, status, signal, **{"core_dumped": False, **zero, **values})


def process(**values: Any) -> Process:  # noqa: ANN401
    """Give a process that was forked."""
    leader = Task(TASK, PROCESS, creation(), comm=b"x\x1b")
    return Process(PROCESS, **{"tasks": [leader], **values})


def notes(subject: Process, *others: Process, threads: bool = False) -> list[str]:
    """Give the notes on a process beside others."""
    return life.notes(subject, {p.id: p for p in (subject, *others)}, threads=threads)


def test_the_command_is_that_of_the_last_image() -> None:
    """Quoted for a shell; what was cut off is shown to be."""
    images = [image(b"sh"), image(b"echo", b"a b", truncated=True)]
    assert life.command(process(images=images)) == "echo 'a b' …"


def test_an_inherited_command_stands_in_brackets() -> None:
    """But not that of a process from before the recording, whose own it may be."""
    assert life.command(process(inherited=image(b"sh"))) == "[sh]"
    assert life.command(process(inherited=image(b"sh"), before_recording=True)) == "sh"


def test_a_command_that_is_not_known() -> None:
    """The name that the kernel has, escaped; or that nothing is known."""
    assert life.command(process()) == "[x\\x1b]"
    assert life.command(Process(PROCESS, [Task(TASK, PROCESS)])) == "?"


def test_an_image_without_arguments_shows_its_file() -> None:
    """Its argv may be lost, or empty."""
    assert life.command(process(images=[image()])) == "/bin/x"


def test_an_image_of_which_nothing_is_known() -> None:
    """As where its text was lost: an empty command would be a claim."""
    nothing = replace(image(truncated=True), path=b"", executable=b"")
    assert life.command(process(images=[nothing])) == "?"


def test_how_it_was_created() -> None:
    """In one word, with its doubt."""
    assert life.created(creation())[0] == "fork"
    assert life.created(creation(certainty=Certainty.INFERRED))[0] == "fork?"
    assert life.created(None)[0] == "-"


def test_how_long_it_lived() -> None:
    """A time is exact only with both ends."""
    assert life.lived(creation(), end(), 0)[0] == "4.00 µs"
    assert life.lived(creation(), None, 9000)[0] == ">8.00 µs"
    assert life.lived(None, end(), 0, seen_ns=2000)[0] == ">3.00 µs"
    assert life.lived(None, end(), 0)[0] == "-"
    assert life.lived(creation(time_ns=6000), end(), 0)[0] == "-"


@pytest.mark.parametrize(
    ("ending", "alive", "text"),
    [
        (end(0), False, "0"),
        (end(3), False, "3"),
        (end(signal=9), False, "SIGKILL"),
        (end(signal=11, core_dumped=True), False, "SIGSEGV+core"),
        (None, True, "running"),
        (None, False, "?"),
    ],
)
def test_how_it_ended(ending: End | None, alive: bool, text: str) -> None:  # noqa: FBT001
    """A status, a signal, or that it did not, or that nobody knows."""
    assert life.ended(ending, alive=alive)[0] == text


def test_a_thread_that_became_the_leader() -> None:
    """It went on under another identity, so it has no end."""
    assert life.thread_ended(Task(TASK, PROCESS, became_leader_ns=9))[0] == "exec"
    assert life.thread_ended(Task(TASK, PROCESS, end=end(2)))[0] == "2"


@pytest.mark.parametrize(
    ("wait", "text"),
    [
        (None, "-"),
        (WaitOutcome(Choice.WAITED, blocked_ns=3000, zombie_ns=5), "waited 3.00 µs"),
        (WaitOutcome(Choice.WAITED), "waited"),
        (WaitOutcome(Choice.WAITED_LATER, blocked_ns=5, zombie_ns=3000), "zombie 3.00 µs"),
        (WaitOutcome(Choice.WAITED_LATER), "waited later"),
        (WaitOutcome(Choice.NEVER, zombie_ns=5), "never"),
        (WaitOutcome(Choice.NEVER, certainty=Certainty.INFERRED), "never?"),
        (WaitOutcome(Choice.AUTO_REAPED), "auto-reaped"),
        (WaitOutcome(Choice.ALIVE), "-"),
        (WaitOutcome(Choice.UNKNOWN, certainty=Certainty.UNKNOWN), "?"),
    ],
)
def test_who_waited(wait: WaitOutcome | None, text: str) -> None:
    """The parent's choice with the time that goes with it."""
    assert life.waited(process(wait=wait))[0] == text


def test_the_wait_for_a_root_is_nobodys_question() -> None:
    """Its parent is not recorded; a `?` would look like a loss."""
    root = process(wait=WaitOutcome(Choice.UNKNOWN), before_recording=True)
    assert life.waited(root)[0] == "-"


def test_notes_on_execs() -> None:
    """More than one image, and errors other than those of a search along PATH."""
    missing = FailedExec(1, TASK, b"/a", (b"a",), argv_truncated=False, errno=2)
    denied = FailedExec(1, TASK, b"/b", (b"b",), argv_truncated=False, errno=13)
    two = [image(b"a"), image(b"b")]
    assert notes(process(images=two, failed_execs=[missing])) == ["2 execs", "1 failed exec"]
    assert notes(process(failed_execs=[missing, denied])) == [
        "no exec",
        "2 failed execs (EACCES ENOENT)",
    ]


def test_notes_on_threads_and_flags() -> None:
    """Threads are counted where they have no lines of their own."""
    thread = Task(TaskId(8, 80), PROCESS)
    leader = Task(TASK, PROCESS, creation(clone_flags=0x20000000))
    several = process(tasks=[leader, thread], images=[image(b"a")])
    assert notes(several) == ["CLONE_NEWPID", "+1 thread"]
    assert notes(several, threads=True) == ["CLONE_NEWPID"]


def test_notes_on_parents_and_killers() -> None:
    """By pid, with the name of the program where it is known."""
    init = Process(ProcessId(1, 1), [Task(TaskId(1, 1), ProcessId(1, 1))],
                   images=[image(b"/sbin/init")])  # fmt: skip
    parents = [
        ParentSpan(0, ProcessId(2, 2), ParentReason.BIRTH),
        ParentSpan(1, init.id, ParentReason.INIT),
        ParentSpan(2, ProcessId(3, 3), ParentReason.SEEN, Certainty.INFERRED),
        ParentSpan(3, None, ParentReason.SUBREAPER),
    ]
    child = process(parents=parents, images=[image(b"a")], end=end(signal=9, killed_by=init.id))
    assert notes(child, init) == [
        "adopted by 1 (init)",
        "parent later 3?",
        "adopted by ?",
        "killed by 1 (init)",
    ]
    assert notes(process(images=[image(b"a")], end=end(signal=9, killed_by=TASK))) == [
        "killed itself"
    ]


def test_a_note_on_the_namespace() -> None:
    """Only where the pid there is another one."""
    inside = {"images": [image(b"a")], "pidns_level": 1}
    assert notes(process(ns_pid=1, **inside)) == ["namespace pid 1"]
    assert notes(process(ns_pid=7, **inside)) == []


def test_a_zombie_that_nobody_came_for() -> None:
    """How long it stood is not in the column of waits, so it is here."""
    wait = WaitOutcome(Choice.NEVER, zombie_ns=3000)
    assert notes(process(images=[image(b"a")], wait=wait)) == ["zombie 3.00 µs"]


def test_a_kernel_thread_inherits_no_command() -> None:
    """It says what it is instead."""
    leader = Task(TASK, PROCESS, creation(), comm=b"kworker", kernel=True)
    assert notes(process(tasks=[leader])) == ["kernel"]


@pytest.mark.parametrize(
    ("argv", "executable", "name"),
    [
        ((b"/bin/x", b"-a"), b"/bin/x", "x"),
        ((b"-bash",), b"/bin/bash", "-bash"),
        ((b"/bin/redis unix:/run/r.sock", b""), b"/bin/redis", "redis"),
        ((b"sshd: root@pts/0",), b"/sbin/sshd", "sshd"),
        ((b"/opt/my tools/do it",), b"/opt/my tools/do it", "do it"),
        ((b" ",), b"/bin/x", " "),
        ((), b"/bin/x", "x"),
    ],
)
def test_program_name(argv: tuple[bytes, ...], executable: bytes, name: str) -> None:
    """Without folders, and without what a program says of itself in its title."""
    one = Image(0, argv, False, executable, executable, b"", b"/", (), TASK)  # noqa: FBT003
    assert life.program_name(one) == name
