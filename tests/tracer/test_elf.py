# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.elf: what a whole file gives, and that no bytes give anything but ElfError."""

from __future__ import annotations

import io
import re
import zlib
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tracer.programs import compile_c, run
from tracer.elf import ElfError, read_elf

if TYPE_CHECKING:
    from numpy.typing import NDArray


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a program with symbols."""
    return compile_c(tmp_path_factory.mktemp("elf"), "program", "-no-pie")


def _begin_of(program: Path, name: str) -> int:
    found = re.search(rf"^(\w+) \w {name}$", run("nm", str(program)), re.MULTILINE)
    assert found is not None
    return int(found[1], 16)


def _at(*addresses: int) -> NDArray[np.uint64]:
    return np.array(addresses, np.uint64)


def test_symbols_of_a_program(program: Path) -> None:
    """By address, and by the page they are in."""
    main, table = _begin_of(program, "main"), _begin_of(program, "table")
    with read_elf(program) as elf:
        assert (elf.type, elf.stripped) == (2, False)
        found = elf.symbols_covering(_at(table + 159, main))
        assert [(s.vaddr, s.size, s.kind, s.name) for s in found if s.vaddr == table] == [
            (table, 160, 1, b"table")
        ]
        assert [s.name for s in found] == [b"main", b"table"]
        within = elf.symbols_within(_at(table & -4096), _at((table & -4096) + 4096), 99)
        assert {b"table", b"hidden"} <= {s.name for s in within}


def test_symbols_are_read_only_while_the_file_is_open(program: Path) -> None:
    """They are read when they are asked for; afterwards that is an error like others."""
    file = program.open("rb")
    elf = read_elf(file)
    elf.close()
    assert file.closed
    with pytest.raises(ElfError):
        elf.symbols_covering(_at(_begin_of(program, "main")))


@pytest.mark.parametrize(
    "data", [b"", b"\x7fEL", b"#!/bin/sh\necho hello, world\n", b"\x7fELF\2\1"]
)
def test_what_is_no_elf_file_has_no_rows(data: bytes) -> None:
    """Text, nothing, and less than a header."""
    with read_elf(io.BytesIO(data)) as elf:
        assert (elf.type, elf.build_id, elf.segments, elf.sections) == (0, b"", (), ())
        assert elf.symbols_covering(_at(0, 2**63)) == []


def test_an_object_file_has_no_rows(tmp_path: Path) -> None:
    """A linker maps thousands of them; none is ever executed."""
    source = tmp_path / "part.c"
    source.write_text("int part(void) { return 1; }")
    run("gcc", "-c", "-o", str(tmp_path / "part.o"), str(source))
    with read_elf(tmp_path / "part.o") as elf:
        assert (elf.type, elf.segments, elf.sections) == (0, (), ())


def test_a_file_that_cannot_be_read_is_an_elf_error(tmp_path: Path) -> None:
    """Whatever the cause, the caller has one error to expect."""
    with pytest.raises(ElfError):
        read_elf(tmp_path / "missing")
    with pytest.raises(ElfError) as caught:
        read_elf(tmp_path)
    assert caught.value.why


def test_the_debug_link_of_a_program(program: Path, tmp_path: Path) -> None:
    """The name and the CRC that objcopy wrote."""
    stripped = tmp_path / "stripped"
    symbols = tmp_path / "names.debug"
    run("objcopy", "--only-keep-debug", str(program), str(symbols))
    run("objcopy", "--strip-all", f"--add-gnu-debuglink={symbols}", str(program), str(stripped))
    with read_elf(stripped) as elf:
        assert elf.stripped
        assert elf.debug_link == (b"names.debug", zlib.crc32(symbols.read_bytes()))


@cache
def _small_programs() -> list[bytes]:
    with TemporaryDirectory() as folder:
        options = ["-nostdlib", "-Wl,-emain", "-fno-stack-protector"]
        built = [
            compile_c(Path(folder), "fixed", "-no-pie", *options),
            compile_c(Path(folder), "moving", "-pie", "-fPIE", *options),
            compile_c(Path(folder), "small", "-m32", "-pie", "-fPIE", *options),
        ]
        return [path.read_bytes() for path in built]


_VALUES = st.sampled_from([0, 1, 0x7F, 2**16 - 1, 2**31, 2**32 - 1, 2**62, 2**63, 2**64 - 1])
_PLACES = st.one_of(st.integers(0, 0x40), st.integers(0, 0x400), st.integers(-0x800, -1))
_DAMAGES = st.lists(
    st.tuples(_PLACES, st.sampled_from([1, 2, 4, 8]), _VALUES | st.integers(0, 2**16)),
    min_size=1,
    max_size=5,
)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2), _DAMAGES, st.none() | st.integers(18, 0x3000))
def test_damage_gives_an_elf_file_or_an_elf_error(
    which: int, damages: list[tuple[int, int, int]], cut: int | None
) -> None:
    """Numbers of any size in the headers, and files that end anywhere."""
    data = bytearray(_small_programs()[which])
    for place, width, value in damages:
        at = place % (len(data) - 8)
        data[at : at + width] = value.to_bytes(8, "little")[:width]
    addresses = np.arange(0, 0x5000, 8, dtype=np.uint64)
    try:
        with read_elf(io.BytesIO(bytes(data[:cut]))) as elf:
            elf.symbols_covering(addresses)
            elf.symbols_within(addresses, addresses + np.uint64(9), 99)
    except ElfError:
        return
    for segment in elf.segments:
        assert segment.vaddr + segment.mem_bytes + segment.offset + segment.file_bytes < 2**58
    for section in elf.sections:
        assert max(section.vaddr, section.size, section.flags) < 2**64
