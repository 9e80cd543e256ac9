# SPDX-License-Identifier: Apache-2.0
"""The parts of a new image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from replay.memory.layout import MappingKind, Piece, pieces
from replay.memory.modules import Modules
from replay.memory.spaces import AddressSpaces
from tests.replay.memory.elf import EXE_BIAS, LINKER_BIAS, STACK, VDSO, program

if TYPE_CHECKING:
    from tests.histories.memory import MemoryHistory

K = MappingKind


def _pieces(history: MemoryHistory) -> list[Piece]:
    trace = history.trace
    return pieces(trace, AddressSpaces.from_trace(trace), Modules(trace))


def _at(found: list[Piece], address: int) -> tuple[MappingKind, int] | None:
    for piece in reversed(found):
        if piece.low <= address >> 12 < piece.high:
            return piece.kind, piece.bias
    return None


def test_executable_interpreter_stack_and_vdso() -> None:
    """Each is where exec and the auxiliary vector say."""
    found = _pieces(program())
    assert _at(found, EXE_BIAS + 0x1234) == (K.TEXT, EXE_BIAS)
    assert _at(found, EXE_BIAS + 0x10) == (K.RODATA, EXE_BIAS)
    assert _at(found, EXE_BIAS + 0x4100) == (K.DATA, EXE_BIAS)
    assert _at(found, EXE_BIAS + 0x5100) == (K.BSS, EXE_BIAS)
    assert _at(found, EXE_BIAS + 0x8100) is None
    assert _at(found, LINKER_BIAS + 0x1234) == (K.TEXT, LINKER_BIAS)
    assert _at(found, STACK - 0x100000) == (K.STACK, 0)
    assert _at(found, VDSO) == (K.VDSO, 0)


def test_without_module_tables_the_exec_row_must_do() -> None:
    """It tells code and data of the executable."""
    found = _pieces(program(modules=False))
    assert _at(found, EXE_BIAS + 0x1234) == (K.TEXT, 0)
    assert _at(found, EXE_BIAS + 0x4100) == (K.DATA, 0)
    assert _at(found, LINKER_BIAS + 0x1234) is None


def test_a_torn_auxiliary_vector_is_read_as_far_as_it_goes() -> None:
    """A piece that is missing ends it."""
    history = program()
    history.trace.drop("text", what=7, offset=16)
    found = _pieces(history)
    assert _at(found, LINKER_BIAS + 0x1234) == (K.TEXT, LINKER_BIAS)
    assert _at(found, VDSO) == (K.STACK, 0)
    history.trace.drop("text", what=7, offset=0)
    assert _at(_pieces(history), LINKER_BIAS + 0x1234) is None
    history = program()
    history.trace.drop("text", what=7, offset=0)
    assert _at(_pieces(history), VDSO) == (K.STACK, 0)


def test_a_32_bit_program_has_its_stack_below_4_gib() -> None:
    """The room of the stack ends where its addresses do."""
    history = program()
    history.made.rows["exec"][0].update(start_stack=0xFFF00000, mmap_base=0xF7000000)
    found = _pieces(history)
    assert _at(found, 0xFFEFFF00) == (K.STACK, 0)
    assert _at(found, 0x1_0000_1000) is None
