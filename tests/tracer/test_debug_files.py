# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.debug_files: stripped programs whose symbols are elsewhere, made by objcopy."""

from __future__ import annotations

import lzma
import os
import re
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.tracer.programs import compile_c, run
from tracer import debug_files
from tracer.debug_files import add_stripped_symbols
from tracer.elf import read_elf
from tracer.recorded_file import Place

if TYPE_CHECKING:
    from pathlib import Path


UNNAMED = [b""]
"""What is found where no name can be: the function's bounds."""


class Stripped:
    """A program without symbols, with a file that has them."""

    def __init__(self, folder: Path, *options: str) -> None:
        whole = compile_c(folder, "whole", "-no-pie", *options)
        found = re.search(r"^(\w+) T outer$", run("nm", str(whole)), re.MULTILINE)
        assert found is not None
        self.folder = folder
        self.outer = np.array([int(found[1], 16)], np.uint64)
        self.debug = folder / "whole.debug"
        run("objcopy", "--only-keep-debug", str(whole), str(self.debug))
        self.path = folder / "program"
        run("strip", "-o", str(self.path), str(whole))

    def link(self) -> None:
        """Add .gnu_debuglink."""
        run("objcopy", f"--add-gnu-debuglink={self.debug}", str(self.path))

    def names(self) -> list[bytes]:
        """Give the name of the function `outer`, if it is found."""
        with read_elf(self.path) as elf:
            assert elf.stripped
            assert elf.symbols_covering(self.outer) == []
            add_stripped_symbols(elf, Place(os.fsencode(self.path)))
            return [symbol.name for symbol in elf.symbols_covering(self.outer)]


@pytest.fixture
def stripped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stripped:
    """Give a stripped program, on a host whose folder of debug files is in `tmp_path`."""
    monkeypatch.setattr(debug_files, "DEBUG_FOLDER", os.fsencode(tmp_path / "system"))
    return Stripped(tmp_path)


def test_without_a_separate_file_bounds_are_found_but_no_name(stripped: Stripped) -> None:
    """The one beside it has no link that leads there."""
    assert stripped.names() == UNNAMED


def test_beside_the_program(stripped: Stripped) -> None:
    """In its folder, by the link."""
    stripped.link()
    assert stripped.names() == [b"outer"]


def test_in_a_folder_of_its_own(stripped: Stripped) -> None:
    """In .debug below the program's folder."""
    stripped.link()
    (stripped.folder / ".debug").mkdir()
    shutil.move(stripped.debug, stripped.folder / ".debug")
    assert stripped.names() == [b"outer"]


def test_a_separate_file_without_symbols_is_passed_over(stripped: Stripped) -> None:
    """The program itself under another name: the right build, and nothing new."""
    stripped.link()
    (stripped.folder / ".debug").mkdir()
    shutil.move(stripped.debug, stripped.folder / ".debug")
    shutil.copy(stripped.path, stripped.debug)
    assert stripped.names() == [b"outer"]


def test_in_the_folder_of_the_system(stripped: Stripped) -> None:
    """Under the program's whole path."""
    stripped.link()
    folder = stripped.folder / "system" / str(stripped.folder).lstrip("/")
    folder.mkdir(parents=True)
    shutil.move(stripped.debug, folder)
    assert stripped.names() == [b"outer"]


def test_by_build_id(stripped: Stripped) -> None:
    """As Debian's -dbgsym packages place them."""
    with read_elf(stripped.path) as elf:
        digits = elf.build_id.hex()
    folder = stripped.folder / "system" / ".build-id" / digits[:2]
    folder.mkdir(parents=True)
    shutil.move(stripped.debug, folder / f"{digits[2:]}.debug")
    assert stripped.names() == [b"outer"]


def test_symbols_of_another_build_are_not_taken(stripped: Stripped) -> None:
    """The same name, but another build id."""
    stripped.link()
    (stripped.folder / "other").mkdir()
    shutil.copy(Stripped(stripped.folder / "other", "-O3", "-g3").debug, stripped.debug)
    assert stripped.names() == UNNAMED


@pytest.mark.parametrize("changed", [False, True])
def test_without_a_build_id_the_crc_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, changed: bool
) -> None:
    """One bit more in the separate file, and it is another one."""
    monkeypatch.setattr(debug_files, "DEBUG_FOLDER", os.fsencode(tmp_path / "system"))
    stripped = Stripped(tmp_path, "-Wl,--build-id=none")
    stripped.link()
    if changed:
        with stripped.debug.open("ab") as file:
            file.write(b"\0")
    assert stripped.names() == (UNNAMED if changed else [b"outer"])


def test_in_the_program_itself_compressed(stripped: Stripped) -> None:
    """As Fedora keeps them: an ELF file under xz in .gnu_debugdata."""
    packed = stripped.folder / "packed"
    packed.write_bytes(lzma.compress(stripped.debug.read_bytes()))
    run("objcopy", f"--add-section=.gnu_debugdata={packed}", str(stripped.path))
    assert stripped.names() == [b"outer"]


@pytest.mark.parametrize("data", [b"no xz", lzma.compress(b"no ELF file"), b""])
def test_compressed_rubbish_is_ignored(stripped: Stripped, data: bytes) -> None:
    """It may be anything."""
    packed = stripped.folder / "packed"
    packed.write_bytes(data + b"\0")
    run("objcopy", f"--add-section=.gnu_debugdata={packed}", str(stripped.path))
    assert stripped.names() == UNNAMED


def test_a_link_that_leaves_the_folder_is_not_followed(stripped: Stripped) -> None:
    """The name is the recorded program's word."""
    stripped.link()
    data = stripped.path.read_bytes()
    assert data.count(b"whole.debug\0") == 1
    stripped.path.write_bytes(data.replace(b"whole.debug\0", b"a/who.debug\0"))
    (stripped.folder / "a").mkdir()
    shutil.move(stripped.debug, stripped.folder / "a" / "who.debug")
    assert stripped.names() == UNNAMED


def test_a_whole_program_needs_no_other_file(tmp_path: Path) -> None:
    """Nothing is looked for."""
    with read_elf(compile_c(tmp_path, "whole")) as elf:
        add_stripped_symbols(elf, Place(b"/nonsense"))
        assert not elf.stripped
