# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.modules: addresses of a real process find their way to names in a trace."""

from __future__ import annotations

import io
import os
import re
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.tracer.noted import (
    AUXILIARY_VECTOR,
    EXECUTABLE,
    MAPPED,
    columns,
    components,
    device_and_inode,
    piece,
)
from tests.tracer.programs import compile_c
from tests.tracer.programs import run as command
from tracer import modules
from tracer.elf import ElfError, read_elf
from tracer.modules import ModuleCatalogue
from tracer.recorded_file import FileId, Place
from traces.reader import open_trace
from traces.writer import TraceWriter

if TYPE_CHECKING:
    from typing import BinaryIO

    import polars as pl

    from tracer.elf import ElfFile

_SOURCE = """\
#include <stdio.h>
#include <unistd.h>
extern void *__tls_get_addr(void *);
extern int table[4], beside[4];
__asm__(".data\\n .balign 4096\\n .globl table, beside\\n"
	"table: .long 1, 2, 3, 4\\n .type table, @object\\n .size table, 16\\n"
	"beside: .long 5, 6, 7, 8\\n .type beside, @object\\n .size beside, 16\\n"
	".balign 4096\\n .text");
__attribute__((noinline)) int work(int x) { return table[x]; }
int main(void)
{
	printf("%p %p %p %p\\n", (void *)work, (void *)&table[1], (void *)setlinebuf,
		(void *)__tls_get_addr);
	fflush(stdout);
	return getchar() == 'x' ? work(0) : 0;
}
"""
_WRITE, _USER, _FETCH = 2, 4, 16


