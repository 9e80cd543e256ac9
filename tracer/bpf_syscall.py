# SPDX-License-Identifier: Apache-2.0
"""The few bpf(2) and perf_event_open(2) calls that bcc has no exact equivalent for.

Every function that returns a descriptor leaves closing it to the caller, and raises OSError with
the kernel's errno when it refuses. Layouts: include/uapi/linux/bpf.h and perf_event.h.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
from typing import Any, NamedTuple

_SYS_BPF = 321
_SYS_PERF_EVENT_OPEN = 298
"""System call numbers of x86-64, the only machine the recorder supports."""

_BPF_MAP_CREATE, _BPF_PROG_LOAD, _BPF_OBJ_GET_INFO_BY_FD, _BPF_RAW_TRACEPOINT_OPEN = 0, 5, 15, 17
MAP_LOOKUP, MAP_UPDATE, MAP_DELETE, MAP_NEXT_KEY = 1, 2, 3, 4
"""Commands of `map_element`."""

PROG_TYPE_KPROBE, PROG_TYPE_TRACEPOINT, PROG_TYPE_PERF_EVENT = 2, 5, 7
PROG_TYPE_RAW_TRACEPOINT, PROG_TYPE_TRACING = 17, 26
ATTACH_TRACE_RAW_TP, ATTACH_TRACE_FENTRY, ATTACH_TRACE_FEXIT = 23, 24, 25
_MAP_TYPE_RINGBUF = 27

_PERF_FLAG_FD_CLOEXEC = 8
_PERF_DISABLED = 1
_PERF_EVENT_IOC_ENABLE, _PERF_EVENT_IOC_SET_BPF = 0x2400, 0x40042408

# Two instructions: set r0, the value to return, to 0, and exit.
_RETURN_ZERO = struct.pack("<BBhi", 0xB7, 0, 0, 0) + struct.pack("<BBhi", 0x95, 0, 0, 0)

_libc = ctypes.CDLL(None, use_errno=True)
_NAME_MAX = 15
"""BPF_OBJ_NAME_LEN without the byte that ends the name."""
_INFO_BYTES = 256
_INFO_NAME, _INFO_RUN_COUNT, _INFO_MISSES = 64, 200, 208


class ProgramInfo(NamedTuple):
    """What the kernel tells of a loaded program."""

    name: str
    """At most 15 characters; longer names are cut by the kernel."""
    run_count: int
    """Times it ran; 0 unless the sysctl kernel.bpf_stats_enabled is 1."""
    recursion_misses: int | None
    """Times it did not run as it was running already on that CPU; None before Linux 5.12."""


class MapInfo(NamedTuple):
    """What the kernel tells of a map; `kind` is one of enum bpf_map_type."""

    kind: int
    key_bytes: int
    value_bytes: int
    entries: int
    flags: int


class _ProgramLoad(ctypes.Structure):
    """`union bpf_attr` for BPF_PROG_LOAD, up to the last member that is needed."""

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
        ("prog_name", ctypes.c_char * 16),
        ("prog_ifindex", ctypes.c_uint32),
        ("expected_attach_type", ctypes.c_uint32),
        ("prog_btf_fd", ctypes.c_uint32),
        ("func_info_rec_size", ctypes.c_uint32),
        ("func_info", ctypes.c_uint64),
        ("func_info_cnt", ctypes.c_uint32),
        ("line_info_rec_size", ctypes.c_uint32),
        ("line_info", ctypes.c_uint64),
        ("line_info_cnt", ctypes.c_uint32),
        ("attach_btf_id", ctypes.c_uint32),
    )


def _call(number: int, *arguments: int | ctypes.Array[ctypes.c_char] | None) -> int:
    # The C library's syscall() is variadic: every integer must go in as a whole register.
    registers = [
        ctypes.c_long(argument) if isinstance(argument, int) else argument for argument in arguments
    ]
    result = int(_libc.syscall(ctypes.c_long(number), *registers))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def _bpf(command: int, attributes: bytes) -> tuple[int, bytes]:
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    result = _call(_SYS_BPF, command, buffer, len(attributes))
    return result, buffer.raw


def load_empty_program(program_type: int, *, attach_type: int = 0, attach_btf_id: int = 0) -> int:
    """Load a program that only returns 0; give its descriptor.

    `attach_btf_id` is the BTF id of what a PROG_TYPE_TRACING program is to attach to.
    """
    return load_program(
        program_type, _RETURN_ZERO, attach_type=attach_type, attach_btf_id=attach_btf_id
    )


def load_program(  # noqa: PLR0913 - what the kernel asks for
    program_type: int,
    instructions: bytes,
    *,
    attach_type: int = 0,
    attach_btf_id: int = 0,
    name: str = "proctrace_probe",
    terms: bytes = b"GPL",
    log: ctypes.Array[ctypes.c_char] | None = None,
) -> int:
    """Load a program; give its descriptor. `terms` is its licence; `log` takes the verifier's."""
    code = ctypes.create_string_buffer(instructions, len(instructions))
    license_name = ctypes.create_string_buffer(terms)
    attributes = _ProgramLoad(
        prog_type=program_type,
        insn_cnt=len(instructions) // 8,
        insns=ctypes.addressof(code),
        license=ctypes.addressof(license_name),
        log_level=int(log is not None),
        log_size=0 if log is None else len(log),
        log_buf=0 if log is None else ctypes.addressof(log),
        prog_name=name.encode()[:_NAME_MAX],
        expected_attach_type=attach_type,
        attach_btf_id=attach_btf_id,
    )
    return _bpf(_BPF_PROG_LOAD, bytes(attributes))[0]


