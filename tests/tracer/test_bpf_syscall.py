# SPDX-License-Identifier: Apache-2.0
"""tracer.bpf_syscall: layouts of the calls, checked by what the kernel does with them."""

from __future__ import annotations

import errno
import os
from contextlib import closing
from pathlib import Path

import pytest

from tracer import bpf_syscall as bpf


class Descriptor:
    """A descriptor that is closed at the end of a with block."""

    def __init__(self, number: int) -> None:
        """Take over an open descriptor."""
        self.number = number

    def close(self) -> None:
        """Close it."""
        os.close(self.number)

    def shown(self) -> str:
        """Give what /proc says of it."""
        return Path(f"/proc/self/fdinfo/{self.number}").read_text()


def test_a_refusal_carries_the_errno() -> None:
    """bpf_obj_get_info_by_fd() gives EBADFD for what is not open."""
    with pytest.raises(OSError, match="bad state") as caught:
        bpf.program_info(10_000)
    assert caught.value.errno == errno.EBADFD


@pytest.mark.kernel
def test_a_loaded_program() -> None:
    """The kernel sees type and name as they were meant."""
    with closing(Descriptor(bpf.load_empty_program(bpf.PROG_TYPE_RAW_TRACEPOINT))) as program:
        assert f"prog_type:\t{bpf.PROG_TYPE_RAW_TRACEPOINT}\n" in program.shown()
        information = bpf.program_info(program.number)
        assert information.name == "proctrace_probe"
        assert information.recursion_misses in (0, None)
        with closing(Descriptor(bpf.open_raw_tracepoint(program.number, "task_newtask"))) as link:
            assert "tp_name:\ttask_newtask" in link.shown()
        with pytest.raises(FileNotFoundError):
            bpf.open_raw_tracepoint(program.number, "no_such_tracepoint")


@pytest.mark.kernel
def test_a_ring_buffer() -> None:
    """Its size is the one asked for; a size that is no whole page is refused."""
    with closing(Descriptor(bpf.create_ring_buffer(8192))) as ring:
        assert "max_entries:\t8192\n" in ring.shown()
    with pytest.raises(OSError, match="Invalid argument"):
        bpf.create_ring_buffer(100)


@pytest.mark.kernel
def test_a_perf_event() -> None:
    """The software event for page faults opens, an event of no type does not."""
    with closing(Descriptor(bpf.open_perf_event(1, 5))) as event:
        assert Path(f"/proc/self/fd/{event.number}").readlink().name.startswith("anon_inode")
    with pytest.raises(OSError, match=r"\[Errno"):
        bpf.open_perf_event(2**31, 5)
