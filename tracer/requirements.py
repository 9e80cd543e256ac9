# SPDX-License-Identifier: Apache-2.0
"""What must hold before anything is loaded, and what to do where it does not."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracer import bcc_seam, btf, host
from traces.errors import STATUS_NO_PRIVILEGE, ProctraceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# include/uapi/linux/capability.h
_CAP_SYS_ADMIN, _CAP_PERFMON, _CAP_BPF = 21, 38, 39


@dataclass(frozen=True, slots=True)
class Place:
    """Where the requirements are looked up; other than the real one only in tests."""

    proc: Path = host.PROC
    btf: Path = btf.RUNNING_KERNEL
    machine: str = os.uname().machine


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement; `error` says what is wrong and what to do, None when it holds."""

    name: str
    error: ProctraceError | None


def check_machine(place: Place) -> None:
    """Raise ProctraceError unless this is x86-64, whose registers the BPF programs read."""
    if place.machine != "x86_64":
        raise ProctraceError(
            f"cannot record on {place.machine}",
            "the BPF programs read system call arguments from the registers of x86-64",
            "record on an x86-64 host; 'proctrace replay' works everywhere",
        )


def check_privilege(place: Place) -> None:
    """Raise ProctraceError without CAP_SYS_ADMIN, or CAP_BPF and CAP_PERFMON, that count."""
    held = _effective_capabilities(place.proc)
    if not _has(held, _CAP_SYS_ADMIN) and not (_has(held, _CAP_BPF) and _has(held, _CAP_PERFMON)):
        raise ProctraceError(
            "no privilege to record",
            "loading BPF programs needs CAP_SYS_ADMIN, or CAP_BPF and CAP_PERFMON",
            "run it as root: sudo proctrace ... (the command still runs as you)",
            status=STATUS_NO_PRIVILEGE,
        )
    if host.namespace_inode("user", place.proc) != host.USER_INITIAL_NAMESPACE_INODE:
        raise ProctraceError(
            "no privilege to record",
            "this is a user namespace (a rootless container?); its root may not load BPF programs",
            "run proctrace on the host itself, as root",
            status=STATUS_NO_PRIVILEGE,
        )


def check_pid_namespace(place: Place) -> None:
    """Raise ProctraceError outside the initial pid namespace, whose pids BPF programs see."""
    if host.namespace_inode("pid", place.proc) != host.PID_INITIAL_NAMESPACE_INODE:
        raise ProctraceError(
            "cannot record from within a pid namespace",
            "the kernel reports pids of the initial pid namespace; /proc here shows others",
            "run proctrace on the host, or the container with --pid=host",
        )


def check_btf(place: Place) -> None:
    """Raise ProctraceError unless the kernel describes its structures."""
    if not os.access(place.btf, os.R_OK):
        raise ProctraceError(
            "the kernel does not describe its structures (BTF)",
            f"{place.btf} is not there or not readable",
            "run a kernel built with CONFIG_DEBUG_INFO_BTF=y (all current distributions' are)",
        )


def check_bcc(place: Place) -> None:  # noqa: ARG001 - Python alone knows where bcc is
    """Raise ProctraceError unless the real bcc can be imported."""
    bcc_seam.import_bcc()


_CHECKS: tuple[tuple[str, Callable[[Place], None]], ...] = (
    ("x86-64", check_machine),
    ("privilege", check_privilege),
    ("initial pid namespace", check_pid_namespace),
    ("BTF", check_btf),
    ("bcc", check_bcc),
)


def examine(place: Place | None = None) -> Iterator[Requirement]:
    """Look at every requirement in turn, whatever the others gave."""
    return _examine(_CHECKS, place or Place())


def _examine(
    checks: tuple[tuple[str, Callable[[Place], None]], ...], place: Place
) -> Iterator[Requirement]:
    for name, check in checks:
        try:
            check(place)
        except ProctraceError as error:
            yield Requirement(name, error)
        else:
            yield Requirement(name, None)


def require(place: Place | None = None) -> None:
    """Raise the ProctraceError of the first requirement that does not hold."""
    for requirement in examine(place):
        if requirement.error is not None:
            raise requirement.error


def check_copy_audit(place: Place) -> None:  # noqa: ARG001 - the kernel is asked, not files
    """Raise ProctraceError unless the kernel's counts of copies can be had (--audit-copies)."""
    # Polars comes with it, which a recording imports while its programs are compiled.
    from tracer import delay_accounting, taskstats  # noqa: PLC0415

    delay_accounting.check()
    taskstats.check()


def require_copy_audit() -> None:
    """Raise ProctraceError unless a recording may ask for --audit-copies."""
    check_copy_audit(Place())


_OPTIONS: tuple[tuple[str, Callable[[Place], None]], ...] = (("--audit-copies", check_copy_audit),)


def examine_options(place: Place | None = None) -> Iterator[Requirement]:
    """Look at what single options of record need."""
    return _examine(_OPTIONS, place or Place())


def _effective_capabilities(proc: Path) -> int:
    status = host.read_text(proc / "self" / "status") or ""
    for line in status.splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0


def _has(capabilities: int, number: int) -> bool:
    return bool(capabilities >> number & 1)
