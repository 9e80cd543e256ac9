# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.elf_symbols: the innermost symbol, against a search by hand and other tools."""

from __future__ import annotations

import io
import re
import struct
from bisect import bisect_right
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tracer.programs import compile_c, run
from tracer.bounded_file import BoundedFile
from tracer.elf_headers import Headers
from tracer.elf_symbols import KIND_FUNCTION, KIND_OBJECT, Symbol, SymbolSource, SymbolTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FUNCTION, _OBJECT, _NOTYPE, _TLS, _IFUNC = 2, 1, 0, 6, 10
_LOCAL, _GLOBAL = 0, 1


class Given(NamedTuple):
    """A symbol to be put into a table."""

    name: str
    begin: int
    size: int
    kind: int = _FUNCTION
    binding: int = _GLOBAL
    section: int = 1


def _table(
    symbols: list[Given], section: tuple[int, int] = (0, 2**40), layout: str = "<64"
) -> SymbolTable:
    strings, rows = b"\0", b""
    for symbol in symbols:
        info = symbol.binding << 4 | symbol.kind
        place, strings = len(strings), strings + symbol.name.encode() + b"\0"
        if layout == "<64":
            values = (place, info, 0, symbol.section, symbol.begin, symbol.size)
            rows += struct.pack("<IBBHQQ", *values)
        else:
            values = (place, symbol.begin, symbol.size, info, 0, symbol.section)
            rows += struct.pack(">IIIBBH", *values)
    file = BoundedFile(io.BytesIO(rows + strings))
    bits = int(layout[1:])
    table, names = (0, len(rows)), (len(rows), len(strings))
    little = layout[0] == "<"
    return SymbolTable([SymbolSource(file, bits, little, True, table, names, [(0, 0), section])])  # noqa: FBT003


def _at(*addresses: int) -> NDArray[np.uint64]:
    return np.array(addresses, np.uint64)


def _names(symbols: list[Symbol]) -> list[str]:
    return [symbol.name.decode() for symbol in symbols]


@pytest.mark.parametrize("layout", ["<64", ">32"])
def test_functions_and_objects_of_both_layouts(layout: str) -> None:
    """First and last byte are in, the byte before and after are not."""
    given = [Given("f", 0x100, 16), Given("x", 0x200, 8, _OBJECT), Given("i", 0x300, 8, _IFUNC)]
    table = _table(given, layout=layout)
    assert table.covering(_at(0x10F, 0x200, 0x100)) == [
        Symbol(0x100, 16, KIND_FUNCTION, b"f"),
        Symbol(0x200, 8, KIND_OBJECT, b"x"),
    ]
    assert _names(table.covering(_at(0x307))) == ["i"]
    assert table.covering(_at(0, 0xFF, 0x110, 0x208, 2**64 - 1)) == []


def test_what_is_not_in_the_file_or_no_code_or_data_is_left_out() -> None:
    """Undefined, absolute, thread-local and untyped symbols have no place of their own."""
    table = _table(
        [
            Given("undefined", 0x100, 16, section=0),
            Given("absolute", 0x100, 16, section=0xFFF1),
            Given("thread", 0x100, 16, _TLS),
            Given("label", 0x100, 16, _NOTYPE),
        ]
    )
    assert table.covering(_at(0x100, 0x108)) == []


def test_no_symbols_at_all() -> None:
    """A stripped file."""
    for table in (SymbolTable([]), _table([])):
        assert table.covering(_at(0, 5)) == []
        assert table.within(_at(0), _at(2**40), 10) == []


def test_the_innermost_symbol_is_found_under_many_that_ended() -> None:
    """A large function that contains small ones is still there between them."""
    inner = [Given(f"in{i}", 0x1000 + 32 * i, 8) for i in range(100)]
    table = _table([Given("outer", 0x800, 0x4000), *inner])
    assert _names(table.covering(_at(0x1000 + 32 * 5 + 4))) == ["in5"]
    assert _names(table.covering(_at(0x1000 + 32 * 5 + 9))) == ["outer"]
    assert _names(table.covering(_at(0x1000 + 32 * 99 + 9, 0x2FFF))) == ["outer"]
    assert _names(table.covering(_at(0x47FF))) == ["outer"]
    gap = 0x1000 + 32 * 99 + 9
    assert _names(table.within(_at(gap), _at(gap + 1), 9)) == ["outer"]
    assert table.covering(_at(0x4800)) == []


