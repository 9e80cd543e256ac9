# SPDX-License-Identifier: Apache-2.0
"""Migration, with a format 2 and a format 3 that only exist here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from tests.traces.build import small_trace, with_blocks
from traces.errors import TraceFormatError
from traces.migrate import CURRENT, Format, Step
from traces.reader import open_trace
from traces.schema import FORMAT_VERSION, TABLES
from traces.table import Column, Table

if TYPE_CHECKING:
    from pathlib import Path

    from traces.metadata import JsonValue
    from traces.migrate import ReadTable

FIRST_RUN = Table(
    "first_run", "", (Column("time_us", "u64", "", "delta"), Column("tid", "u32", ""))
)
COUNTS = Table("counts", "", (Column("tid", "u32", ""), Column("strings", "u32", "")))
TABLES_2 = {"first_run": FIRST_RUN, "text": TABLES["text"]}


def _upgrade_to_2(name: str, read: ReadTable) -> pl.DataFrame:
    if name == "first_run":
        return read("started").select(time_us=pl.col("time_ns") * 1000, tid="tid")
    return read(name)


def _upgrade_to_3(_name: str, read: ReadTable) -> pl.DataFrame:
    strings = pl.len().cast(pl.UInt32).alias("strings")
    counts = read("text").group_by("tid", maintain_order=True).agg(strings)
    return counts.join(read("first_run"), on="tid", how="semi", maintain_order="left")


def _rename_host(metadata: dict[str, JsonValue]) -> dict[str, JsonValue]:
    return {"machine": metadata["host"]}


def _count(metadata: dict[str, JsonValue]) -> dict[str, JsonValue]:
    return metadata | {"names": len(metadata)}


STEP_2 = Step(TABLES, _upgrade_to_2, _rename_host)
FORMAT_2 = Format(2, TABLES_2, (STEP_2,))
FORMAT_3 = Format(3, {"counts": COUNTS}, (STEP_2, Step(TABLES_2, _upgrade_to_3, _count)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a trace of format 1."""
    path = tmp_path / "old.ptrace"
    path.write_bytes(small_trace())
    return path


def test_one_step(path: Path) -> None:
    """A renamed table with another unit, and renamed metadata."""
    trace = open_trace(path, FORMAT_2)
    assert trace.format_version == 1
    assert trace.table("first_run").rows() == [(1000, 1), (2000, 2)]
    assert trace.rows("first_run") == 2
    assert trace.rows("text") == 5
    assert trace.metadata == {"machine": {"kernel": "6.18", "cpus": 4}}
    with pytest.raises(KeyError):
        trace.table("started")


def test_two_steps(path: Path) -> None:
    """Steps are applied one after the other."""
    trace = open_trace(path, FORMAT_3)
    assert trace.table("counts").rows() == [(1, 1), (2, 1)]
    assert trace.rows("counts") == 2
    assert trace.metadata == {"machine": {"kernel": "6.18", "cpus": 4}, "names": 1}


def test_file_in_between(tmp_path: Path) -> None:
    """A file of format 2 takes the last step only."""
    path = tmp_path / "between.ptrace"
    path.write_bytes(with_blocks(version=2))
    trace = open_trace(path, FORMAT_3)
    assert trace.format_version == 2
    assert trace.rows("counts") == 0
    assert trace.table("counts").schema == {"tid": pl.UInt32, "strings": pl.UInt32}


@pytest.mark.parametrize("version", [FORMAT_VERSION + 1, 2**32 - 1])
def test_newer_is_refused_by_name(tmp_path: Path, version: int) -> None:
    """The error names both versions and what to do."""
    path = tmp_path / "new.ptrace"
    path.write_bytes(with_blocks(version=version))
    with pytest.raises(TraceFormatError) as error:
        open_trace(path)
    assert f"format {version}, and this proctrace reads up to {FORMAT_VERSION}" in error.value.why
    assert "upgrade" in error.value.hint


def test_steps_lead_to_the_current_version() -> None:
    """A new version without its step cannot be released."""
    assert (CURRENT.version, len(CURRENT.steps)) == (FORMAT_VERSION, FORMAT_VERSION - 1)
    with pytest.raises(ValueError, match="format 2 has 0 steps"):
        Format(2, TABLES, ())