def open_raw_tracepoint(program: int, tracepoint: str | None) -> int:
    """Attach a program to a raw tracepoint; closing the descriptor detaches it.

    A PROG_TYPE_TRACING program names its target itself: `tracepoint` is None.
    """
    name = ctypes.create_string_buffer((tracepoint or "").encode())
    address = ctypes.addressof(name) if tracepoint is not None else 0
    return _bpf(_BPF_RAW_TRACEPOINT_OPEN, struct.pack("<QII", address, program, 0))[0]


def create_ring_buffer(size_bytes: int) -> int:
    """Create a BPF ring buffer map of a power-of-two size in whole pages."""
    return create_map(_MAP_TYPE_RINGBUF, 0, 0, size_bytes, 0)


def create_map(  # noqa: PLR0913 - as above
    kind: int, key_bytes: int, value_bytes: int, entries: int, flags: int, *, name: str = ""
) -> int:
    """Create a map of one of enum bpf_map_type."""
    head = struct.pack("<7I", kind, key_bytes, value_bytes, entries, flags, 0, 0)
    return _bpf(_BPF_MAP_CREATE, head + name.encode()[:_NAME_MAX].ljust(_NAME_MAX + 1, b"\0"))[0]


def map_element(command: int, map_fd: int, key: Any, value: Any = None) -> None:  # noqa: ANN401
    """Look up, update or delete `key`, or put the key after it (None: the first) into `value`.

    Keys and values are ctypes instances.
    """
    addresses = (0 if place is None else ctypes.addressof(place) for place in (key, value))
    _bpf(command, struct.pack("<IIQQQ", map_fd, 0, *addresses, 0))


def open_perf_event(event_type: int, config: int, *, name: bytes = b"") -> int:
    """Open a disabled perf event on the calling task; `name` is a function for a kprobe event."""
    return _open_event(event_type, config, name=name)


def run_at_event(program: int, event_type: int, config: int, cpu: int, period: int) -> int:
    """Run a program at each `period`th perf event of all tasks on a CPU.

    Closing the descriptor that it gives ends that.
    """
    event = _open_event(event_type, config, pid=-1, cpu=cpu, period=period)
    try:
        fcntl.ioctl(event, _PERF_EVENT_IOC_SET_BPF, program)
        fcntl.ioctl(event, _PERF_EVENT_IOC_ENABLE, 0)
    except OSError:
        os.close(event)
        raise
    return event


def _open_event(  # noqa: PLR0913 - what the kernel asks for
    event_type: int, config: int, *, name: bytes = b"", pid: int = 0, cpu: int = -1, period: int = 1
) -> int:
    target = ctypes.create_string_buffer(name)
    attributes = struct.pack(
        "<IIQQQQQIIQQQQ",
        event_type, 112, config, period, 0, 0, _PERF_DISABLED, 0, 0,
        ctypes.addressof(target) if name else 0, 0, 0, 0,
    ).ljust(112, b"\0")  # fmt: skip
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    return _call(_SYS_PERF_EVENT_OPEN, buffer, pid, cpu, -1, _PERF_FLAG_FD_CLOEXEC)


def map_info(map_fd: int) -> MapInfo:
    """Give how a map was created."""
    buffer = ctypes.create_string_buffer(_INFO_BYTES)
    _bpf(
        _BPF_OBJ_GET_INFO_BY_FD, struct.pack("<IIQ", map_fd, _INFO_BYTES, ctypes.addressof(buffer))
    )
    kind, _, key_bytes, value_bytes, entries, flags = struct.unpack_from("<6I", buffer.raw)
    return MapInfo(kind, key_bytes, value_bytes, entries, flags)


def program_info(program: int) -> ProgramInfo:
    """Give what the kernel tells of the program with descriptor `program`."""
    buffer = ctypes.create_string_buffer(_INFO_BYTES)
    attributes = struct.pack("<IIQ", program, _INFO_BYTES, ctypes.addressof(buffer))
    _, answer = _bpf(_BPF_OBJ_GET_INFO_BY_FD, attributes)
    filled = struct.unpack_from("<I", answer, 4)[0]
    information = buffer.raw
    return ProgramInfo(
        information[_INFO_NAME : _INFO_NAME + 16].rstrip(b"\0").decode(errors="replace"),
        struct.unpack_from("<Q", information, _INFO_RUN_COUNT)[0],
        struct.unpack_from("<Q", information, _INFO_MISSES)[0]
        if filled >= _INFO_MISSES + 8
        else None,
    )
