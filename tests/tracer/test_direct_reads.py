# SPDX-License-Identifier: Apache-2.0
"""Plain loads of kernel memory: asked of the kernel, and put into the compiled programs."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from typing import TYPE_CHECKING

import pytest

from tracer import bpf_syscall
from tracer.btf import Btf
from tracer.btf_format import Kind
from tracer.direct_reads import CALL_NUMBER, DirectReads, find, redirect

if TYPE_CHECKING:
    from collections.abc import Callable

READS = DirectReads(function_id=65477, type_id=162)


class Types:
    """BTF that has the two types, or only one of them."""

    def __init__(self, without: int | None = None) -> None:
        self.without = without

    def type_id(self, kind: int, name: str) -> int | None:
        """Give an id that tells kind and name apart."""
        return None if kind == self.without else {"bpf_rdonly_cast": 7, "pt_regs": 8}[name]


def _code(*instructions: tuple[int, int, int, int]) -> ctypes.Array[ctypes.c_char]:
    raw = b"".join(struct.pack("<BBhi", *instruction) for instruction in instructions)
    return ctypes.create_string_buffer(raw, len(raw))


def test_only_the_marked_calls_become_calls_of_the_kernel_function() -> None:
    """Another helper's call, and data that looks like the number, stay as they are."""
    helper, constant = (0x85, 0, 0, 5), (0xB7, 1, 0, CALL_NUMBER)
    marked, turned = (0x85, 0, 0, CALL_NUMBER), (0x85, 0x20, 0, READS.function_id)
    code = _code(helper, marked, constant, marked)
    assert redirect(code, READS) == 2
    assert code.raw == _code(helper, turned, constant, turned).raw


@pytest.mark.parametrize("absent", [Kind.FUNC, Kind.STRUCT])
def test_a_kernel_without_the_types_is_not_asked(absent: Kind) -> None:
    """Kernels before 6.2 have no such function."""
    assert find(Types(without=absent)) is None


@pytest.mark.parametrize(
    "refused", [bpf_syscall.PROG_TYPE_RAW_TRACEPOINT, bpf_syscall.PROG_TYPE_PERF_EVENT]
)
def test_a_refusal_in_one_type_of_program_is_a_refusal(
    monkeypatch: pytest.MonkeyPatch, refused: int
) -> None:
    """All programs are compiled in one way, so both types must take it."""
    monkeypatch.setattr(bpf_syscall, "load_program", _kernel(refused))
    assert find(Types()) is None


def _kernel(refused: int) -> Callable[[int, bytes], int]:
    def load_program(program_type: int, _: bytes) -> int:
        if program_type == refused:
            raise OSError(errno.EINVAL, "Invalid argument")
        return os.open(os.devnull, os.O_RDONLY)

    return load_program


@pytest.mark.kernel
def test_this_kernel_is_asked_by_loading() -> None:
    """What is found is what BTF says; a kernel that has the function takes it."""
    types = Btf.running()
    found = find(types)
    assert (found is None) == (types.type_id(Kind.FUNC, "bpf_rdonly_cast") is None)
