# SPDX-License-Identifier: Apache-2.0
"""What addresses belong to."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from replay.memory.changes import changes
from replay.memory.layout import MappingKind, pieces
from replay.memory.mappings import Mappings
from replay.memory.modules import Modules
from replay.memory.ranges import NOT_FOUND, ints
from replay.memory.spaces import AddressSpaces
from tests.histories.memory import MemoryHistory
from tests.replay.memory.elf import (
    EXE_BIAS,
    LIBRARY,
    LIBRARY_BIAS,
    LINKER_BIAS,
    STACK,
    VDSO,
    map_library,
    program,
)

K = MappingKind
LATE = 2**62


def _mappings(history: MemoryHistory) -> Mappings:
    trace, spaces = history.trace, AddressSpaces.from_trace(history.trace)
    modules = Modules(trace)
    return Mappings(spaces, modules, pieces(trace, spaces, modules), changes(trace, spaces))


def _at(history: MemoryHistory, space: int, address: int, time_ns: int = LATE) -> dict[str, Any]:
    mappings = _mappings(history)
    addresses = pl.Series([address], dtype=pl.UInt64)
    found = mappings.find(ints([space]), addresses, ints([time_ns]))
    return mappings.describe(found, addresses).row(0, named=True)


def _kind(history: MemoryHistory, space: int, address: int, time_ns: int = LATE) -> str:
    return str(_at(history, space, address, time_ns)["kind"])


def test_a_program_with_a_library() -> None:
    """Kind, file, section and symbol of every part of both."""
    history = program()
    found = [
        (EXE_BIAS + 0x1110, K.TEXT, b"/bin/server", b".text", b"main"),
        (EXE_BIAS + 0x3F02, K.DATA, b"/bin/server", b".data", b"counter"),
        (EXE_BIAS + 0x4300, K.BSS, b"/bin/server", b".bss", None),
        (EXE_BIAS + 0x6000, K.BSS, b"/bin/server", b".bss", None),
        (EXE_BIAS + 0xA000, K.HEAP, None, None, None),
        (LIBRARY_BIAS + 0x10, K.RODATA, b"/lib/libwork.so.1", None, None),
        (LIBRARY_BIAS + 0x1110, K.TEXT, b"/lib/libwork.so.1", b".text", b"main"),
        (LIBRARY_BIAS + 0x3E10, K.DATA, b"/lib/libwork.so.1", b".data.rel.ro", None),
        (LIBRARY_BIAS + 0x5008, K.BSS, b"/lib/libwork.so.1", b".bss", None),
        (LINKER_BIAS + 0x1110, K.TEXT, b"/lib64/ld-linux-x86-64.so.2", b".text", b"main"),
        (STACK - 8, K.STACK, None, None, None),
        (VDSO + 8, K.VDSO, None, None, None),
        (0x1000, K.UNKNOWN, None, None, None),
        (2**64 - 4096, K.UNKNOWN, None, None, None),
    ]
    for address, kind, path, section, symbol in found:
        row = _at(history, 1, address)
        told = (row["kind"], row["path"], row["section"])
        assert told == (kind, path, section), hex(address)
        assert symbol is None or row["symbol"] == symbol


def test_mappings_come_and_go() -> None:
    """The latest change before the time counts, and what is not mapped is unknown."""
    history = program()
    at = 0x10_0000
    before = history.tick()
    history.maps("sh", "256", "2")
    mapped = history.tick()
    history.call("sh", 11, at, 0x1000)
    history.tick()
    assert [_kind(history, 1, at, time) for time in (before, mapped, LATE)] == [
        K.UNKNOWN, K.ANONYMOUS, K.UNKNOWN
    ]  # fmt: skip
    assert _kind(history, 1, at + 0x1000) == K.ANONYMOUS


def test_kinds_of_mmap() -> None:
    """Shared, of a file without ELF, and asked for as a stack."""
    history = program()
    history.call("sh", 9, 0, 0x1000, 3, 0x21, result=0x10_0000)
    history.call("sh", 9, 0, 0x1000, 3, 2, 3, 0, result=0x20_0000, file_dev=1, file_ino=9)
    history.call("sh", 9, 0, 0x1000, 3, 1, 3, 0, result=0x30_0000, file_dev=1, file_ino=9)
    history.call("sh", 9, 0, 0x1000, 3, 0x20022, result=0x40_0000)
    kinds = [_kind(history, 1, address) for address in (0x10_0000, 0x20_0000, 0x30_0000, 0x40_0000)]
    assert kinds == [K.FILE_SHARED, K.FILE_PRIVATE, K.FILE_SHARED, K.STACK]
    assert _at(history, 1, 0x20_0000)["file_ino"] == 9


def test_a_child_has_what_its_parent_had_at_the_fork() -> None:
    """And neither sees what the other does later."""
    history = program()
    history.tell("sh maps 256, sh forks a, a forks b, sh unmaps 256, a maps 512")
    assert [_kind(history, space, 256 << 12) for space in (1, 2, 3)] == [
        K.UNKNOWN, K.ANONYMOUS, K.ANONYMOUS
    ]  # fmt: skip
    assert [_kind(history, space, 512 << 12) for space in (1, 2, 3)] == [
        K.UNKNOWN, K.ANONYMOUS, K.UNKNOWN
    ]  # fmt: skip
    assert _at(history, 3, LIBRARY_BIAS + 0x1110)["symbol"] == b"main"


def test_a_library_that_a_child_loads() -> None:
    """Its bss is that of the library, wherever the child put it."""
    history = program()
    history.forks("sh", "a")
    map_library(history, "a", 0x7E00_0000_0000)
    row = _at(history, 2, 0x7E00_0000_6000)
    assert (row["kind"], row["file_ino"]) == (K.BSS, LIBRARY[1])
    assert _kind(history, 1, 0x7E00_0000_6000) == K.UNKNOWN


def test_mremap_takes_the_kind_along() -> None:
    """Through several moves and growths, and from a parent's mapping."""
    history = program()
    history.call("sh", 9, 0, 0x2000, 3, 1, 3, 0, result=0x10_0000, file_dev=1, file_ino=9)
    history.tell("sh forks a")
    history.call("a", 25, 0x10_0000, 0x2000, 0x3000, 1, result=0x20_0000)
    history.call("a", 25, 0x20_0000, 0x3000, 0x4000, 1, result=0x20_0000)
    history.call("a", 25, 0x20_0000, 0x4000, 0x4000, 1, result=0x30_0000)
    for page in range(4):
        row = _at(history, 2, 0x30_0000 + page * 4096)
        assert (row["kind"], row["file_ino"]) == (K.FILE_SHARED, 9)
    assert [_kind(history, space, 0x10_0000) for space in (1, 2)] == [K.FILE_SHARED, K.UNKNOWN]
    history.call("a", 25, 0x77_0000, 0x1000, 0x1000, 1, result=0x50_0000)
    assert _kind(history, 2, 0x50_0000) == K.UNKNOWN


def test_nothing_is_known_without_any_row() -> None:
    """Neither of an address space without mappings, nor of no address space."""
    mappings = _mappings(MemoryHistory())
    addresses = pl.Series([0x1000, 0x2000], dtype=pl.UInt64)
    found = mappings.find(ints([0, NOT_FOUND]), addresses, np.zeros(2, np.int64))
    assert found.tolist() == [NOT_FOUND, NOT_FOUND]
    assert mappings.describe(found, addresses)["kind"].to_list() == [K.UNKNOWN] * 2
    assert set(mappings.kinds(found).tolist()) == {list(K).index(K.UNKNOWN)}
