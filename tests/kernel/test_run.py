# SPDX-License-Identifier: Apache-2.0
"""`proctrace run` for whoever types it: what goes wrong is said, and nothing is left running."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from replay.forest import ProcessForest
from tests.errors import the_error
from tests.kernel.recording import PROCTRACE, clean_environment, proctrace
from tests.kernel.scenarios import run
from tests.kernel.unprivileged import without_privilege
from tests.tracer.waiting import until
from tracer.start_state import task_state, trees
from traces.errors import ProctraceError
from traces.reader import open_trace

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "scenario: mine\nabout: mine\n"
SLEEPERS = """
actors:
  p: [{fork: c}, {thread: t}, {wait: c}]
  t: [pause]
  c: [{fork: d}, {exec: [/bin/sleep, '600']}]
  d: [pause]
"""


def _scenario(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(HEAD + text)
    return path


def _tried(folder: Path, text: str, *options: str) -> subprocess.CompletedProcess[bytes]:
    """Run a scenario that may not come to its end."""
    return proctrace("run", _scenario(folder, text), "-o", folder / "a.ptrace", *options)


def _below(pid: int) -> dict[int, int]:
    """Give the start of each process below this one that has not ended."""
    try:
        tasks = trees([pid])
    except ProctraceError:
        return {}
    states = {row.tid: task_state(row.tid) for row in tasks if row.tid == row.tgid != pid}
    return {tid: one.start_ticks for tid, one in states.items() if one and one.state not in b"ZX"}


def _alive(processes: dict[int, int]) -> list[int]:
    """Give those of them that are still there."""
    states = {pid: task_state(pid) for pid in processes}
    return [
        pid
        for pid, state in states.items()
        if state and state.start_ticks == processes[pid] and state.state not in b"ZX"
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("whole_group", [False, True])
def test_a_signal_ends_all(tmp_path: Path, number: signal.Signals, *, whole_group: bool) -> None:
    """GIVEN actors at work, WHEN Ctrl-C comes, THEN none is left and the trace is whole."""
    path = tmp_path / "a.ptrace"
    arguments = [PROCTRACE, "run", str(_scenario(tmp_path, SLEEPERS)), "-o", str(path)]
    with subprocess.Popen(arguments, env=clean_environment(), stdin=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, start_new_session=True) as runner:  # fmt: skip
        until(lambda: len(_below(runner.pid)) == 3, seconds=60)
        processes = _below(runner.pid)
        (os.killpg if whole_group else os.kill)(runner.pid, number)
        _, said = runner.communicate(timeout=60)
    assert runner.returncode == 128 + number, said
    assert _alive(processes) == []
    trace = open_trace(path)
    assert trace.complete
    forest = ProcessForest.from_trace(trace)
    assert len(forest.processes) == 3
    assert all(process.end is not None for process in forest.processes.values())


def test_what_an_actor_cannot_do(tmp_path: Path) -> None:
    """The actor, the program and the kernel's reason; the trace has the failed call."""
    done = _tried(tmp_path, "actors: {p: [{fork: c}, {wait: c}, pause], c: [{exec: [/none]}]}")
    assert "c: /none: No such file or directory" in the_error(done, 125)
    trace = open_trace(tmp_path / "a.ptrace")
    assert trace.complete
    assert trace.table("actor")["name"].to_list() == [b"p", b"c"]


def test_actors_that_wait_for_ever(tmp_path: Path) -> None:
    """One that has ended never comes to the barrier."""
    text = """
regions: {heap: {pages: 1}}
actors: {p: [{fork: c}, {barrier: met}], c: [{write: heap}, {barrier: met}]}
"""
    done = _tried(tmp_path, text)
    assert "p waits at a barrier (its operation 1)" in the_error(done, 125)
    assert open_trace(tmp_path / "a.ptrace").complete


def test_a_time_limit(tmp_path: Path) -> None:
    """A program of a scenario may take too long; it is ended with all the rest."""
    done = _tried(tmp_path, SLEEPERS, "--timeout", "0.3")
    assert "the scenario mine did not end within 0.3 s" in the_error(done, 125)
    forest = ProcessForest.from_trace(open_trace(tmp_path / "a.ptrace"))
    assert all(process.end is not None for process in forest.processes.values())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["zombi", "-o", "a"], "did you mean zombie?"),
        (["zombie"], "add it: proctrace run zombie -o zombie.ptrace"),
        (["-o", "a"], "no scenario was given"),
        (["./none.yaml", "-o", "a"], "No such file or directory"),
        (["bad.yaml", "-o", "a"], "bad.yaml:4:7"),
        (["gc-sweep", "-o", "a", "--set", "pages=0"], "pages cannot be 0"),
        (["--ostep", "a+", "-o", "a"], "'a+' is no action"),
    ],
)
def test_mistakes(tmp_path: Path, arguments: list[str], said: str) -> None:
    """Each is one error, with its place where there is one, and no file is made."""
    (tmp_path / "bad.yaml").write_text(f"{HEAD}actors:\n  a: [{{frok: b}}]\n")
    done = proctrace("run", *arguments, cwd=tmp_path)
    assert said in the_error(done, 2)
    assert not (tmp_path / "a").exists()


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    """Unless it is to be overwritten."""
    path = tmp_path / "a.ptrace"
    path.write_bytes(b"mine")
    done = proctrace("run", "zombie", "-o", path)
    assert "it exists, and nothing is overwritten unasked" in the_error(done, 125)
    assert path.read_bytes() == b"mine"
    run("zombie", path, "-f")


def test_without_privilege(tmp_path: Path) -> None:
    """It is said before anything runs."""
    done = subprocess.run(
        [*without_privilege(), PROCTRACE, "run", "zombie", "-o", tmp_path / "a.ptrace"],
        check=False, capture_output=True,
    )  # fmt: skip
    assert "no privilege to record" in the_error(done, 77)
    assert not (tmp_path / "a.ptrace").exists()


def test_the_calls_are_exactly_those_of_the_scenario(tmp_path: Path) -> None:
    """Flags, signals and system calls, refused ones, too; and nothing else creates a task."""
    path = _scenario(tmp_path, """
actors:
  p:
    - fork: c
    - vfork: c
    - thread: t
    - clone: {actor: c, flags: [FS, SYSVSEM], signal: URG, syscall: clone3}
    - clone: {actor: c, flags: [NEWUTS, NEWPID, PIDFD, PARENT_SETTID], signal: CHLD}
    - clone: {actor: c, flags: [VM, VFORK, CHILD_SETTID, CHILD_CLEARTID], signal: CHLD}
    - clone: {actor: c, flags: [THREAD]}
    - posix_spawn: [/bin/true]
    - exit: 7
  c: [{exit: 0}]
  t: [{exit_thread: 0}]
""")  # fmt: skip
    recording = run(path, tmp_path / "a.ptrace")
    calls = [
        (row["syscall"], row["flags"], row["exit_signal"], row["result"] > 0)
        for row in recording.rows("clone_call")
    ]
    assert calls == [
        (57, 0, 17, True),
        (58, 0x4100, 17, True),
        (56, 0x50F00, 0, True),
        (435, 0x40200, 23, True),
        (56, 0x24101000, 17, False),
        (56, 0x1204100, 17, True),
        (56, 0x10000, 0, False),
        (56, 0x4100, 17, True),
    ]
