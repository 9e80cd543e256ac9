# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.kernel_functions: sites of calls become functions."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from tracer.kernel_functions import KernelSites, functions_at
from traces.reader import open_trace
from traces.writer import TraceWriter

if TYPE_CHECKING:
    from pathlib import Path

KALLSYMS = """\
ffffffff81000000 T first
ffffffff81000010 T __pfx_second
ffffffff81000020 T second
ffffffff81000020 t alias
ffffffff81000028 D data
ffffffff81000100 t last.isra.0
ffffffffc0000000 t module_function\t[some]
ffffffffc0000040 t module_end\t[some]
"""


def _proc(folder: Path, text: str) -> Path:
    (folder / "kallsyms").write_text(text)
    return folder


def test_the_function_that_the_call_is_in(tmp_path: Path) -> None:
    """A site is where the call returns to; data is no function, the first name counts."""
    base = 0xFFFF_FFFF_8100_0000
    sites = {base - 0x10, base + 0x21, base + 0x80, base + 0x100, 0xFFFF_FFFF_C000_0010}
    assert list(functions_at(sites, _proc(tmp_path, KALLSYMS))) == [
        {"address": base + 0x20, "bytes": 0xE0, "name": b"second"},
        {"address": 0xFFFF_FFFF_C000_0000, "bytes": 0x40, "name": b"module_function [some]"},
    ]


def test_hidden_addresses_give_nothing(tmp_path: Path) -> None:
    """kernel.kptr_restrict shows zeros; without /proc/kallsyms there is nothing at all."""
    hidden = "0000000000000000 T first\n0000000000000000 T second\n"
    assert list(functions_at({1 << 40}, _proc(tmp_path, hidden))) == []
    assert list(functions_at({1 << 40}, _proc(tmp_path, ""))) == []
    assert list(functions_at({1 << 40}, tmp_path / "nowhere")) == []


def test_sites_of_steps_are_noted_and_written(tmp_path: Path) -> None:
    """Other tables have none; the unknown site 0 is no function's."""
    sites = KernelSites(_proc(tmp_path, KALLSYMS))
    sites.note_columns("fault", {"ip": np.array([1], np.uint64)})
    sites.note_columns("step", {"site": np.array([0, 0xFFFF_FFFF_8100_0030], np.uint64)})
    file = io.BytesIO()
    writer = TraceWriter(file)
    sites.write(writer)
    writer.finish()
    path = tmp_path / "a.ptrace"
    path.write_bytes(file.getvalue())
    assert open_trace(path).table("kernel_function")["name"].to_list() == [b"second"]


def test_without_steps_nothing_is_read_or_written(tmp_path: Path) -> None:
    """The file takes the kernel long to write."""
    writer = TraceWriter(io.BytesIO())
    before = writer.bytes_written
    KernelSites(tmp_path / "nowhere").write(writer)
    assert writer.bytes_written == before
