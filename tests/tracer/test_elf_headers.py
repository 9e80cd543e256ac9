# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.elf_headers: what readelf says of the same files."""

from __future__ import annotations

import io
import re
import struct
import sys
from pathlib import Path

import pytest

from tests.tracer.programs import compile_c, run
from tracer.bounded_file import BoundedFile
from tracer.elf_headers import DAMAGE, ET_DYN, ET_EXEC, Headers

_PHDR = struct.Struct("<IIQQQQQQ")


def _of_this_process() -> list[Path]:
    """Give files that are sure to be there: this Python, its libraries, its interpreter."""
    mapped = re.findall(r" (/\S+\.so[.\d]*)$", Path("/proc/self/maps").read_text(), re.MULTILINE)
    libc = next(name for name in mapped if "/libc.so" in name)
    return [Path(sys.executable).resolve(), Path(libc), Path("/bin/sh").resolve()]


def _headers(path: Path) -> Headers:
    return Headers(BoundedFile(io.BytesIO(path.read_bytes())))


def _segments_of_readelf(path: Path) -> list[tuple[int, ...]]:
    pattern = r"^  LOAD +(0x\w+) (0x\w+) 0x\w+ (0x\w+) (0x\w+) (.{3}) "
    found = re.findall(pattern, run("readelf", "-lW", str(path)), re.MULTILINE)
    assert found
    bits = {"R": 4, "W": 2, "E": 1, " ": 0}
    return [
        (*(int(number, 16) for number in numbers), sum(bits[letter] for letter in flags))
        for *numbers, flags in found
    ]


def _sections_of_readelf(path: Path) -> list[tuple[bytes, int, int]]:
    pattern = r"^  \[ *\d+\] (\S+) +(\w+) +(\w+) \w+ (\w+) \w+ +([A-Z]*) +\d+ +\d+ +\d+$"
    found = re.findall(pattern, run("readelf", "-SW", str(path)), re.MULTILINE)
    return [
        (name.encode(), int(vaddr, 16), int(size, 16))
        for name, kind, vaddr, size, flags in found
        if "A" in flags and not (kind == "NOBITS" and "T" in flags)
    ]


def _assert_as_readelf_says(path: Path) -> None:
    headers = _headers(path)
    segments = [(s.offset, s.vaddr, s.file_bytes, s.mem_bytes, s.flags) for s in headers.segments()]
    assert segments == _segments_of_readelf(path)
    sections = [(s.name, s.vaddr, s.size) for s in headers.sections()]
    assert sections == _sections_of_readelf(path)
    notes = run("readelf", "-nW", str(path))
    build_id = re.search(r"Build ID: (\w+)", notes)
    assert headers.build_id().hex() == (build_id[1] if build_id else "")
    interpreter = re.search(r"interpreter: (.*)\]", run("readelf", "-lW", str(path)))
    assert headers.interpreter().decode() == (interpreter[1] if interpreter else "")


@pytest.mark.parametrize("path", _of_this_process(), ids=lambda path: path.name)
def test_headers_of_files_of_this_host(path: Path) -> None:
    """Segments, sections, build id and interpreter are those that readelf prints."""
    _assert_as_readelf_says(path)


def test_headers_of_compiled_programs(tmp_path: Path) -> None:
    """Linked for one address or for any, for 64 and for 32 bits."""
    fixed = compile_c(tmp_path, "fixed", "-no-pie")
    anywhere = compile_c(tmp_path, "anywhere", "-pie", "-fPIE")
    small = compile_c(tmp_path, "small", "-m32", "-nostdlib", "-pie", "-fPIE", "-Wl,-emain")
    for program in (fixed, anywhere, small):
        _assert_as_readelf_says(program)
    assert _headers(fixed).type == ET_EXEC
    assert _headers(anywhere).type == ET_DYN


def test_thread_local_bss_is_left_out(tmp_path: Path) -> None:
    """.tbss bears addresses that belong to what follows it."""
    source = "__thread int mine[100]; int main(void) { return mine[1]; }"
    program = compile_c(tmp_path, "threads", source=source)
    assert ".tbss" in run("readelf", "-SW", str(program))
    assert b".tbss" not in [section.name for section in _headers(program).sections()]


def test_a_program_without_sections_has_its_segments(tmp_path: Path) -> None:
    """The kernel executes it, so a damaged table of sections is no reason to refuse the file."""
    data = bytearray(compile_c(tmp_path, "program").read_bytes())
    whole = list(Headers(BoundedFile(io.BytesIO(data))).segments())
    struct.pack_into("<Q", data, 0x28, len(data) - 10)  # e_shoff
    headers = Headers(BoundedFile(io.BytesIO(data)))
    assert list(headers.segments()) == whole
    assert list(headers.sections()) == []
    assert headers.symbol_sources() == []
    assert len(headers.build_id()) == 20


def test_symbols_whose_names_are_nowhere_are_left_out(tmp_path: Path) -> None:
    """The section of names that .symtab points to is not there."""
    data = bytearray(compile_c(tmp_path, "program").read_bytes())
    assert len(Headers(BoundedFile(io.BytesIO(data))).symbol_sources()) == 1
    begin = struct.unpack_from("<Q", data, 0x28)[0]
    for at in range(begin, len(data), 64):
        if struct.unpack_from("<I", data, at + 4)[0] in (2, 11):  # SHT_SYMTAB, SHT_DYNSYM
            struct.pack_into("<I", data, at + 40, 999)  # sh_link
    headers = Headers(BoundedFile(io.BytesIO(data)))
    assert headers.symbol_sources() == []
    assert list(headers.segments())


def test_a_segment_that_fits_no_address_space_is_damage(tmp_path: Path) -> None:
    """Everything after it may add addresses and lengths without overflow."""
    data = bytearray(compile_c(tmp_path, "program", "-no-pie").read_bytes())
    begin, step, count = (
        struct.unpack_from("<Q", data, 0x20)[0],
        *struct.unpack_from("<HH", data, 0x36),
    )
    for at in range(begin, begin + step * count, step):
        if _PHDR.unpack_from(data, at)[0] == 1:
            struct.pack_into("<Q", data, at + 40, 2**63)  # p_memsz
    headers = Headers(BoundedFile(io.BytesIO(data)))
    with pytest.raises(DAMAGE):
        list(headers.segments())


def test_contents_of_a_section(tmp_path: Path) -> None:
    """By name, as many bytes as are asked for."""
    headers = _headers(compile_c(tmp_path, "program"))
    assert headers.contents(b".comment", 3) == b"GCC"
    assert headers.contents(b".nonsense", 3) == b""
    assert headers.contents(b".bss", 3) == b""
