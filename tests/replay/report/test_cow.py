# SPDX-License-Identifier: Apache-2.0
"""Tests of replay.report.cow: totals, the greatest rows, bars, and hostile names."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from replay.memory.cow import Cow, CowKey, cow_by
from replay.memory.fork_costs import fork_costs
from replay.report.cow import cow_json, cow_lines
from replay.report.who import Who
from tests.histories.memory import remember

SUMS = {
    "copied": [3, 1],
    "reused": [0, 2],
    "file_copied": [1, 0],
    "copied_bytes": [12288, 4096],
    "copy_ns": [6000, 2000],
    "reuse_ns": [0, 500],
}
TOTALS = pl.DataFrame({name: [sum(values)] for name, values in SUMS.items()})


def _cow(**keys: list[object]) -> Cow:
    return Cow(pl.DataFrame({**keys, **SUMS, "share": [0.75, 0.25]}), TOTALS)


def _who() -> Who:
    history = remember("sh forks a, a execs /bin/x, a forks b")
    return Who(history.forest(), history.memory().spaces)


def _text(
    cow: Cow,
    key: CowKey,
    most: int = 20,
    costs: pl.DataFrame | None = None,
    width: int | None = None,
) -> list[str]:
    lines = cow_lines(cow, key, most, _who(), costs, width=width)
    return ["".join(text for text, _ in line).rstrip() for line in lines]


def test_totals_come_first_and_bars_show_the_share() -> None:
    """Fifteen of twenty cells for three quarters."""
    lines = _text(_cow(tgid=[7, 8], leader_start_ns=[1, 2]), CowKey.PROCESS)
    assert lines[0] == "copied    4 pages (16.0 KiB) in 8.00 µs"
    assert lines[1] == "reused    2 pages in 500 ns"
    assert lines[2] == "from file 1 pages"
    assert lines[4].split() == [
        *("COPIED", "BYTES", "REUSED", "FROM", "FILE", "TIME", "SHARE", "PROCESS")
    ]
    assert lines[5].split()[-2:] == ["#" * 15 + "·" * 5, "7"]
    assert lines[6].split()[-2:] == ["#" * 5 + "·" * 15, "8"]


def test_what_is_left_out_is_said() -> None:
    """A table that was cut never looks whole."""
    lines = _text(_cow(tgid=[7, 8], leader_start_ns=[1, 2]), CowKey.PROCESS, most=1)
    assert lines[-1] == "and 1 row more; --top 0 shows all"


@pytest.mark.parametrize(
    ("key", "keys", "shown"),
    [
        (CowKey.FORK, {"fork": [3, None], "child_tgid": [7, None]},
         ["103 x by 102 x", "no fork that was recorded"]),
        (CowKey.ADDRESS, {"tgid": [7, 8], "leader_start_ns": [1, 2],
                          "page": [0x1000, 0x2000]}, ["0x1000 of 7", "0x2000 of 8"]),
        (CowKey.SYMBOL, {"path": [b"/lib/x.so", None], "symbol": [b"memcpy", None],
                         "kernel": [False, True]}, ["memcpy in /lib/x.so", "the kernel"]),
        (CowKey.SECTION, {"kind": ["data", "heap"], "path": [b"/bin/x", None],
                          "section": [b".data", None]}, ["data .data in /bin/x", "heap"]),
        (CowKey.MAPPING, {"kind": ["data", "stack"], "path": [b"/a\x1b[31m", None],
                          "mapping": [1, 2]}, ["data /a\\x1b[31m", "stack"]),
    ],
)  # fmt: skip
def test_each_key_is_named(key: CowKey, keys: dict[str, list[object]], shown: list[str]) -> None:
    """In words, with control characters escaped."""
    lines = _text(_cow(**keys), key)
    assert [line.split("·")[-1].strip() for line in lines[5:7]] == shown


def test_a_narrow_table_does_without_folders_and_bytes() -> None:
    """The bars become short before that, and what is counted stays."""
    cow = _cow(path=[b"/lib/x.so", None], symbol=[b"memcpy", None], kernel=[False, True])
    whole = _text(cow, CowKey.SYMBOL)
    shorter = _text(cow, CowKey.SYMBOL, width=len(whole[5]) - 1)
    assert shorter[5] == whole[5].replace("#" * 15 + "·" * 5, "#" * 6 + "·" * 2)
    brief = _text(cow, CowKey.SYMBOL, width=len(shorter[5]) - 1)
    assert "BYTES" not in brief[4]
    assert brief[5].endswith("memcpy in x.so")


def test_a_narrow_table_of_stacks_keeps_the_innermost_frames() -> None:
    """They say who wrote; what is left out is shown to be."""
    cow = _cow(stack=["main;serve;read_all;b;c;memcpy", None])
    lines = _text(cow, CowKey.STACK, width=76)
    assert lines[5].endswith("…;b;c;memcpy")
    assert lines[6].endswith("no stack that was recorded")


def test_a_narrow_table_of_forks_keeps_their_names() -> None:
    """It has the most columns."""
    history = remember("sh writes 5, sh forks a, a writes 5, a exits")
    memory = history.memory()
    found = cow_by(memory, CowKey.FORK)
    lines = _text(found, CowKey.FORK, costs=fork_costs(memory), width=80)
    assert max(map(len, lines)) <= 80
    heads = lines[4]
    assert heads.endswith("UNBROKEN  FORK OF CHILD")
    assert "SHARE " not in heads


def test_json_has_all_of_it() -> None:
    """Rows as mappings, bytes as text, and how many there would be."""
    value = cow_json(_cow(path=[b"/\xff", None], symbol=[b"f", None], kernel=[False, True]),
                     CowKey.SYMBOL, 1, _who())  # fmt: skip
    assert value["by"] == "symbol"
    assert value["rows_in_all"] == 2
    rows = value["rows"]
    assert isinstance(rows, list)
    assert [row["path"] for row in rows] == ["/\\xff"]


def test_rows_of_processes_have_their_commands() -> None:
    """Empty where it is not known."""
    found = _cow(tgid=[102, 8], leader_start_ns=[_who().owner(1).start_ns, 2])
    rows: Any = cow_json(found, CowKey.PROCESS, 2, _who())["rows"]
    assert [row["command"] for row in rows] == ["x", ""]


def test_forks_with_what_they_shared() -> None:
    """A row without a fork has dashes, and null in JSON."""
    history = remember("sh writes 5, sh writes 6, sh forks a, a writes 5")
    memory = history.memory()
    found = cow_by(memory, CowKey.FORK)
    costs = fork_costs(memory)
    lines = _text(found, CowKey.FORK, costs=costs)
    assert lines[4].split()[6:10] == ["SHARED", "BY", "CHILD", "BY"]
    assert lines[5].split()[7:11] == ["2", "1", "0", "1"]
    unknown = Cow(found.rows.with_columns(pl.lit(None, pl.Int64).alias("fork")), found.totals)
    assert _text(unknown, CowKey.FORK, costs=costs)[5].split()[7:11] == ["-"] * 4
    rows: Any = cow_json(found, CowKey.FORK, 9, _who(), costs)["rows"]
    assert (rows[0]["shared"], rows[0]["first_writer"]) == (2, "child")


def test_nothing_copied_is_only_totals() -> None:
    """No heading over no rows."""
    empty = _cow(tgid=[7, 8], leader_start_ns=[1, 2])
    lines = _text(Cow(empty.rows.head(0), TOTALS.with_columns(pl.all() * 0)), CowKey.PROCESS)
    assert len(lines) == 3
