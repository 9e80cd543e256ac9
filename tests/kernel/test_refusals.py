# SPDX-License-Identifier: Apache-2.0
"""Creations that fail: each with the model's errno, at the model's step, and taken back."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from replay.checks.evidence import Evidence
from replay.checks.failing_step import failures
from replay.model.load import model_for
from tests.kernel.cgroups import own_cgroup

if TYPE_CHECKING:
    from tests.kernel.conftest import Recorder
    from tests.kernel.recording import Argument, Recording

EPERM, E2BIG, EBADF, EAGAIN, ENOMEM, EFAULT, EEXIST, EINVAL, EMFILE = (
    1, 7, 9, 11, 12, 14, 17, 22, 24,
)  # fmt: skip
WHOLE = 5
"""So many objects are freed at once when all was made: files, fs, sighand, signal and mm."""
UNUSUAL = {
    "clone3_size_too_big": E2BIG, "clone3_unknown_argument": E2BIG, "clone3_bad_pointer": EFAULT,
}  # fmt: skip
NO_RIGHTS = "_without_rights"
LATE_REFUSALS = {
    "bad_cgroup": (EBADF, "cgroup_can_fork", WHOLE),
    "exists": (EEXIST, "alloc_pid", WHOLE),
    "no_reaper": (EINVAL, "alloc_pid", WHOLE),
    "no_rights": (EPERM, "alloc_pid", WHOLE),
    "pidfd": (EMFILE, "pidfd", WHOLE),
    "pidfd_pointer": (EFAULT, "pidfd", WHOLE),
    "tid_too_big": (EINVAL, "alloc_pid", WHOLE),
    "tid_zero": (EINVAL, "alloc_pid", WHOLE),
    "too_many_tids": (EINVAL, "alloc_pid", WHOLE),
    "unmapped": (EPERM, "copy_creds", 0),
}
LIMITS = {
    "deadline": (EAGAIN, "sched_fork", 0),
    "in_exec": (EAGAIN, "copy_fs", 1),
    "memory": (ENOMEM, "copy_mm", WHOLE),
    "nproc": (EAGAIN, "nproc_limit", 0),
}
"""By what late_refusals.c and failures.c call it: errno, step, and objects freed at once."""
ONE_ANSWER = {
    "bad_cgroup", "exists", "in_exec", "no_reaper", "pidfd", "pidfd_pointer", "tid_too_big",
    "tid_zero",
}  # fmt: skip
"""No other step gives that error after the same allocations."""
PER_NAMESPACE_PID_MAX = (6, 14)
"""Since this release kernel.pid_max is one of the pid namespace: before, it would be the host's."""


def test_every_refused_combination(recorded: Recorder, programs: Path) -> None:
    """Each has the errno of the model, and nothing was made for it or all was undone."""
    recording = recorded(programs / "refusals")
    given = dict(line.split() for line in recording.stdout.decode().splitlines())
    assert len(given) == 38
    expected = {name: EPERM if name.endswith(NO_RIGHTS) else EINVAL for name in given} | UNUSUAL
    assert given == {name: str(errno) for name, errno in expected.items()}
    verdicts = recording.verdicts
    assert all(part.passed for part in verdicts["refused-flags"].parts)
    assert verdicts["step-errors"].passed == verdicts["failing-step"].passed == len(given)
    # AND only copy_namespaces() refuses after something was made, and that is taken back
    rows = failed_calls(recording)
    late = [row["candidates"] for row in rows if row["seen"]]
    assert late == ["copy_namespaces"] * sum(
        name.endswith(NO_RIGHTS) or name == "newipc_sysvsem" for name in given
    )
    assert freed(recording) == WHOLE * len(late)
    early = {row["candidates"] for row in rows if not row["seen"]}
    assert early == {"flag_checks", "clone3_args", "clone3_args flag_checks"}


def test_what_a_late_step_refuses(recorded: Recorder, programs: Path) -> None:
    """For the pid, the descriptor or the group that was asked for."""
    script = " && ".join(f'"$0"/late_refusals {kind}' for kind in LATE_REFUSALS)
    recording = recorded("sh", "-c", script, programs)
    assert_fails(recording, LATE_REFUSALS)
    assert freed(recording) == sum(objects for _, _, objects in LATE_REFUSALS.values())


