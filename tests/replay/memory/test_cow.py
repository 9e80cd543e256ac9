# SPDX-License-Identifier: Apache-2.0
"""Copies by fork, process, mapping, section, symbol and address."""

from __future__ import annotations

from typing import Any

import pytest

from replay.memory.cow import CowKey, cow_by
from tests.histories.memory import PSE, SAVED_DIRTY, MemoryHistory, remember
from tests.replay.memory.elf import EXE_BIAS, LIBRARY_BIAS, program
from tests.replay.memory.rows import RO, RW, WRITE, entry

ANON = RO | SAVED_DIRTY
KERNEL_IP = 0xFFFF_FFFF_8100_0000


def _rows(history: MemoryHistory, key: CowKey) -> list[dict[str, Any]]:
    return cow_by(history.memory(), key).rows.to_dicts()


def _program() -> MemoryHistory:
    """Give a history in which a child copies data and heap, by code of both files."""
    history = program()
    data, heap = EXE_BIAS + 0x3F00, EXE_BIAS + 0xA000
    history.fault("sh", data, 0, entry(0x50, RW), WRITE)
    history.fault("sh", heap, 0, entry(0x51, RW), WRITE)
    history.tell("sh forks a")
    main = EXE_BIAS + 0x1180
    history.fault("a", data, entry(0x50, ANON), entry(0x60, RW), 7, ip=main)
    history.fault("a", heap, entry(0x51, ANON), entry(0x61, RW), 7, ip=LIBRARY_BIAS + 0x1180)
    history.fault("sh", heap, entry(0x51, ANON), entry(0x51, RW), 7, ip=KERNEL_IP)
    return history


def test_by_fork_and_process() -> None:
    """The writes of both sides are due to the fork; each process has its own."""
    history = _program()
    a, sh = history.threads["a"], history.threads["sh"]
    due, rest = _rows(history, CowKey.FORK)
    assert (due["fork"], due["child_tgid"], due["copied"], due["reused"]) == (2, a.tid, 2, 1)
    assert (rest["fork"], rest["file_copied"], rest["copied"]) == (None, 1, 0)
    assert (due["copied_bytes"], due["copy_ns"], due["reuse_ns"], due["share"]) == (
        8192, 200, 100, 1.0
    )  # fmt: skip
    child, parent = _rows(history, CowKey.PROCESS)
    assert (child["tgid"], child["leader_start_ns"], child["copied"]) == (a.tid, a.start_ns, 2)
    assert (parent["tgid"], parent["reused"], parent["file_copied"]) == (sh.tid, 1, 1)


def test_by_mapping_and_section() -> None:
    """Of what was written to."""
    history = _program()
    heap, data = _rows(history, CowKey.MAPPING)
    assert (heap["kind"], heap["path"], heap["copied"], heap["reused"]) == ("heap", None, 1, 1)
    assert (data["kind"], data["path"], data["file_copied"]) == ("data", b"/bin/server", 1)
    assert (heap["mapping"], data["mapping"]) == (None, None)
    assert (heap["share"], data["share"]) == (0.5, 0.5)
    sections = {(row["kind"], row["section"]) for row in _rows(history, CowKey.SECTION)}
    assert sections == {("heap", None), ("data", b".data")}


def test_mappings_that_only_their_address_tells_apart() -> None:
    """Each has its own row."""
    history = remember("sh maps 5 2, sh maps 9 2, sh writes 5, sh writes 9, sh forks a, a writes 5")
    history.tell("a writes 9, sh writes 5")
    rows = _rows(history, CowKey.MAPPING)
    assert [(row["kind"], row["mapping"], row["copied"], row["reused"]) for row in rows] == [
        ("anonymous", 0x5000, 1, 1), ("anonymous", 0x9000, 1, 0)
    ]  # fmt: skip


def test_by_symbol() -> None:
    """Of the instruction that wrote; the kernel has none."""
    found = {
        (row["path"], row["symbol"], row["kernel"]): (row["copied"], row["reused"])
        for row in _rows(_program(), CowKey.SYMBOL)
    }
    assert found[b"/bin/server", b"main", False] == (1, 0)
    assert found[b"/lib/libwork.so.1", b"main", False] == (1, 0)
    assert found[None, None, True] == (0, 1)


def test_by_address() -> None:
    """A row for each page of each process."""
    history = remember("sh writes 5, sh forks a, a writes 5, sh writes 5")
    first, second = _rows(history, CowKey.ADDRESS)
    assert (first["tgid"], first["page"]) == (history.threads["a"].tid, 0x5000)
    assert (second["tgid"], second["page"]) == (history.threads["sh"].tid, 0x5000)


@pytest.mark.parametrize("key", list(CowKey))
def test_a_huge_page(key: CowKey) -> None:
    """It is 512 pages that one fault made writable again."""
    history = MemoryHistory()
    huge = {"old_level": 2, "new_level": 2}
    history.fault("sh", 0x40_3000, 0, entry(0x800, RW | PSE), WRITE, **huge)
    history.tell("sh forks a")
    history.fault("sh", 0x40_3000, entry(0x800, ANON | PSE), entry(0x800, RW | PSE), 7, **huge)
    [row] = _rows(history, key)
    assert (row["reused"], row["reuse_ns"], row.get("fork", 1)) == (512, 100, 1)


@pytest.mark.parametrize("key", list(CowKey))
def test_totals_are_the_sums_of_the_rows(key: CowKey) -> None:
    """Whatever they are summed up by, and where there is nothing to sum up."""
    for history in (_program(), remember("sh reads 5")):
        cow = cow_by(history.memory(), key)
        names = cow.totals.columns
        assert cow.rows.select(names).sum().row(0) == cow.totals.row(0)
        assert cow.rows["share"].sum() in {0.0, 1.0}


def test_times_of_more_than_4_seconds() -> None:
    """Of a row and in all: columns of the trace have 32 bits, sums have not."""
    history = remember("sh writes 5, sh writes 6, sh forks a")
    history.took_ns = 3_000_000_000
    history.tell("a writes 5, a writes 6, sh writes 5, sh writes 6")
    found = cow_by(history.memory(), CowKey.FORK)
    assert found.rows.select("copy_ns", "reuse_ns").rows() == [(6 * 10**9, 6 * 10**9)]
    assert found.totals.select("copy_ns", "reuse_ns").rows() == [(6 * 10**9, 6 * 10**9)]


@pytest.mark.parametrize("key", list(CowKey))
def test_sums_over_many_faults_are_made_in_parts(
    monkeypatch: pytest.MonkeyPatch, key: CowKey
) -> None:
    """They are the same, wherever one part ends and the next begins."""
    memory = _program().memory()
    whole = cow_by(memory, key)
    for most in (1, 2, 3):
        monkeypatch.setattr("replay.memory.cow._CHUNK", most)
        parts = cow_by(memory, key)
        assert parts.rows.equals(whole.rows)
        assert parts.totals.equals(whole.totals)
