# SPDX-License-Identifier: Apache-2.0
"""Whether this host lets a recorder work, asked of the host and not of proctrace.

If proctrace's own recorder were the probe, a broken recorder would skip its tests.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import subprocess
import sys
from pathlib import Path

_SYS_BPF = 321
_BPF_PROG_LOAD = 5
_BPF_PROG_GET_FD_BY_ID = 13
_BPF_PROG_TYPE_RAW_TRACEPOINT = 17
_RETURN_0 = bytes.fromhex("b700000000000000" + "9500000000000000")


class _ProgLoad(ctypes.Structure):
    """The members of `union bpf_attr` that BPF_PROG_LOAD needs (include/uapi/linux/bpf.h)."""

    _fields_ = (
        ("prog_type", ctypes.c_uint32),
        ("insn_cnt", ctypes.c_uint32),
        ("insns", ctypes.c_uint64),
        ("license", ctypes.c_uint64),
        ("log_level", ctypes.c_uint32),
        ("log_size", ctypes.c_uint32),
        ("log_buf", ctypes.c_uint64),
        ("kern_version", ctypes.c_uint32),
        ("prog_flags", ctypes.c_uint32),
    )


def _load_smallest_program() -> str | None:
    """Load a program that returns 0; give the errno's name where the kernel refuses."""
    libc = ctypes.CDLL(None, use_errno=True)
    program = ctypes.create_string_buffer(_RETURN_0, len(_RETURN_0))
    licence = ctypes.create_string_buffer(b"Dual MIT/GPL")
    attributes = _ProgLoad(
        prog_type=_BPF_PROG_TYPE_RAW_TRACEPOINT,
        insn_cnt=len(_RETURN_0) // 8,
        insns=ctypes.addressof(program),
        license=ctypes.addressof(licence),
    )
    size = ctypes.sizeof(attributes)
    descriptor = libc.syscall(_SYS_BPF, _BPF_PROG_LOAD, ctypes.byref(attributes), size)
    if descriptor < 0:
        return errno.errorcode.get(ctypes.get_errno(), "an unknown error")
    os.close(descriptor)
    return None


@functools.cache
def why_no_recording() -> str | None:
    """Give the first reason why nothing can be recorded here; None when it can."""
    if os.geteuid() != 0:
        return "not root"
    if not Path("/sys/kernel/btf/vmlinux").exists():
        return "the kernel has no BTF (/sys/kernel/btf/vmlinux)"
    has_bcc = "import sys, bcc; sys.exit(not hasattr(bcc, 'BPF'))"
    if subprocess.run([sys.executable, "-c", has_bcc], check=False, capture_output=True).returncode:
        return "no bcc (Debian: python3-bpfcc) that this Python can import"
    refusal = _load_smallest_program()
    return None if refusal is None else f"bpf(BPF_PROG_LOAD) gives {refusal}"


def program_exists(number: int) -> bool:
    """Tell whether the kernel has a BPF program of this id; needs root."""
    libc = ctypes.CDLL(None, use_errno=True)
    # The members of union bpf_attr for BPF_PROG_GET_FD_BY_ID: prog_id, next_id, open_flags.
    attributes = (ctypes.c_uint32 * 3)(number, 0, 0)
    size = ctypes.sizeof(attributes)
    descriptor = libc.syscall(_SYS_BPF, _BPF_PROG_GET_FD_BY_ID, ctypes.byref(attributes), size)
    if descriptor < 0:
        return False
    os.close(descriptor)
    return True