def test_limits_of_a_user_and_of_the_moment(recorded: Recorder, programs: Path) -> None:
    """RLIMIT_NPROC, memory that is not there, a deadline, a sibling in execve."""
    script = " && ".join(f'"$0"/failures {kind}' for kind in LIMITS)
    recording = recorded("sh", "-c", script, programs)
    assert_fails(recording, LIMITS)
    attempts = [row for row in failed_calls(recording) if row["errno"] == EEXIST]
    objects = sum(objects for _, _, objects in LIMITS.values())
    # They share fs with the caller.
    assert freed(recording) == objects + (WHOLE - 1) * len(attempts)


def test_the_limit_of_address_space_is_not_asked(recorded: Recorder, programs: Path) -> None:
    """With RLIMIT_AS of 0 a fork succeeds: dup_mmap() makes no mapping that the limit is about."""
    recording = recorded(programs / "failures", "address_space")
    assert recording.stdout.split()[1] == b"0"
    assert failed_calls(recording) == []
    assert len(recording.rows("newtask")) == 1


def test_the_limit_of_a_cgroup(recorded: Recorder, programs: Path) -> None:
    """pids.max refuses after the pid was allocated."""
    with own_cgroup(having="pids.max") as folder:
        recording = recorded(programs / "failures", "pids_max", folder)
    assert_fails(recording, {"pids_max": (EAGAIN, "cgroup_can_fork", WHOLE)})
    assert_told(recording, -EAGAIN)


def test_the_memory_of_a_cgroup(recorded: Recorder, programs: Path) -> None:
    """No page table can be had in the middle of dup_mmap(). In version 2 the killer would come."""
    with own_cgroup(having="memory.oom_control") as folder:
        recording = recorded(programs / "failures", "memory_cgroup", folder)
    assert_fails(recording, {"memory_cgroup": (ENOMEM, "copy_mm", WHOLE)})
    assert_told(recording, -ENOMEM)


def test_the_limit_of_a_pid_namespace(recorded: Recorder, programs: Path) -> None:
    """No pid is left below kernel.pid_max of the namespace."""
    release = tuple(int(part) for part in platform.release().split(".")[:2])
    if release < PER_NAMESPACE_PID_MAX:
        pytest.skip("kernel.pid_max is that of the whole host before Linux 6.14")
    before = Path("/proc/sys/kernel/pid_max").read_text()
    words: tuple[Argument, ...] = ("unshare", "--pid", "--fork", programs / "failures", "pid_max")
    recording = recorded(*words)
    assert Path("/proc/sys/kernel/pid_max").read_text() == before
    [failed] = failed_calls(recording)
    assert "alloc_pid" in failed["candidates"].split()
    assert freed(recording) == WHOLE
    assert_told(recording, -EAGAIN)


def assert_fails(recording: Recording, expected: dict[str, tuple[int, str, int]]) -> None:
    """Each program ended with its errno, which the last of its calls gave at its step."""
    lines = [line.split() for line in recording.stdout.decode().splitlines()]
    assert {kind: int(errno) for kind, errno, _ in lines} == {
        kind: errno for kind, (errno, _, _) in expected.items()
    }
    last = {row["tid"]: row for row in failed_calls(recording)}
    for kind, errno, tid in lines:
        row = last[int(tid)]
        steps = row["candidates"].split()
        assert row["errno"] == int(errno)
        assert expected[kind][1] in steps, kind
        if kind in ONE_ANSWER or (kind == "nproc" and recording.shows_capabilities):
            assert len(steps) == 1, kind


def assert_told(recording: Recording, result: int) -> None:
    """`proctrace steps --failed` shows the call with what was taken back."""
    shown = recording.json("steps", "--failed")
    assert shown["result"] == result
    assert "missing" not in {step["seen"] for step in shown["steps"]}
    undone = {line["cache"] for line in shown["undone"]}
    assert undone >= {"mm_struct", "signal_cache", "sighand_cache", "files_cache"}


def failed_calls(recording: Recording) -> list[dict[str, Any]]:
    """Give the failed calls with the steps at which each can have failed."""
    host: Any = recording.trace.metadata["host"]
    return failures(Evidence(recording.trace, model_for(host["kernel"]).model)).to_dicts()


def freed(recording: Recording) -> int:
    """Give how many kinds of objects failed calls made and took back, all in all."""
    parts = recording.verdicts["undo-ladder"].parts
    return sum(part.passed for part in parts if part.name.startswith("bad_fork"))
