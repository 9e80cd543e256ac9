# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.elf_frames: bounds of stripped functions, against what the linker knew."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.tracer.programs import compile_c, run
from tracer.elf import read_elf
from tracer.elf_symbols import KIND_FUNCTION, KIND_UNNAMED_FUNCTION, Symbol

if TYPE_CHECKING:
    from pathlib import Path

EVERYTHING = (np.array([0], np.uint64), np.array([2**40], np.uint64), 1 << 20)
FUNCTIONS = ("main", "inner", "outer")


def _bounds(program: Path) -> dict[str, tuple[int, int]]:
    """Give (vaddr, bytes) of the program's own functions, as nm says."""
    rows = re.findall(r"^(\w+) (\w+) [tT] (\w+)$", run("nm", "-S", str(program)), re.MULTILINE)
    return {name: (int(at, 16), int(size, 16)) for at, size, name in rows if name in FUNCTIONS}


def _all(program: Path) -> list[Symbol]:
    with read_elf(program) as elf:
        elf.add_unnamed_functions()
        return elf.symbols_within(*EVERYTHING)


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """Give a program that still has its symbols; `outer` is exported."""
    return compile_c(tmp_path, "whole", "-Wl,--export-dynamic-symbol=outer")


def test_stripped_functions_have_the_bounds_that_their_symbols_had(whole: Path) -> None:
    """Exported ones keep their names and are not there twice."""
    known = _bounds(whole)
    run("strip", str(whole))
    found = {(symbol.vaddr, symbol.size): symbol for symbol in _all(whole)}
    for name in ("main", "inner"):
        assert found[known[name]] == Symbol(*known[name], KIND_UNNAMED_FUNCTION, b"")
    named = [symbol for symbol in found.values() if symbol.vaddr == known["outer"][0]]
    assert named == [Symbol(*known["outer"], KIND_FUNCTION, b"outer")]


def test_where_all_have_names_none_is_without(whole: Path) -> None:
    """What remains is the linker's: the procedure linkage table."""
    known = {vaddr for vaddr, _ in _bounds(whole).values()}
    assert len(known) == len(FUNCTIONS)
    unnamed = [symbol for symbol in _all(whole) if symbol.kind == KIND_UNNAMED_FUNCTION]
    assert known.isdisjoint(symbol.vaddr for symbol in unnamed)


def test_a_file_without_unwind_tables_has_none(whole: Path) -> None:
    """They can be removed, though nobody does."""
    run("strip", str(whole))
    run("objcopy", "--remove-section=.eh_frame_hdr", str(whole))
    assert KIND_UNNAMED_FUNCTION not in {symbol.kind for symbol in _all(whole)}


@pytest.mark.parametrize("section", [".eh_frame_hdr", ".eh_frame"])
def test_damage_leaves_fewer_functions_and_makes_up_none(whole: Path, section: str) -> None:
    """Each byte of the tables inverted in its turn: nothing begins where no function does."""
    run("strip", str(whole))
    sound = {symbol for symbol in _all(whole) if symbol.kind == KIND_UNNAMED_FUNCTION}
    starts = {symbol.vaddr for symbol in sound}
    row = re.search(
        rf" {re.escape(section)} +\w+ +\w+ (\w+) (\w+)", run("readelf", "-SW", str(whole))
    )
    assert row is not None
    begin, size = int(row[1], 16), int(row[2], 16)
    data = whole.read_bytes()
    fewer = 0
    for at in range(begin, begin + size):
        whole.write_bytes(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
        found = {symbol for symbol in _all(whole) if symbol.kind == KIND_UNNAMED_FUNCTION}
        assert {symbol.vaddr for symbol in found} <= starts
        fewer += len(found) < len(sound)
    assert fewer
