# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.noted_files: rows and pieces find each other in whichever order they come."""

from __future__ import annotations

import struct
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.tracer.noted import AUXILIARY_VECTOR, EXECUTABLE, MAPPED, columns, components, piece
from tracer import noted_files
from tracer.noted_files import NotedFiles, as_addresses
from tracer.recorded_file import FileId, Place

if TYPE_CHECKING:
    from collections.abc import Callable

_FILE = FileId(8 << 20 | 1, 99)
_EXEC = {"time_ns": 50, "tid": 7, "tgid": 6, "exe_dev": _FILE.device, "exe_ino": _FILE.inode}
_MMAP = {
    "time_ns": 60,
    "tid": 7,
    "tgid": 6,
    "syscall": 9,
    "result": 0x7000,
    "arg5": 0x1000,
    "file_dev": _FILE.device,
    "file_ino": _FILE.inode,
}
_PATH = Path("/usr/bin/prog")
_VECTOR = struct.pack("<4Q", 7, 0x7F0000, 0, 0)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_an_execution_with_its_path_and_its_auxiliary_vector(order: tuple[int, ...]) -> None:
    """Rings are drained one after another, so either may come first."""
    noted = NotedFiles()
    steps: list[Callable[[], None]] = [
        lambda: noted.note_executions(columns("exec", {**_EXEC, "end_code": 0x1234})),
        lambda: noted.note_pieces([piece(50, 7, EXECUTABLE, components(_PATH))]),
        lambda: noted.note_pieces([piece(50, 7, AUXILIARY_VECTOR, _VECTOR)]),
    ]
    for number in order:
        steps[number]()
    (found,) = noted.files.values()
    assert list(noted.files) == [_FILE]
    assert list(found.end_codes) == [0x1234]
    assert list(found.bases) == [0x7F0000]
    assert found.tgids == {b"/usr/bin/prog": 6}
    assert found.last_ns == 50


@pytest.mark.parametrize("first", [True, False])
def test_a_mapping_with_its_path(*, first: bool) -> None:
    """Address and offset, and the process whose path it is."""
    noted = NotedFiles()
    pieces = [piece(60, 7, MAPPED, components(_PATH))]
    if first:
        noted.note_pieces(pieces)
    noted.note_mappings(columns("mapping_call", _MMAP, {**_MMAP, "time_ns": 70, "arg5": 0}))
    if not first:
        noted.note_pieces(pieces)
    found = noted.files[_FILE]
    assert as_addresses(found.mappings).tolist() == [0x7000, 0x1000, 0x7000, 0]
    assert found.last_ns == 70
    assert list(found.places()) == [Place(b"/usr/bin/prog"), Place(b"/usr/bin/prog", 6)]


@pytest.mark.parametrize(
    "change", [{"syscall": 10}, {"file_ino": 0}, {"result": -12}, {"result": 0}]
)
def test_calls_that_mapped_no_file_are_passed_over(change: dict[str, int]) -> None:
    """Other calls, anonymous memory, failures."""
    noted = NotedFiles()
    noted.note_mappings(columns("mapping_call", {**_MMAP, **change}))
    assert noted.files == {}


def test_a_mapping_of_a_32_bit_program() -> None:
    """Its address looks like an error number, and its offset is in pages."""
    noted = NotedFiles()
    row = {**_MMAP, "compat": 1, "result": 0xF7F00000 - 2**32, "arg5": 3}
    noted.note_mappings(columns("mapping_call", row))
    assert list(noted.files[_FILE].mappings) == [0xF7F00000, 0x3000]


def test_pieces_that_say_nothing_of_files_are_passed_over() -> None:
    """argv; a path that was cut; a program without interpreter; an execution without file."""
    noted = NotedFiles()
    noted.note_executions(columns("exec", _EXEC, {**_EXEC, "time_ns": 51, "exe_ino": 0}))
    noted.note_pieces([piece(50, 7, 2, b"prog\0"), piece(50, 7, EXECUTABLE, b"prog\0", flags=1)])
    noted.note_pieces([piece(50, 7, AUXILIARY_VECTOR, struct.pack("<2Q", 0, 0))])
    (found,) = noted.files.values()
    assert (found.tgids, list(found.bases)) == ({}, [])


def test_paths_of_other_rows_are_not_taken() -> None:
    """The same task a moment later, another task at the same time."""
    noted = NotedFiles()
    noted.note_executions(columns("exec", _EXEC))
    noted.note_pieces([piece(51, 7, EXECUTABLE, b"a\0"), piece(50, 8, EXECUTABLE, b"b\0")])
    assert noted.files[_FILE].tgids == {}


def test_a_file_of_many_names_keeps_some() -> None:
    """And the last process of each."""
    noted = NotedFiles().file(_FILE)
    for number in range(100):
        noted.note_path(b"/%d" % number, 1)
    noted.note_path(b"/3", 5)
    assert len(noted.tgids) == 8
    assert noted.tgids[b"/3"] == 5


def test_what_never_meets_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows or pieces whose other half was lost do not pile up."""
    monkeypatch.setattr(noted_files, "_REMEMBERED", 10)
    noted = NotedFiles()
    for time_ns in range(1, 100):
        noted.note_executions(columns("exec", {**_EXEC, "time_ns": time_ns}))
        noted.note_pieces([piece(time_ns, 8, EXECUTABLE, b"a\0")])
    for recent in (noted._rows, noted._pieces):  # noqa: SLF001
        assert len(recent._new) + len(recent._old) <= 20  # noqa: SLF001
    noted.note_pieces([piece(95, 7, EXECUTABLE, b"x\0"), piece(5, 7, EXECUTABLE, b"y\0")])
    assert noted.files[_FILE].tgids == {b"/x": 6}
