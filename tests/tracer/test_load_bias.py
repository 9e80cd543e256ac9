# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.load_bias: where this very process and a program of our own were loaded."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tracer.elf import read_elf
from tracer.elf_headers import ET_DYN, ET_EXEC, Segment
from tracer.load_bias import interpreter_base, linked_range, of_executions, of_mappings

if TYPE_CHECKING:
    from numpy.typing import NDArray

_X, _W, _R = 1, 2, 4
_BIAS = 0x7F0000000000
# As the linker lays a library out; the last segment begins in the page that code ends in.
_SEGMENTS = (
    Segment(0, 0, 0x500, 0x500, _R),
    Segment(0x1000, 0x1000, 0x2345, 0x2345, _R | _X),
    Segment(0x5200, 0x3200, 0x900, 0x2000, _R | _W),
)


def _at(*addresses: int) -> NDArray[np.uint64]:
    return np.array(addresses, np.uint64)


def test_the_range_that_a_file_is_linked_for() -> None:
    """With its bss."""
    assert linked_range(_SEGMENTS) == (0, 0x7200)
    assert linked_range(()) == (0, 0)


def test_executions_of_a_position_independent_file() -> None:
    """end_code is the end of its last executable segment; each bias is given once."""
    end = 0x1000 + 0x2345
    codes = _at(_BIAS + end, 0x555555554000 + end, _BIAS + end)
    assert of_executions(ET_DYN, _SEGMENTS, codes).tolist() == [0x555555554000, _BIAS]


def test_executions_that_do_not_fit_the_file_give_nothing() -> None:
    """Another file by now: no whole pages, below its own addresses, or no code at all."""
    assert of_executions(ET_DYN, _SEGMENTS, _at(_BIAS + 5, 0x345, 0)).tolist() == []
    assert of_executions(ET_DYN, _SEGMENTS[:1], _at(_BIAS)).tolist() == []


def test_a_file_of_fixed_address_has_no_bias() -> None:
    """Where it was executed or mapped at all."""
    assert of_executions(ET_EXEC, _SEGMENTS, _at(5, 6)).tolist() == [0]
    assert of_executions(ET_EXEC, _SEGMENTS, _at()).tolist() == []
    assert of_mappings(ET_EXEC, _SEGMENTS, _at(5), _at(0)).tolist() == [0]
    assert of_mappings(ET_EXEC, _SEGMENTS, _at(), _at()).tolist() == []


def test_mappings_of_each_segment_give_the_same_bias() -> None:
    """As a loader maps them: from the page that the segment begins in."""
    for segment in _SEGMENTS:
        address = _BIAS + (segment.vaddr & -4096)
        offset = segment.offset & -4096
        found = of_mappings(ET_DYN, _SEGMENTS, _at(address), _at(offset)).tolist()
        assert _BIAS in found
        assert len(found) <= 2
    everything = of_mappings(ET_DYN, _SEGMENTS, _at(_BIAS, _BIAS + 0x1000), _at(0, 0x1000))
    assert everything.tolist() == [_BIAS]


def test_mappings_of_no_segment_give_nothing() -> None:
    """Symbols and notes at the end of the file, read by a debugger."""
    assert of_mappings(ET_DYN, _SEGMENTS, _at(_BIAS), _at(0x8000)).tolist() == []
    assert of_mappings(ET_DYN, (), _at(_BIAS), _at(0)).tolist() == []


def test_the_c_library_of_this_process() -> None:
    """Whichever of its mappings is asked for, the lowest is where it begins."""
    maps = re.findall(
        r"^(\w+)-\w+ .{4} (\w+) \S+ \d+ +(/.*/libc\.so.*)$",
        Path("/proc/self/maps").read_text(),
        re.MULTILINE,
    )
    begin = int(maps[0][0], 16)
    with read_elf(Path(maps[0][2])) as elf:
        for address, offset, _ in maps:
            mapping = _at(int(address, 16)), _at(int(offset, 16))
            assert begin in of_mappings(elf.type, elf.segments, *mapping).tolist()


def test_the_executable_and_the_interpreter_of_this_process() -> None:
    """From /proc/PID/stat, field 27, and the auxiliary vector; as /proc/PID/maps shows them."""
    stat = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
    maps = Path("/proc/self/maps").read_text()
    executable = Path("/proc/self/exe").resolve()
    begins = {
        path: int(begin, 16)
        for begin, path in re.findall(r"^(\w+)-\w+ .{4} 0{8} \S+ \d+ +(/.*)$", maps, re.MULTILINE)
    }
    with read_elf(executable) as elf:
        (bias,) = of_executions(elf.type, elf.segments, _at(int(stat[24]))).tolist()
        assert bias + (elf.segments[0].vaddr & -4096) == begins[str(executable)]
        interpreter = Path(elf.interpreter.decode()).resolve()
    base = interpreter_base(Path("/proc/self/auxv").read_bytes())
    assert base == begins[str(interpreter)]


def test_auxiliary_vectors_without_an_interpreter() -> None:
    """A static program's, an empty one, and what follows the end."""
    assert interpreter_base(b"") == 0
    assert interpreter_base(b"1234567") == 0
    assert interpreter_base(struct.pack("<6Q", 6, 4096, 7, 0, 0, 0)) == 0
    assert interpreter_base(struct.pack("<6Q", 6, 4096, 0, 0, 7, 99)) == 0
    assert interpreter_base(struct.pack("<3Q", 6, 4096, 7)) == 0


def test_the_auxiliary_vector_of_a_32_bit_program() -> None:
    """Its words have 32 bits."""
    vector = struct.pack("<8I", 32, 0xF7F00580, 6, 4096, 7, 0xF7F02000, 0, 0)
    assert interpreter_base(vector) == 0xF7F02000