def test_size_0_reaches_to_the_next_symbol_or_the_end_of_the_section() -> None:
    """Functions of assembly often have no size."""
    table = _table([Given("first", 0x100, 0), Given("last", 0x180, 0)], section=(0x80, 0x180))
    assert table.covering(_at(0x17F, 0x1FF)) == [
        Symbol(0x100, 0x80, KIND_FUNCTION, b"first"),
        Symbol(0x180, 0x80, KIND_FUNCTION, b"last"),
    ]
    assert table.covering(_at(0x200)) == []


def test_size_0_within_another_symbol_is_a_label_of_that() -> None:
    """It must not take what follows it away from the function that it is in."""
    table = _table([Given("function", 0x100, 0x40), Given("label", 0x110, 0), Given("z", 0x200, 0)])
    assert _names(table.covering(_at(0x110, 0x13F))) == ["function"]
    assert table.covering(_at(0x140)) == []


def test_of_several_names_the_plainest_is_given() -> None:
    """Exported before local, fewer underscores, shorter, by alphabet; the longest symbol first."""
    same = [
        Given("a", 0x100, 8, binding=_LOCAL),
        Given("__libc_malloc", 0x100, 8),
        Given("malloc", 0x100, 8),
        Given("mallod", 0x100, 8),
        Given("b", 0x100, 4),
    ]
    for order in (same, same[::-1]):
        assert _names(_table(order).covering(_at(0x101))) == ["malloc"]


def test_ranges_give_all_that_overlaps_them() -> None:
    """What begins in a range, and what contains its beginning; empty ranges give nothing."""
    given = [Given(f"s{i}", 0x100 * i, 0x80) for i in range(1, 9)]
    table = _table(given)
    assert _names(table.within(_at(0x140, 0x500), _at(0x301, 0x501), 99)) == [
        "s1",
        "s2",
        "s3",
        "s5",
    ]
    assert _names(table.within(_at(0x140, 0x500), _at(0x301, 0x501), 2)) == ["s1", "s2"]
    assert table.within(_at(0x180), _at(0x200), 99) == []
    assert table.within(_at(0x140), _at(0x140), 99) == []


def test_a_name_outside_the_strings_is_empty() -> None:
    """And a symbol that ends beyond the last address ends there."""
    file = BoundedFile(io.BytesIO(struct.pack("<IBBHQQ", 99, 0x12, 0, 1, 2**64 - 8, 2**64 - 1)))
    table = SymbolTable([SymbolSource(file, 64, True, True, (0, 24), (24, 9), [])])  # noqa: FBT003
    assert table.covering(_at(2**64 - 2)) == [Symbol(2**64 - 8, 7, KIND_FUNCTION, b"")]


def test_a_table_that_is_cut_is_read_as_far_as_it_goes() -> None:
    """A length beyond the end of the file, and half a symbol."""
    row = struct.pack("<IBBHQQ", 0, 0x12, 0, 1, 0x100, 8)
    file = BoundedFile(io.BytesIO(row + row[:10]))
    table = SymbolTable([SymbolSource(file, 64, True, True, (0, 2**62), (0, 0), [])])  # noqa: FBT003
    assert [symbol.vaddr for symbol in table.covering(_at(0x104))] == [0x100]


_ADDRESSES = st.integers(0, 200)
_SYMBOLS = st.lists(st.tuples(_ADDRESSES, st.integers(1, 60)), max_size=12, unique=True)


