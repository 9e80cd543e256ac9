# SPDX-License-Identifier: Apache-2.0
"""Real recordings held against the reference model of the running kernel, and against the book.

The fixture `recorded` holds every recording of these tests against all rules; here is what they
are about, and that the rules have cases.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from replay.checks.run import run_checks, status
from replay.model.load import model_for
from replay.names import CLONE_FLAGS
from tests.kernel.builds import PYTHON_PROGRAM, write_c_project
from tests.kernel.cgroups import own_cgroup
from tests.kernel.recording import proctrace
from traces.reader import open_trace

if TYPE_CHECKING:
    from tests.kernel.conftest import Recorder
    from tests.kernel.recording import Recording

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = sorted((ROOT / "traces" / "samples").glob("*.ptrace"))
PROGRAMS = (
    "auto_reap", "auto_reap nocldwait", "clone_parent", "daemon", "killed", "leader_exits",
    "orphan", "pid_namespace", "pid_reuse", "spawn", "storm 200", "thread_exec", "threads",
    "vfork_exec", "waits",
)  # fmt: skip
PF_IO_WORKER = 0x10
NO_IO_URING = 77
STORM_PAGES, STORM_FORKS = 2_000, 5


def assert_judged(recording: Recording) -> None:
    """Every creation is a case of the rules about new tasks and about steps, and holds."""
    verdicts = recording.verdicts
    born = len(recording.rows("newtask"))
    calls = [row for row in recording.rows("clone_call") if not row["unfinished"]]
    made = sum(row["result"] > 0 for row in calls)
    assert made
    assert verdicts["new-task-state"].passed == born
    assert verdicts["new-task-flags"].passed == 3 * born
    shared = verdicts["shared-objects"]
    assert shared.count == 7 * born
    # The time namespace of a caller that changed it for its children alone, and a keyring.
    assert shared.passed >= 7 * born - 2
    # AND each step that allocates was there exactly when the flags ask for it, in order
    presence = verdicts["step-presence"]
    assert len(presence.parts) >= 11
    assert presence.count == made * len(presence.parts)
    assert presence.passed >= presence.count - 1
    orders = {part.name: part.passed for part in verdicts["step-order"].parts}
    assert orders["dup_task_struct before alloc_pid"] >= made
    assert orders["alloc_pid before task_newtask"] >= made
    # AND every call gave what the child is, or the error of a step
    assert verdicts["returned-pid"].count == made
    # The first child in a new pid namespace below another has no recorded number in the caller's.
    assert verdicts["returned-pid"].passed >= made - 1
    assert verdicts["step-errors"].passed == sum(row["result"] < 0 for row in calls)


def test_every_program_keeps_the_model(recorded: Recorder, programs: Path) -> None:
    """Whatever these programs do, the kernel does by its rules."""
    script = "; ".join(f'"$0"/{command}' for command in PROGRAMS)
    recording = recorded("sh", "-c", f"{script}; exit 0", programs, options=("--until-last",))
    assert_judged(recording)
    verdicts = recording.verdicts
    for rule in (
        "auto-reap", "birth-order", "cow-decision", "exec-identity", "exec-threads", "exit-once",
        "exit-signal", "parent-and-group", "reaped-once", "reparenting", "vfork-wait",
        "wait-child", "wait-status",
    ):  # fmt: skip
        assert verdicts[rule].passed, rule
    # AND each process of the shell's is reaped once
    assert verdicts["reaped-once"].passed >= len(PROGRAMS) + 200


def test_every_way_to_clone_keeps_the_model(recorded: Recorder, programs: Path) -> None:
    """Each flag on its own, vfork, threads, set_tid, CLONE_INTO_CGROUP: all steps are judged."""
    with own_cgroup(kind="cgroup2") as folder:
        recording = recorded(programs / "every_clone", folder)
    assert_judged(recording)
    born = recording.rows("newtask")
    asked = {name for flag, name in CLONE_FLAGS.items() for row in born
             if row["clone_flags"] & flag}  # fmt: skip
    assert asked >= {f"CLONE_{name}" for name in (
        "VM", "FS", "FILES", "SIGHAND", "THREAD", "SYSVSEM", "PARENT", "NEWPID", "NEWNS", "NEWUTS",
        "NEWIPC", "NEWNET", "NEWCGROUP", "NEWUSER", "IO", "PIDFD", "INTO_CGROUP", "CLEAR_SIGHAND",
        "VFORK",
    )}  # fmt: skip
    assert sum(row["set_tid_size"] for row in recording.rows("clone_call")) == 1


def test_workers_of_io_uring_keep_the_model(recorded: Recorder, programs: Path) -> None:
    """They are made by copy_process() without a call of the clone family."""
    recording = recorded(programs / "uring")
    if recording.root.end is not None and recording.root.end.status == NO_IO_URING:
        pytest.skip("io_uring is forbidden here")
    workers = [row for row in recording.rows("newtask") if row["child_flags"] & PF_IO_WORKER]
    assert workers
    assert recording.rows("clone_call") == []
    assert recording.verdicts["new-task-state"].passed == len(workers)
    assert recording.verdicts["step-presence"].count == 0


def test_a_build_and_an_interpreter_keep_the_model(recorded: Recorder, tmp_path: Path) -> None:
    """Run make with gcc in parallel, and Python's ways to start processes."""
    project = tmp_path / "project"
    project.mkdir()
    write_c_project(project)
    recording = recorded("make", "-j2", cwd=project)
    assert_judged(recording)
    assert recording.verdicts["vfork-wait"].passed > 200
    assert recording.verdicts["exec-identity"].passed > 300
    # AND the command says the same
    found = recording.json("check")
    said = {rule["rule"]: (rule["passed"], rule["violated"]) for rule in found["rules"]}
    assert said == {
        name: (verdict.passed, verdict.violated) for name, verdict in recording.verdicts.items()
    }
    program = tmp_path / "program.py"
    program.write_text(PYTHON_PROGRAM)
    recording = recorded(sys.executable, program)
    assert_judged(recording)
    assert recording.verdicts["exec-failed"].passed


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_keeps_the_model_of_its_kernel(sample: Path) -> None:
    """The recordings that are bundled."""
    trace = open_trace(sample)
    host: Any = trace.metadata["host"]
    verdicts = run_checks(trace, model_for(host["kernel"]).model)
    assert [verdict.rule for verdict in verdicts if verdict.violated] == []
    assert status(verdicts) == 0


