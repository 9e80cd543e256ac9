# SPDX-License-Identifier: Apache-2.0
"""Records of ended tasks: where they are read, what is taken, what is said when refused."""

from __future__ import annotations

import errno
import os
import socket
import struct
from typing import Any

import pytest

from tests.tracer.test_genetlink import attribute, message
from tracer import genetlink, taskstats
from tracer.btf import Btf
from traces.errors import ProctraceError

OFFSETS = {"version": 0, "ac_pid": 8, "ac_tgid": 12, "ac_etime": 16, "ac_minflt": 24,
           "ac_majflt": 32, "wpcopy_count": 40, "wpcopy_delay_total": 48}  # fmt: skip


class Types:
    """A kernel whose struct taskstats is small."""

    def __init__(self, *without: str) -> None:
        self._members = {name: at for name, at in OFFSETS.items() if name not in without}

    def has(self, struct: str, member: str) -> bool:
        return struct == "taskstats" and member in self._members

    def offset(self, struct: str, member: str) -> int:
        assert struct == "taskstats"
        return self._members[member]


def record(tid: int, copies: int) -> bytes:
    """Give a struct taskstats as `Types` has it."""
    return struct.pack("=HxxxxxxIIQQQQQ", 16, tid, 7, 1000, 2, 3, copies, 500)


def aggregate(kind: int, tid: int, stats: bytes) -> bytes:
    """Give what taskstats_exit() sends for a task (kind 4) or a group (kind 5)."""
    return attribute(kind, attribute(kind - 3, struct.pack("=I", tid)) + attribute(3, stats))


class Ends:
    """A pair of sockets in place of the kernel's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.kernel, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        ours.settimeout(0.0)
        monkeypatch.setattr(taskstats, "_registered", lambda: ours)


def test_tasks_and_not_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several records in a datagram; a record that is too short is no record."""
    ends = Ends(monkeypatch)
    with ends.kernel, taskstats.TaskstatsListener(Types()) as listener:
        one, two = aggregate(4, 70, record(70, 9)), aggregate(4, 71, record(71, 0))
        ends.kernel.send(message(one, aggregate(5, 7, record(7, 99))) + message(two))
        ends.kernel.send(message(aggregate(4, 72, b"short")))
        listener.drain()
        rows = listener.take_rows()
        assert [(row["tid"], row["wpcopy_count"]) for row in rows] == [(70, 9), (71, 0)]
        rows[0].pop("time_ns")
        assert rows[0] == {"version": 16, "tid": 70, "tgid": 7, "etime_us": 1000, "min_flt": 2,
                           "maj_flt": 3, "wpcopy_count": 9, "wpcopy_delay_ns": 500}  # fmt: skip
        assert listener.take_rows() == []


def test_a_kernel_that_does_not_count_copies() -> None:
    """Before 5.19 the structure lacks it."""
    with pytest.raises(ProctraceError, match="does not count copies"):
        taskstats.TaskstatsListener(Types("wpcopy_count"))


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (errno.ENOENT, "no taskstats"),
        (errno.EPERM, "CAP_NET_ADMIN"),
        (errno.EINVAL, "initial"),
        (errno.EMFILE, "open files"),
    ],
)
def test_refusals(monkeypatch: pytest.MonkeyPatch, number: int, why: str) -> None:
    """Each says why."""

    def refuse() -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(genetlink, "opened", refuse)
    with pytest.raises(ProctraceError) as raised:
        taskstats.check()
    assert why in raised.value.why


def test_losses_are_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's total goes up; what is new is told."""

    class Counting:
        def __init__(self) -> None:
            self.drops = 0

        def getsockopt(self, *_: Any) -> bytes:  # noqa: ANN401
            return struct.pack("9I", *[0] * 8, self.drops)

        def close(self) -> None:
            pass

    fake = Counting()
    monkeypatch.setattr(taskstats, "_registered", lambda: fake)
    with taskstats.TaskstatsListener(Types()) as listener:
        assert listener.losses() == []
        fake.drops = 5
        [loss] = listener.losses()
        assert (loss.place, loss.count, loss.cpu) == ("taskstats socket", 5, taskstats.NO_CPU)
        assert loss.first_ns <= loss.last_ns
        assert listener.losses() == []
        fake.drops = 6
        assert [loss.count for loss in listener.losses()] == [1]


def test_where_the_running_kernel_keeps_them() -> None:
    """Offsets of its BTF begin as the header of every kernel does."""
    try:
        fields = taskstats.layout(Btf.running())
    except ProctraceError as error:
        pytest.skip(str(error))
    found = {field.column: field.offset for field in fields}
    assert found["version"] == 0
    assert found["min_flt"] + 8 == found["maj_flt"]
    assert found["wpcopy_count"] + 8 <= found["wpcopy_delay_ns"]
