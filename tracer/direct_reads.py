# SPDX-License-Identifier: Apache-2.0
"""Reading kernel memory with plain loads, where the kernel lets programs do so.

The kernel function bpf_rdonly_cast() (kernel/bpf/helpers.c, since 6.2) makes any address one that
a program may read: the verifier turns the call into a move, and the load into one that gives 0
where there is no memory, as bpf_probe_read_kernel() does. A helper's call costs some 75 ns on the
reference host, and a page fault needs ten such reads.

clang's BPF back end as bcc uses it knows no calls of kernel functions, so the programs call a
helper with a number that no helper has, and `redirect` makes kernel function calls of these.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from tracer import bpf_syscall
from tracer.btf_format import Kind

if TYPE_CHECKING:
    import ctypes

CALL_NUMBER: Final = 0x7EAD0001
"""The number of the helper that the programs call; the kernel has about 200."""

_FUNCTION, _TYPE = "bpf_rdonly_cast", "pt_regs"
"""Any struct that begins with an integer of 8 bytes does for the type."""
_INSTRUCTION: Final = struct.Struct("<BBhi")
_CALL, _LOAD_8, _MOVE, _EXIT = 0x85, 0x79, 0xB7, 0x95
_PSEUDO_KFUNC_CALL = 2
"""include/uapi/linux/bpf.h: the call's number is the BTF id of a kernel function."""


class TypeIds(Protocol):
    """What is asked of the kernel's BTF (`tracer.btf.Btf`)."""

    def type_id(self, kind: int, name: str) -> int | None:
        """Give the id of the first type of that kind and name, or None."""
        ...


class DirectReads(NamedTuple):
    """How this kernel is asked for them: BTF ids of the function and of the type it casts to."""

    function_id: int
    type_id: int

    def defines(self) -> str:
        """Give the C constants that make the programs use them."""
        return (
            f"#define DIRECT_READ_CALL {CALL_NUMBER}\n#define DIRECT_READ_TYPE {self.type_id}ULL\n"
        )


def find(types: TypeIds) -> DirectReads | None:
    """Try whether the kernel takes them in both types of program that we load; None if not."""
    function_id = types.type_id(Kind.FUNC, _FUNCTION)
    type_id = types.type_id(Kind.STRUCT, _TYPE)
    if function_id is None or type_id is None:
        return None
    reads = DirectReads(function_id, type_id)
    code = _attempt(reads)
    for program_type in (bpf_syscall.PROG_TYPE_RAW_TRACEPOINT, bpf_syscall.PROG_TYPE_PERF_EVENT):
        try:
            os.close(bpf_syscall.load_program(program_type, code))
        except OSError:
            return None
    return reads


def _attempt(reads: DirectReads) -> bytes:
    """Give a program that reads 8 bytes where its first argument points to."""
    first, second, third = 1, 2, 3
    instructions = (
        (_LOAD_8, first | first << 4, 0, 0),
        (_MOVE, second, 0, reads.type_id),
        (_CALL, _PSEUDO_KFUNC_CALL << 4, 0, reads.function_id),
        (_LOAD_8, third, 0, 0),
        (_MOVE, 0, 0, 0),
        (_EXIT, 0, 0, 0),
    )
    return b"".join(_INSTRUCTION.pack(*instruction) for instruction in instructions)


def redirect(code: ctypes.Array[ctypes.c_char], reads: DirectReads) -> int:
    """Turn the calls of CALL_NUMBER in a program, in place, into calls of the kernel function.

    Gives how many there were.
    """
    count = 0
    for offset in range(0, len(code), _INSTRUCTION.size):
        opcode, registers, _, number = _INSTRUCTION.unpack_from(code, offset)
        if opcode == _CALL and registers == 0 and number == CALL_NUMBER:
            call = (_CALL, _PSEUDO_KFUNC_CALL << 4, 0, reads.function_id)
            _INSTRUCTION.pack_into(code, offset, *call)
            count += 1
    return count
