# SPDX-License-Identifier: Apache-2.0
"""Segments, sections and symbols of files."""

from __future__ import annotations

from replay.memory.modules import Module, Modules, Segment
from replay.memory.ranges import NOT_FOUND, ints
from tests.histories.fake import FakeTrace
from tests.replay.memory.elf import EXE, LIBRARY, LINKER, SEGMENTS, describe_modules


def _modules() -> Modules:
    trace = FakeTrace()
    describe_modules(trace)
    return Modules(trace)


def test_files_are_known_by_device_and_inode() -> None:
    """Others are not known."""
    modules = _modules()
    found = modules.find(*LIBRARY)
    assert found is not None
    assert (found.path, len(found.segments)) == (b"/lib/libwork.so.1", len(SEGMENTS))
    assert modules.find(1, 2) is None


def test_the_interpreter_is_what_no_exec_names() -> None:
    """ld.so itself may be executed, and is no interpreter then."""
    modules = _modules()
    linker = modules.interpreter({EXE})
    assert linker is not None
    assert (linker.dev, linker.ino) == LINKER
    assert modules.interpreter({EXE, LINKER}) is None


def test_bias() -> None:
    """Of an image by its code, of a mapping by the segment that begins there."""
    module = Module(0, 1, 2, segments=[Segment(*segment) for segment in SEGMENTS])
    assert module.bias_of_image(0x7000_2500) == 0x7000_0000
    assert module.bias_of_mapping(0x9000, 0, 4) == 0x9000
    assert module.bias_of_mapping(0xB000, 0x2000, 6) == 0x8000
    assert module.bias_of_mapping(0xB000, 0x2000, 5) == 0x8000
    assert module.bias_of_mapping(0xB000, 0x9000, 4) is None
    assert Module(0, 1, 2).bias_of_image(0x1000) is None


def test_two_segments_in_one_page_of_the_file() -> None:
    """Permissions tell which one is mapped; a mapping from within a segment is of that one."""
    both = [Segment(0x0, 0, 0x3400, 0x3400, 5), Segment(0x5400, 0x3400, 0x100, 0x100, 6),
            Segment(0x8500, 0x3500, 0x100, 0x100, 4)]  # fmt: skip
    module = Module(0, 1, 2, segments=both)
    assert module.bias_of_mapping(0x10000, 0x3000, 6) == 0x10000 - 0x5000
    assert module.bias_of_mapping(0x10000, 0x3000, 4) == 0x10000 - 0x8000
    assert module.bias_of_mapping(0x10000, 0x2000, 5) == 0x10000 - 0x2000


def test_names_at_addresses() -> None:
    """The largest of those that begin there; thread-local templates are no sections."""
    modules = _modules()
    exe = modules.find(*EXE)
    assert exe is not None
    vaddr = [0x1000, 0x11F0, 0x1200, 0x1350, 0x3F04, 0x3F08, 0x5000, 0x9999]
    number = ints([exe.number] * len(vaddr))
    sections = modules.sections.named(modules.sections.find(number, ints(vaddr))).to_list()
    symbols = modules.symbols.named(modules.symbols.find(number, ints(vaddr))).to_list()
    assert sections == [b".text"] * 4 + [b".data"] * 2 + [b".bss", None]
    assert symbols[:6] == [None, b"main", None, b"assembler", b"counter", None]
    assert modules.symbols.find(ints([NOT_FOUND]), ints([0x1100])).tolist() == [NOT_FOUND]


def test_a_function_without_a_name_is_called_by_its_address() -> None:
    """Its bounds are known from unwind tables; a section without a name stays without."""
    trace = FakeTrace()
    describe_modules(trace)
    of = {"file_dev": EXE[0], "file_ino": EXE[1], "vaddr": 0x2000, "bytes": 0x20}
    trace.add("symbol", **of, kind=3, name=b"")
    trace.add("section", **of, flags=6, name=b"")
    modules = Modules(trace)
    exe = modules.find(*EXE)
    assert exe is not None
    at = ints([exe.number] * 3), ints([0x2000, 0x201F, 0x2020])
    names = modules.symbols.named(modules.symbols.find(*at)).to_list()
    assert names == [b"function at 0x2000"] * 2 + [None]
    assert modules.sections.named(modules.sections.find(*at)).to_list()[:2] == [b"", b""]


def test_without_tables_there_are_no_names() -> None:
    """A trace need not have any."""
    modules = Modules(FakeTrace())
    place = modules.symbols.find(ints([0, 1]), ints([5, 6]))
    assert modules.symbols.named(place).to_list() == [None, None]
