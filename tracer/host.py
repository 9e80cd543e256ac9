# SPDX-License-Identifier: Apache-2.0
"""What this host is, as a trace remembers it."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from traces.shown import shown

if TYPE_CHECKING:
    from traces.metadata import JsonValue

PROC = Path("/proc")
SYS = Path("/sys")
PID_INITIAL_NAMESPACE_INODE = 0xEFFFFFFC
"""include/linux/proc_ns.h, PROC_PID_INIT_INO."""
USER_INITIAL_NAMESPACE_INODE = 0xEFFFFFFD
"""include/linux/proc_ns.h, PROC_USER_INIT_INO."""

_CLOCK_READINGS = 5


def read_text(path: Path) -> str | None:
    """Give the stripped content of a file of /proc or /sys; None when it cannot be read."""
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return None


def namespace_inode(kind: str, proc: Path = PROC) -> int | None:
    """Give the inode number of our own namespace of that kind (pid, user); None if unknown."""
    try:
        return (proc / "self" / "ns" / kind).stat().st_ino
    except OSError:
        return None


def lockdown(system: Path = SYS) -> str:
    """Give the kernel's lockdown state: none, integrity, confidentiality, or unknown."""
    text = read_text(system / "kernel" / "security" / "lockdown") or ""
    return next((word[1:-1] for word in text.split() if word.startswith("[")), "unknown")


def clock_minus_monotonic_ns(clock: int) -> int:
    """Give how far a clock is ahead of CLOCK_MONOTONIC, in ns.

    The clock is read between two readings of CLOCK_MONOTONIC; of a few tries the one that took
    least time is the most exact.
    """
    best = None
    for _ in range(_CLOCK_READINGS):
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        value = time.clock_gettime_ns(clock)
        after = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        reading = (after - before, value - (before + after) // 2)
        best = reading if best is None else min(best, reading)
    return best[1] if best else 0


def describe(proc: Path = PROC, system: Path = SYS) -> dict[str, JsonValue]:
    """Give the facts about this host that a trace stores under `host`."""
    uname = os.uname()
    return {
        "kernel": uname.release,
        "version": uname.version,
        "machine": uname.machine,
        "hostname": shown(os.fsencode(uname.nodename)),
        "boot_id": read_text(proc / "sys" / "kernel" / "random" / "boot_id") or "",
        "cpus": os.cpu_count() or 1,
        "page_size_bytes": os.sysconf("SC_PAGE_SIZE"),
        "clock_ticks_per_second": os.sysconf("SC_CLK_TCK"),
        "btf": (system / "kernel" / "btf" / "vmlinux").exists(),
        "lockdown": lockdown(system),
        "initial_pid_namespace": namespace_inode("pid", proc) == PID_INITIAL_NAMESPACE_INODE,
        "realtime_minus_monotonic_ns": clock_minus_monotonic_ns(time.CLOCK_REALTIME),
        "boottime_minus_monotonic_ns": clock_minus_monotonic_ns(time.CLOCK_BOOTTIME),
        "started_utc": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }
