# SPDX-License-Identifier: Apache-2.0
"""What the kernel counted for each task that ended, as taskstats tells listeners (netlink).

taskstats_exit() (kernel/taskstats.c) sends a record per task from do_exit(), before the task
gives up its address space. Among them is the kernel's own count of copies on write:
delayacct_wpcopy_end() runs once at the end of each wp_page_copy() (mm/memory.c) and of
hugetlb_wp() (mm/hugetlb.c), since 5.19 and while kernel.task_delayacct is on.
"""

from __future__ import annotations

import errno
import socket
import struct
import time
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, Self

from tracer import genetlink
from tracer.losses import Loss
from traces.errors import ProctraceError

# include/uapi/linux/taskstats.h
_FAMILY = b"TASKSTATS"
_CMD_GET = 1
_ATTR_REGISTER_CPUMASK = 3
_TYPE_STATS, _TYPE_AGGR_PID = 3, 4

_POSSIBLE_CPUS = Path("/sys/devices/system/cpu/possible")
_RECEIVE_BYTES = 64 << 20
"""Some 40,000 ended tasks between two drains; only what is waiting takes memory."""
_DATAGRAM_BYTES = 1 << 16
_SO_RCVBUFFORCE = 33  # include/uapi/asm-generic/socket.h; the socket module lacks these
_SO_MEMINFO, _MEMINFO, _MEMINFO_DROPS = 55, struct.Struct("9I"), 8
_SOL_NETLINK, _NETLINK_NO_ENOBUFS = 270, 5  # include/uapi/linux/netlink.h
NO_CPU: Final = 0xFFFF
"""In place of a CPU where a loss has none."""

_MEMBERS = {
    "version": ("version", "H"),
    "ac_pid": ("tid", "I"),
    "ac_tgid": ("tgid", "I"),
    "ac_etime": ("etime_us", "Q"),
    "ac_minflt": ("min_flt", "Q"),
    "ac_majflt": ("maj_flt", "Q"),
    "wpcopy_count": ("wpcopy_count", "Q"),
    "wpcopy_delay_total": ("wpcopy_delay_ns", "Q"),
}


class Types(Protocol):
    """What is asked of the kernel's BTF (`tracer.btf.Btf`)."""

    def has(self, struct: str, member: str) -> bool:
        """Tell whether the struct has the member."""
        ...

    def offset(self, struct: str, member: str) -> int:
        """Give the member's offset in bytes."""
        ...


class Field(NamedTuple):
    """One member of struct taskstats: the column it goes to, its offset, its format."""

    column: str
    offset: int
    format: struct.Struct


def layout(btf: Types) -> tuple[Field, ...]:
    """Give where this kernel keeps what is recorded.

    The offsets are the running kernel's own, for versions differ in more than their end: 15
    (Linux 6.14) put members into the middle, and 16 moved them. Raise ProctraceError where it
    does not count copies.
    """
    if not btf.has("taskstats", "wpcopy_count"):
        raise ProctraceError(
            "this kernel does not count copies on write",
            "its struct taskstats has no wpcopy_count (Linux 5.19, CONFIG_TASKSTATS)",
            "record without --audit-copies",
        )
    return tuple(
        Field(column, btf.offset("taskstats", member), struct.Struct("=" + code))
        for member, (column, code) in _MEMBERS.items()
    )


class TaskstatsListener:
    """Receives the records of all tasks of the host that end from now on."""

    def __init__(self, btf: Types) -> None:
        """Register on every possible CPU; raise ProctraceError where that is refused."""
        self._layout = layout(btf)
        self._needed_bytes = max(field.offset + field.format.size for field in self._layout)
        self._rows: list[dict[str, Any]] = []
        self._drops_seen = 0
        self._looked_ns = time.monotonic_ns()
        try:
            self._socket = _registered()
        except OSError as error:
            raise _refused(error) from error

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening."""
        self.close()

    def drain(self) -> None:
        """Take what is waiting."""
        while True:
            try:
                datagram = self._socket.recv(_DATAGRAM_BYTES)
            except BlockingIOError:
                return
            now_ns = time.monotonic_ns()
            for record in _records(datagram):
                if len(record) >= self._needed_bytes:
                    self._rows.append({"time_ns": now_ns, **self._read(record)})

    def take_rows(self) -> list[dict[str, Any]]:
        """Give the rows of table `taskstats` since the last call."""
        rows, self._rows = self._rows, []
        return rows

    def losses(self) -> list[Loss]:
        """Give what the socket had no room for since the last call.

        The kernel counts every record that it drops: netlink_overrun(), net/netlink/af_netlink.c.
        """
        data = self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
        drops = _MEMINFO.unpack(data)[_MEMINFO_DROPS]
        since_ns, self._looked_ns = self._looked_ns, time.monotonic_ns()
        new, self._drops_seen = drops - self._drops_seen, drops
        return [Loss("taskstats socket", NO_CPU, new, since_ns, self._looked_ns)] if new else []

    def close(self) -> None:
        """Stop listening; the kernel forgets listeners whose socket is closed."""
        self._socket.close()

    def _read(self, record: bytes) -> dict[str, int]:
        return {
            field.column: field.format.unpack_from(record, field.offset)[0]
            for field in self._layout
        }


def check() -> None:
    """Raise ProctraceError unless records of ended tasks can be received here."""
    try:
        _registered().close()
    except OSError as error:
        raise _refused(error) from error


def _registered() -> socket.socket:
    cpus = _POSSIBLE_CPUS.read_bytes().strip()
    listener = genetlink.opened()
    try:
        listener.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BYTES)
        # Without this a full socket reports an error once; what was dropped is counted anyway.
        listener.setsockopt(_SOL_NETLINK, _NETLINK_NO_ENOBUFS, 1)
        family = genetlink.family_id(listener, _FAMILY)
        mask = {_ATTR_REGISTER_CPUMASK: cpus + b"\0"}
        genetlink.request(listener, family, _CMD_GET, mask)
        listener.settimeout(0.0)
    except BaseException:
        listener.close()
        raise
    return listener


def _records(datagram: bytes) -> list[bytes]:
    """Give the struct taskstats of each task in a datagram; those of whole groups are left out."""
    found = []
    for body in genetlink.bodies(datagram):
        for kind, nested in genetlink.attributes(body):
            if kind == _TYPE_AGGR_PID:
                inner = dict(genetlink.attributes(nested))
                found += [inner[_TYPE_STATS]] if _TYPE_STATS in inner else []
    return found


def _refused(error: OSError) -> ProctraceError:
    reasons = {
        errno.ENOENT: "the kernel has no taskstats (CONFIG_TASKSTATS), or this is another network "
        "namespace than the host's",
        errno.EPERM: "it needs CAP_NET_ADMIN",
        errno.EINVAL: "this is not the initial user or pid namespace",
    }
    why = reasons.get(error.errno or 0, error.strerror or str(error))
    return ProctraceError(
        "cannot ask the kernel how many pages each task copied",
        f"taskstats: {why}",
        "record on the host itself, as root, or without --audit-copies",
    )
