# SPDX-License-Identifier: Apache-2.0
"""replay.memory.start_layout: what the mappings of a running process hold."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from replay.memory.start_layout import executable_at_start
from tests.histories.memory import MemoryHistory, remember
from tests.replay.memory.elf import EXE, describe_modules

BIAS = 0x5500_0000_0000
ANONYMOUS, SHARED, UNKNOWN_FILE = 0x7F00_0000_0000, 0x7F00_1000_0000, 0x7F00_2000_0000


def _mapped(history: MemoryHistory, address: int, size: int, prot: int, **more: int) -> None:
    tgid = history.threads["sh"].tid
    history.made.add(
        "start_mapping", tgid=tgid, address=address, end=address + size, prot=prot, **more
    )


def _running() -> MemoryHistory:
    """Give a history of sh, which executed the program before anybody looked."""
    history = remember()
    describe_modules(history.made)
    exe = {"file_dev": EXE[0], "file_ino": EXE[1]}
    _mapped(history, BIAS, 0x1000, 1, **exe)
    _mapped(history, BIAS + 0x1000, 0x2000, 5, offset=0x1000, **exe)
    _mapped(history, BIAS + 0x3000, 0x1000, 1, offset=0x2000, **exe)
    _mapped(history, BIAS + 0x4000, 0x1000, 3, offset=0x3000, **exe)
    _mapped(history, BIAS + 0x5000, 0x3000, 3)
    _mapped(history, BIAS + 0x8000, 0x1000, 3)
    _mapped(history, ANONYMOUS, 0x1000, 3)
    _mapped(history, SHARED, 0x1000, 3, shared=1, **exe)
    _mapped(history, UNKNOWN_FILE, 0x1000, 1, file_dev=9, file_ino=9)
    return history


@pytest.mark.parametrize(
    ("address", "kind", "section", "symbol"),
    [
        (BIAS, "rodata", None, None),
        (BIAS + 0x1110, "text", b".text", b"main"),
        (BIAS + 0x3F04, "data", b".data", b"counter"),
        (BIAS + 0x1008, "text", b".text", None),
        (BIAS + 0x5008, "bss", b".bss", None),
        (BIAS + 0x8008, "anonymous", None, None),
        (ANONYMOUS, "anonymous", None, None),
        (SHARED, "file shared", None, None),
        (UNKNOWN_FILE, "file private", None, None),
        (0x1000, "unknown", None, None),
    ],
)
def test_what_an_address_belongs_to(
    address: int, kind: str, section: bytes | None, symbol: bytes | None
) -> None:
    """Mappings of the program's file are its segments, read-only data after relocation too."""
    mappings = _running().memory().mappings
    asked = pl.Series([address], dtype=pl.UInt64)
    found = mappings.find(np.zeros(1, np.int64), asked, np.full(1, 2**62, np.int64))
    told = mappings.describe(found, asked)
    assert told["kind"].to_list() == [kind]
    assert told["section"].to_list() == [section]
    assert told["symbol"].to_list() == [symbol]


def test_a_child_has_the_mappings_of_its_parent() -> None:
    """And what is mapped later hides what was there."""
    history = _running()
    history.maps("sh", str(ANONYMOUS >> 12), "1", "0x21")
    history.tell("sh forks a")
    mappings = history.memory().mappings
    asked = pl.Series([BIAS + 0x1110, ANONYMOUS], dtype=pl.UInt64)
    found = mappings.find(np.ones(2, np.int64), asked, np.full(2, 2**62, np.int64))
    assert mappings.describe(found, asked)["kind"].to_list() == ["text", "file shared"]


def test_the_program_of_a_running_process() -> None:
    """The file that /proc/PID/exe is, among those that are mapped."""
    history = _running()
    tgid = history.threads["sh"].tid
    for row in history.made.rows["start_mapping"][:-1]:
        row["path"] = b"/bin/server"
    history.made.rows["start_task"] = []
    history.made.add("start_task", tid=tgid, tgid=tgid, executable=b"/bin/server")
    history.made.add("start_task", tid=tgid + 1, tgid=tgid + 1, executable=b"/bin/other")
    found = [executable_at_start(history.trace, pid) for pid in (tgid, tgid + 1, 1)]
    assert found == [EXE, (0, 0), (0, 0)]