@given(_SYMBOLS, st.lists(_ADDRESSES, min_size=1))
def test_covering_is_the_last_symbol_to_begin_that_has_not_ended(
    symbols: list[tuple[int, int]], addresses: list[int]
) -> None:
    """The property that the arrays compute, by a search through all symbols."""
    table = _table([Given("s", begin, size) for begin, size in symbols])
    longest = {begin: max(s for b, s in symbols if b == begin) for begin, _ in symbols}
    expected = set()
    for address in addresses:
        over = [(b, s) for b, s in longest.items() if b <= address < b + s]
        expected |= {max(over)} if over else set()
    found = table.covering(_at(*addresses))
    assert [(symbol.vaddr, symbol.size) for symbol in found] == sorted(expected)


@given(_SYMBOLS, _ADDRESSES, st.integers(1, 50))
def test_a_range_gives_what_each_of_its_addresses_gives(
    symbols: list[tuple[int, int]], begin: int, length: int
) -> None:
    """Nothing that an address of the range falls into is missing."""
    table = _table([Given("s", *symbol) for symbol in symbols])
    each = table.covering(np.arange(begin, begin + length, dtype=np.uint64))
    found = table.within(_at(begin), _at(begin + length), 999)
    assert set(each) <= set(found)
    assert all(s.vaddr < begin + length and s.vaddr + s.size > begin for s in found)


def _of_readelf(path: Path, option: str) -> list[tuple[int, int, str]]:
    pattern = r"^ *\d+: (\w+) +(\w+) (?:FUNC|OBJECT|IFUNC) +\w+ +\w+ +(?:\[.*\] +)?\d+ (\S+)"
    rows = re.findall(pattern, run("readelf", option, "-W", str(path)), re.MULTILINE)
    return sorted((int(v, 16), int(s, 0), name.partition("@")[0]) for v, s, name in rows)


def _assert_as_readelf_says(path: Path, option: str) -> None:
    """Ask for the middle of every symbol; find the innermost by hand among those of readelf."""
    symbols = [symbol for symbol in _of_readelf(path, option) if symbol[1]]
    assert len(symbols) > 3
    table = SymbolTable(Headers(BoundedFile(io.BytesIO(path.read_bytes()))).symbol_sources())
    begins = [begin for begin, _, _ in symbols]
    names: dict[tuple[int, int], set[str]] = {}
    for begin, size, name in symbols:
        names.setdefault((begin, size), set()).add(name)
    middles = sorted({begin + size // 2 for begin, size, _ in symbols})
    expected = set()
    for middle in middles:
        last = bisect_right(begins, middle)
        over = [s for s in symbols[max(last - 50, 0) : last] if middle < s[0] + s[1]]
        expected.add(max((begin, size) for begin, size, _ in over))
    found = table.covering(np.array(middles, np.uint64))
    assert {(symbol.vaddr, symbol.size) for symbol in found} == expected
    for symbol in found:
        assert symbol.name.decode() in names[symbol.vaddr, symbol.size]


def test_the_c_library_as_readelf_shows_it() -> None:
    """Thousands of exported symbols with aliases."""
    maps = Path("/proc/self/maps").read_text()
    libc = re.search(r" (/\S+/libc\.so\S*)$", maps, re.MULTILINE)
    assert libc is not None
    has_all = ".symtab" in run("readelf", "-SW", libc[1])
    _assert_as_readelf_says(Path(libc[1]), "-s" if has_all else "--dyn-syms")


@pytest.mark.parametrize("options", [("-no-pie",), ("-pie", "-fPIE"), ("-static",)])
def test_compiled_programs_as_readelf_shows_them(tmp_path: Path, options: tuple[str, ...]) -> None:
    """With local symbols, and with the whole C library inside."""
    _assert_as_readelf_says(compile_c(tmp_path, "program", *options), "-s")


def test_functions_as_addr2line_names_them(tmp_path: Path) -> None:
    """Another tool with another search."""
    program = compile_c(tmp_path, "program", "-no-pie")
    table = SymbolTable(Headers(BoundedFile(io.BytesIO(program.read_bytes()))).symbol_sources())
    functions = [s for s in _of_readelf(program, "-s") if s[2] in ("main", "outer", "inner")]
    assert len(functions) == 3
    for begin, size, _ in functions:
        address = begin + size - 1
        told = run("addr2line", "-f", "-e", str(program), hex(address)).split()[0]
        assert _names(table.covering(_at(address))) == [told]
