# SPDX-License-Identifier: Apache-2.0
"""The rows of a trace as text and as JSON Lines."""

from __future__ import annotations

import json

import pytest

from replay.report.dump import (
    Row,
    json_lines,
    limited,
    row_count,
    rows_by_table,
    rows_by_time,
    text_lines,
)
from tests.replay.story import build_story, write_story
from traces.reader import Trace, open_trace
from traces.schema import TABLES


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    """Give the trace of the story."""
    return open_trace(write_story(build_story(), tmp_path_factory.mktemp("dump") / "a.ptrace"))


def test_every_row_comes_once(trace: Trace) -> None:
    """In either order, and as many as were counted."""
    by_table = [name for name, _ in rows_by_table(trace, TABLES)]
    by_time = [name for name, _ in rows_by_time(trace, TABLES)]
    assert sorted(by_table) == sorted(by_time)
    assert len(by_table) == row_count(trace, list(TABLES), None) > 0
    assert row_count(trace, list(TABLES), 3) == 3


def test_one_order_of_time(trace: Trace) -> None:
    """Over all tables."""
    times = [row.get("time_ns", 0) for _, row in rows_by_time(trace, TABLES)]
    assert times == sorted(times)


def test_text_names_the_kernels_numbers(trace: Trace) -> None:
    """Flags, signals, errors and calls have their names beside them."""
    rows = rows_by_table(trace, TABLES)
    lines = ["".join(piece for piece, _ in line) for line in text_lines(rows)]
    text = "\n".join(lines)
    assert "clone_flags=16640(CLONE_VM|CLONE_VFORK)" in text
    assert "syscall=435(clone3)" in text
    assert "result=-11(EAGAIN)" in text
    assert "sig=9(SIGKILL)" in text
    assert all(line.isprintable() for line in lines)


def test_addresses_are_hexadecimal_in_text() -> None:
    """As the kernel and other tools print them; JSON has plain numbers."""
    row = {"mm": 0xFFFF_8880_0010_0040, "child_mm": 0, "old_pte": 0x8000_0001, "child_tid": 16}
    [line] = text_lines([("newtask", row)])
    text = "".join(piece for piece, _ in line)
    assert text == "newtask mm=0xffff888000100040 child_mm=0x0 old_pte=0x80000001 child_tid=16"
    rows: list[Row] = [
        ("stack_frame", {"stack": -1}),
        ("mapping_call", {"result": 0x7F00_0000_1000}),
        ("mapping_call", {"result": -12}),
    ]
    assert [line[-1][0] for line in text_lines(rows)] == [
        "-1", "139637976731648(0x7f0000001000)", "-12(ENOMEM)",
    ]  # fmt: skip


def test_numbers_of_the_format_have_their_words() -> None:
    """As `traces/FORMAT.md` explains them; one that it does not know stays bare."""
    fault = {"old_level": 1, "new_level": 9, "error_code": 7, "flags": 28}
    words = "error_code=7(protection|write|user) flags=28(completed|page read|exclusive)"
    rows: list[Row] = [("fault", fault), ("step", {"what": 2}), ("text", {"what": 8})]
    lines = ["".join(piece for piece, _ in line) for line in text_lines(rows)]
    assert lines == [
        f"fault old_level=1(PTE) new_level=9 {words}",
        "step what=2(slab free)",
        "text what=8(mapped file)",
    ]


def test_json_lines(trace: Trace) -> None:
    """A head with the version, then every row with all its columns and its table."""
    head, *rows = [json.loads(line) for line in json_lines(trace, rows_by_table(trace, TABLES))]
    assert (head["schema_version"], head["table"], head["complete"]) == (1, None, True)
    for row in rows:
        assert list(row) == ["table", *TABLES[row["table"]].column_names()]


def test_a_limit(trace: Trace) -> None:
    """The first rows, or all."""
    assert len(list(limited(rows_by_table(trace, TABLES), 2))) == 2
    assert list(limited(rows_by_table(trace, TABLES), 0)) == []
    everything = row_count(trace, list(TABLES), None)
    assert len(list(limited(rows_by_table(trace, TABLES), None))) == everything