class Run:
    """A program that ran, with what a recording would have noted of it."""

    def __init__(self, program: Path) -> None:
        self.program = program
        # An executed file was written before; the clock of file times is a little behind.
        self.time_ns = time.monotonic_ns()
        command = [str(program)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            self.tgid = process.pid
            self.addresses = [int(word, 16) for word in process.stdout.readline().split()]
            proc = Path("/proc") / str(process.pid)
            self.maps = (proc / "maps").read_text()
            self.vector = (proc / "auxv").read_bytes()
            stat = (proc / "stat").read_bytes().rpartition(b")")[2].split()
            self.end_code = int(stat[24])
            process.stdin.write(b"x")

    def note_in(self, catalogue: ModuleCatalogue, libraries: str = "libc") -> None:
        """Note the execution, and the mappings of libraries of that name."""
        device, inode = device_and_inode(self.program)
        row = {"time_ns": self.time_ns, "tid": self.tgid, "tgid": self.tgid}
        file = {"exe_dev": device, "exe_ino": inode, "end_code": self.end_code}
        catalogue.note_columns("exec", columns("exec", {**row, **file}))
        path = piece(self.time_ns, self.tgid, EXECUTABLE, components(self.program))
        vector = piece(self.time_ns, self.tgid, AUXILIARY_VECTOR, self.vector)
        catalogue.note_pieces([path, vector])
        pattern = rf"^(\w+)-\w+ .{{4}} (\w+) \S+ \d+ +(/.*/{libraries}\..*)$"
        for number, mapping in enumerate(re.findall(pattern, self.maps, re.MULTILINE), start=1):
            self._note_mapping(catalogue, {**row, "time_ns": self.time_ns + number}, *mapping)

    def _note_mapping(
        self, catalogue: ModuleCatalogue, row: dict[str, int], begin: str, offset: str, name: str
    ) -> None:
        device, inode = device_and_inode(Path(name))
        call = {"syscall": 9, "result": int(begin, 16), "arg5": int(offset, 16)}
        file = {"file_dev": device, "file_ino": inode}
        catalogue.note_columns("mapping_call", columns("mapping_call", {**row, **call, **file}))
        path = components(Path(name))
        catalogue.note_pieces([piece(row["time_ns"], self.tgid, MAPPED, path)])


def _fault(address: int, ip: int, error_code: int) -> dict[str, int]:
    return {"address": address, "ip": ip, "error_code": error_code}


_TABLES = ("module", "module_interpreter", "segment", "section", "symbol")


def _written(catalogue: ModuleCatalogue, folder: Path) -> dict[str, pl.DataFrame]:
    file = io.BytesIO()
    writer = TraceWriter(file)
    catalogue.write(writer)
    writer.finish()
    path = folder / "written.ptrace"
    path.write_bytes(file.getvalue())
    trace = open_trace(path)
    return {table: trace.table(table) for table in _TABLES}


def _names(tables: dict[str, pl.DataFrame], inode: int) -> set[bytes]:
    found = tables["symbol"]
    return {row["name"] for row in found.iter_rows(named=True) if row["file_ino"] == inode}


def _row(tables: dict[str, pl.DataFrame], path: Path) -> dict[str, Any]:
    (row,) = [r for r in tables["module"].iter_rows(named=True) if r["path"] == os.fsencode(path)]
    return row


@pytest.mark.parametrize("options", [("-pie", "-fPIE"), ("-no-pie",)])
def test_addresses_of_program_library_and_interpreter(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    """From an address in memory to a name.

    GIVEN a process that told where its functions are
    WHEN faults at them, and a read of a table, are noted
    THEN the trace holds the three files and the names of what was touched.
    """
    run = Run(compile_c(tmp_path, "program", *options, source=_SOURCE))
    work, table, in_library, in_interpreter = run.addresses
    catalogue = ModuleCatalogue()
    catalogue.note_columns(
        "fault",
        columns(
            "fault",
            _fault(table, work + 1, _USER),
            _fault(in_library, in_library, _USER | _FETCH),
            _fault(in_interpreter, in_interpreter, _USER | _FETCH),
            _fault(0x1000, 2**64 - 4096, 0),
        ),
    )
    run.note_in(catalogue)
    tables = _written(catalogue, tmp_path)
    own = _row(tables, run.program)
    assert _names(tables, own["file_ino"]) == {b"work", b"table"}
    assert own["elf_type"] == (3 if "-pie" in options else 2)
    assert len(own["build_id"]) == 20
    symbols = tables["symbol"].rows(named=True)
    vaddr = {row["name"]: row["vaddr"] for row in symbols if row["file_ino"] == own["file_ino"]}
    assert vaddr[b"table"] - vaddr[b"work"] == table - 4 - work
    libc = next(row for row in tables["module"].rows(named=True) if b"/libc." in row["path"])
    assert _names(tables, libc["file_ino"]) == {b"setlinebuf"}
    linker = next(row for row in tables["module"].rows(named=True) if b"/ld-" in row["path"])
    assert _names(tables, linker["file_ino"]) == {b"__tls_get_addr"}
    for name in ("segment", "section"):
        described = set(tables[name]["file_ino"].to_list())
        assert described == {own["file_ino"], libc["file_ino"], linker["file_ino"]}


@pytest.mark.parametrize(
    ("error_code", "names"), [(_USER, {b"table"}), (_USER | _WRITE, {b"table", b"beside"})]
)
def test_all_objects_of_a_written_page_are_named(
    tmp_path: Path, error_code: int, names: set[bytes]
) -> None:
    """They are copied with it, though one was written to; a read names what was read."""
    run = Run(compile_c(tmp_path, "program", source=_SOURCE))
    catalogue = ModuleCatalogue()
    catalogue.note_columns("fault", columns("fault", _fault(run.addresses[1], 0, error_code)))
    run.note_in(catalogue)
    tables = _written(catalogue, tmp_path)
    assert _names(tables, _row(tables, run.program)["file_ino"]) == names


def test_many_executions_of_one_program_cost_one_look_at_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each at an address of its own; the symbols are found in all of them."""
    run = Run(compile_c(tmp_path, "program", "-pie", "-fPIE", source=_SOURCE))
    looks: list[object] = []

    def look(file: BinaryIO) -> ElfFile:
        looks.append(file)
        return read_elf(file)

    monkeypatch.setattr(modules, "read_elf", look)
    catalogue = ModuleCatalogue()
    original, shifts = run.end_code, [number << 20 for number in range(500)]
    for shift in shifts:
        run.end_code = original + shift
        run.time_ns += 100
        run.note_in(catalogue, libraries="nothing")
    ips = np.array([run.addresses[0] + shifts[499], run.addresses[0]], np.uint64)
    catalogue.note_instructions(ips)
    tables = _written(catalogue, tmp_path)
    assert _names(tables, _row(tables, run.program)["file_ino"]) == {b"work"}
    assert len(looks) == 2  # the program and its interpreter
    [row] = tables["module_interpreter"].rows(named=True)
    linker = Path("/lib64/ld-linux-x86-64.so.2").resolve()
    assert (row["interpreter_dev"], row["interpreter_ino"]) == device_and_inode(linker)
    assert row["file_ino"] == _row(tables, run.program)["file_ino"]


def test_an_interpreter_that_was_executed_itself(tmp_path: Path) -> None:
    """`ld.so PROGRAM` before or after others that it was loaded for: both are looked at."""
    run = Run(compile_c(tmp_path, "program", source=_SOURCE))
    catalogue = ModuleCatalogue()
    linker = Path("/lib64/ld-linux-x86-64.so.2").resolve()
    device, inode = device_and_inode(linker)
    row = {"time_ns": run.time_ns, "tid": 1, "tgid": 1, "exe_dev": device, "exe_ino": inode}
    catalogue.note_columns("exec", columns("exec", {**row, "end_code": 5}))
    catalogue.note_pieces([piece(run.time_ns, 1, EXECUTABLE, components(linker))])
    run.note_in(catalogue, libraries="nothing")
    catalogue.note_instructions(np.array(run.addresses, np.uint64))
    tables = _written(catalogue, tmp_path)
    assert _names(tables, inode) == {b"__tls_get_addr"}
    assert tables["module"]["file_ino"].to_list().count(inode) == 1


def test_symbols_that_were_stripped_are_found_elsewhere(tmp_path: Path) -> None:
    """As debug_files finds them."""
    program = compile_c(tmp_path, "program", source=_SOURCE)
    symbols = tmp_path / "program.debug"
    command("objcopy", "--only-keep-debug", str(program), str(symbols))
    command("strip", str(program))
    command("objcopy", f"--add-gnu-debuglink={symbols}", str(program))
    run = Run(program)
    catalogue = ModuleCatalogue()
    catalogue.note_instructions(np.array(run.addresses[:1], np.uint64))
    run.note_in(catalogue)
    tables = _written(catalogue, tmp_path)
    assert _names(tables, _row(tables, program)["file_ino"]) == {b"work"}


@pytest.mark.parametrize("fate", ["deleted", "replaced", "rewritten", "damaged", "text"])
def test_files_that_are_not_what_they_were(tmp_path: Path, fate: str) -> None:
    """A row without build id and symbols, and never those of another file."""
    run = Run(compile_c(tmp_path, "program", source=_SOURCE))
    catalogue = ModuleCatalogue()
    catalogue.note_instructions(np.array(run.addresses[:1], np.uint64))
    run.note_in(catalogue, libraries="nothing")
    inode = run.program.stat().st_ino
    data = run.program.read_bytes()
    times = run.program.stat()
    if fate in ("deleted", "replaced"):
        # Another link keeps the inode number from being used again.
        (tmp_path / "kept").hardlink_to(run.program)
        run.program.unlink()
    if fate == "replaced":
        run.program.write_bytes(data)
    elif fate == "rewritten":
        time.sleep(0.02)
        run.program.write_bytes(data)
    elif fate != "deleted":
        run.program.write_bytes(data[:100] if fate == "damaged" else b"hello")
        os.utime(run.program, ns=(times.st_atime_ns, times.st_mtime_ns))
    tables = _written(catalogue, tmp_path)
    row = _row(tables, run.program)
    assert (row["file_ino"], row["build_id"], row["elf_type"]) == (inode, b"", 0)
    assert inode not in tables["segment"]["file_ino"].to_list()
    assert _names(tables, inode) == set()


def test_damaged_symbols_leave_the_segments(tmp_path: Path) -> None:
    """They are told from each other."""
    run = Run(compile_c(tmp_path, "program", source=_SOURCE))
    catalogue = ModuleCatalogue()
    catalogue.note_instructions(np.array(run.addresses[:1], np.uint64))
    run.note_in(catalogue, libraries="nothing")

    def broken(*_: object) -> None:
        raise ElfError("what", "why", "hint")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tracer.elf.ElfFile.symbols_within", broken)
        tables = _written(catalogue, tmp_path)
    row = _row(tables, run.program)
    assert row["elf_type"] == 3
    assert row["file_ino"] in tables["segment"]["file_ino"].to_list()
    assert tables["symbol"].height == 0


def test_mappings_from_before_the_recording(tmp_path: Path) -> None:
    """As /proc/PID/maps shows them; there is no execution and no call."""
    program = compile_c(tmp_path, "program", "-pie", "-fPIE", source=_SOURCE)
    run = Run(program)
    catalogue = ModuleCatalogue()
    file = FileId(*device_and_inode(program))
    pattern = rf"^(\w+)-\w+ .{{4}} (\w+) \S+ \d+ +{program}$"
    for begin, offset in re.findall(pattern, run.maps, re.MULTILINE):
        place = Place(os.fsencode(program), run.tgid)
        catalogue.note_mapping(file, place, int(begin, 16), int(offset, 16))
    catalogue.note_instructions(np.array(run.addresses[:1], np.uint64))
    tables = _written(catalogue, tmp_path)
    assert _names(tables, file.inode) == {b"work"}


def test_nothing_noted_writes_nothing() -> None:
    """Other tables are none of its business."""
    catalogue = ModuleCatalogue()
    catalogue.note_columns("exit", columns("exit", {"tid": 5}))
    file = io.BytesIO()
    writer = TraceWriter(file)
    before = writer.bytes_written
    catalogue.write(writer)
    assert writer.bytes_written == before
