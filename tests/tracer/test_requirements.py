# SPDX-License-Identifier: Apache-2.0
"""tracer.requirements: each thing that may be missing, and its hint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.tracer.fake_bcc import install
from tracer import delay_accounting, host, requirements, taskstats
from tracer.requirements import Place
from traces.errors import STATUS_NO_PRIVILEGE, ProctraceError

if TYPE_CHECKING:
    from pathlib import Path

ALL = (1 << 41) - 1
CAP_SYS_ADMIN, CAP_PERFMON, CAP_BPF = 1 << 21, 1 << 38, 1 << 39


@pytest.fixture
def good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Give a place where everything is as it must be."""
    (tmp_path / "self").mkdir()
    capabilities(tmp_path, ALL)
    (tmp_path / "vmlinux").touch()
    inodes = {
        "pid": host.PID_INITIAL_NAMESPACE_INODE,
        "user": host.USER_INITIAL_NAMESPACE_INODE,
    }
    monkeypatch.setattr(host, "namespace_inode", lambda kind, _: inodes[kind])
    install(monkeypatch, BPF=object)
    return Place(proc=tmp_path, btf=tmp_path / "vmlinux", machine="x86_64")


def capabilities(proc: Path, held: int) -> None:
    """Write the status file of a process that holds these capabilities."""
    (proc / "self" / "status").write_text(f"Name:\tx\nCapPrm:\t{ALL:016x}\nCapEff:\t{held:016x}\n")


def failure(place: Place) -> ProctraceError:
    """Give the error that stops a recording."""
    with pytest.raises(ProctraceError) as caught:
        requirements.require(place)
    for line in (caught.value.what, caught.value.why, caught.value.hint):
        assert line
        assert "\n" not in line
    return caught.value


def test_everything_is_there(good: Place) -> None:
    """No requirement complains."""
    requirements.require(good)
    assert [entry.error for entry in requirements.examine(good)] == [None] * 5


@pytest.mark.parametrize("held", [CAP_SYS_ADMIN, CAP_BPF | CAP_PERFMON])
def test_capabilities_that_are_enough(good: Place, held: int) -> None:
    """Root is not needed where the capabilities are held."""
    capabilities(good.proc, held)
    requirements.require(good)


@pytest.mark.parametrize("held", [0, CAP_BPF, CAP_PERFMON, ALL & ~(CAP_SYS_ADMIN | CAP_BPF)])
def test_capabilities_that_are_not(good: Place, held: int) -> None:
    """Status 77 and the hint to use sudo."""
    capabilities(good.proc, held)
    error = failure(good)
    assert error.status == STATUS_NO_PRIVILEGE
    assert "sudo" in error.hint


def test_no_status_file(good: Place) -> None:
    """What cannot be read is not held."""
    (good.proc / "self" / "status").unlink()
    assert failure(good).status == STATUS_NO_PRIVILEGE


@pytest.mark.parametrize(("kind", "said"), [("user", "user namespace"), ("pid", "--pid=host")])
def test_within_a_container(
    good: Place, monkeypatch: pytest.MonkeyPatch, kind: str, said: str
) -> None:
    """Neither the root of a user namespace nor a pid namespace's /proc serves."""
    before = host.namespace_inode
    monkeypatch.setattr(
        host, "namespace_inode", lambda asked, proc: 17 if asked == kind else before(asked, proc)
    )
    error = failure(good)
    assert said in error.why + error.hint


def test_another_machine(good: Place) -> None:
    """The machine is named."""
    place = Place(proc=good.proc, btf=good.btf, machine="riscv64")
    assert "riscv64" in failure(place).what


def test_no_btf(good: Place) -> None:
    """The file and the kernel option are named."""
    place = Place(proc=good.proc, btf=good.proc / "none", machine="x86_64")
    error = failure(place)
    assert str(place.btf) in error.why
    assert "CONFIG_DEBUG_INFO_BTF" in error.hint


def test_what_auditing_copies_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first trouble is raised, before anything is started."""

    def refuse() -> None:
        raise ProctraceError("no switch", "why", "hint")

    monkeypatch.setattr(delay_accounting, "check", lambda: None)
    monkeypatch.setattr(taskstats, "check", lambda: None)
    requirements.require_copy_audit()
    monkeypatch.setattr(delay_accounting, "check", refuse)
    with pytest.raises(ProctraceError, match="no switch"):
        requirements.require_copy_audit()
    assert [found.error is None for found in requirements.examine_options()] == [False]


def test_all_troubles_are_examined(good: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report does not stop at the first."""
    install(monkeypatch)
    capabilities(good.proc, 0)
    place = Place(proc=good.proc, btf=good.proc / "none", machine="sparc")
    troubled = [entry.name for entry in requirements.examine(place) if entry.error]
    assert troubled == ["x86-64", "privilege", "BTF", "bcc"]
