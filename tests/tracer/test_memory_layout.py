# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.memory_layout: measured on this kernel, and refused rather than guessed."""

from __future__ import annotations

import os
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from tracer import bcc_seam, memory_layout
from tracer.btf import Btf
from tracer.memory_layout import measure
from tracer.program import Options, load, program_text
from traces.errors import ProctraceError

GIB = 1 << 30


class Map:
    """The map `layout`, answered by a kernel that never finds anything."""

    def __init__(self) -> None:
        self.layout = SimpleNamespace(levels=0, pages=[0] * 8, collected=0)

    def __getitem__(self, _key: object) -> Any:  # noqa: ANN401 - a ctypes struct
        return self.layout

    def __setitem__(self, _key: object, _value: object) -> None:
        pass


@pytest.fixture
def _no_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("load_raw_tracepoint", "attach", "detach"):
        monkeypatch.setattr(bcc_seam, name, lambda *_: None)
    monkeypatch.setattr(memory_layout, "_CALLS", 3)
    monkeypatch.setattr(memory_layout.OwnPage, "frame", lambda _: 1)


@pytest.mark.usefixtures("_no_kernel")
def test_an_answer_that_never_comes_is_one_clear_error() -> None:
    """Recording with a guessed base would record nonsense."""
    table = Map()
    bpf: Any = {b"layout": table}
    types: Any = SimpleNamespace(struct_size=lambda _: 64)
    with pytest.raises(ProctraceError) as caught:
        measure(bpf, types)
    assert "--no-faults" in caught.value.hint
    # What bpf_get_current_pid_tgid() gives, for this thread alone.
    assert table.layout.asked_by == os.getpid() << 32 | threading.get_native_id()


@pytest.mark.kernel
def test_this_kernel_is_measured_twice_alike() -> None:
    """Bases are aligned, lie in the kernel's half, and do not change while it runs."""
    layouts = []
    for _ in range(2):
        program = load(Options(recorder_tgid=os.getpid(), faults=True), Btf.running())
        layouts.append(program.memory)
        program.close()
    first, second = layouts
    assert first is not None
    assert first == second
    assert first.levels in (4, 5)
    assert first.direct_map % GIB == 0
    assert first.direct_map >> 63
    assert first.zero_pfn > 0
    assert first.as_json()["page_descriptors"] is bool(first.vmemmap)
    assert str(first.direct_map) not in str(first.as_json())


@pytest.mark.kernel
def test_a_wrong_page_table_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With frames that pagemap never told, no candidate fits."""
    monkeypatch.setattr(memory_layout.OwnPage, "frame", lambda _: 0xDEADBEEF)
    monkeypatch.setattr(memory_layout, "_CALLS", 8)
    options = Options(recorder_tgid=os.getpid(), faults=True)
    bpf = bcc_seam.compile_program(program_text(options, Btf.running()))
    try:
        with pytest.raises(ProctraceError, match="maps physical memory"):
            measure(bpf, Btf.running())
    finally:
        bpf.cleanup()