def test_the_book(recorded: Recorder, programs: Path) -> None:
    """Which sentences of the classic account this kernel keeps, with figures."""
    # GIVEN forks, a vfork with exec, an orphan, and a fork over the limit of processes
    script = '"$0/failures" nproc; "$0/orphan"; "$0/vfork_exec"; "$0/threads"; "$0/storm" 20'
    recording = recorded("sh", "-c", script, programs)
    # WHEN the trace is held against the book
    found = proctrace("check", recording.path, "--model", "textbook", "--json")

    assert found.returncode == 1
    document = json.loads(found.stdout)
    sentences = {one["id"]: one for one in document["sentences"]}
    # THEN each sentence is decided, and these are not kept
    kept = {name: one["kept"] for name, one in sentences.items()}
    assert {name for name, word in kept.items() if word == "not kept"} == {
        "2", "4", "5 after 3 and 4", "6", "child-first"
    }  # fmt: skip
    assert set(kept.values()) == {"kept", "not kept"}
    # AND the figures say how many of how many: no creation keeps the order of 2 and 6, nor 4
    born = len(recording.rows("newtask"))
    figures = {name: (one["held"], one["count"]) for name, one in sentences.items()}
    over_the_limit = int(recording.shows_capabilities)
    assert figures["2"] == (0, born + over_the_limit)
    assert figures["4"] == (0, born)
    assert figures["6"][0] == 0
    assert figures["6"][1] >= 2 * (born - 1)
    assert figures["5 after 3 and 4"] == (0, 2 * born)
    assert figures["child-first"][0] < figures["child-first"][1]
    # AND each that is not kept is shown by events, and says what the kernel does instead
    shown = {(rule["rule"], case["part"]): case for rule in document["rules"]
             for case in rule["cases"] if case["outcome"] == "violation"}  # fmt: skip
    for rule, part in (
        ("source-order", "nproc_limit before copy_creds"), ("new-task-state", "not_running"),
        ("source-order", "sched_fork before task_flags"), ("child-runs-first", "fork"),
        ("step-order", "alloc_pid before copy_mm"),
    ):  # fmt: skip
        assert shown[rule, part]["events"], part
    assert all(sentences[name]["kernel"] for name, word in kept.items() if word == "not kept")
    if over_the_limit:
        case = shown["step-order", "nproc_limit before copy_creds"]
        assert "EAGAIN" in case["events"][-1]["text"]


def test_each_decision_of_a_storm_of_copies(recorded: Recorder, programs: Path) -> None:
    """The counters of each page decide as the kernel did: copies by children, reuse at last."""
    words = (programs / "cow_storm", str(STORM_PAGES), str(STORM_FORKS))
    verdict = recorded(*words, options=("--faults",)).verdicts["cow-decision"]
    assert verdict.count >= STORM_PAGES * (STORM_FORKS + 1)
    # What is left open is listed with its reason: a short reference at the fault's entry.
    assert {part.name for part in verdict.parts if part.unobservable} <= {"transient_reference"}
    assert verdict.passed >= 0.99 * STORM_PAGES * (STORM_FORKS + 1)
    parts = {part.name: part.passed for part in verdict.parts}
    assert parts["mapped_by_others"] >= 0.99 * STORM_PAGES * STORM_FORKS
