# SPDX-License-Identifier: Apache-2.0
"""The strings that belong to exec rows, joined from their pieces."""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator


class What(IntEnum):
    """Which string a piece belongs to (column `what` of table `text`)."""

    PATH = 1
    ARGV = 2
    CWD = 3
    ENVIRONMENT = 4
    EXECUTABLE = 5
    INTERPRETER = 6


class TextFlag(IntFlag):
    """What is missing from a string (column `flags` of table `text`)."""

    TRUNCATED = 1
    UNREADABLE = 2
    """A part could not be read, or its piece was lost."""


class Strings(NamedTuple):
    """One kind of string for each row of a frame."""

    data: list[bytes | None]
    """None where nothing was recorded."""
    flags: list[int]
    """Bits of `TextFlag`."""

    def rows(self) -> Iterator[tuple[bytes | None, int]]:
        """Give (data, flags) row by row."""
        return zip(self.data, self.flags, strict=True)


_ROW = ["tid", "time_ns"]


def strings(rows: pl.DataFrame, text: pl.DataFrame, what: What) -> Strings:
    """Give one kind of string for each row of `rows`, joined by (tid, time_ns)."""
    whole = _whole(text.filter(pl.col("what") == what))
    joined = rows.select(_ROW).join(whole, on=_ROW, how="left", maintain_order="left")
    data = joined.get_column("data").to_list()
    return Strings(data, joined.get_column("flags").fill_null(0).to_list())


def _whole(pieces: pl.DataFrame) -> pl.DataFrame:
    """Join the pieces of each string; flag one that has a hole or no end as unreadable."""
    size = pl.col("data").bin.size().cast(pl.UInt64)
    pieces = pieces.select(
        *_ROW,
        "data",
        "offset",
        size.alias("size"),
        (pl.col("offset").cast(pl.UInt64) + size).alias("end"),
        pl.col("total").cast(pl.UInt64),
        (pl.col("flags") & TextFlag.TRUNCATED).alias("cut"),
        (pl.col("flags") & TextFlag.UNREADABLE).alias("bad"),
    )
    several = pieces.select(_ROW).is_duplicated()
    whole = pl.concat([pieces.filter(~several).drop("offset"), _joined(pieces.filter(several))])
    hole = pl.col("size") != pl.col("end")
    no_end = (pl.col("end") < pl.col("total")) & (pl.col("cut") == 0)
    bad = pl.when(hole | no_end).then(pl.lit(TextFlag.UNREADABLE.value, pl.UInt16)).otherwise("bad")
    return whole.select(*_ROW, "data", (pl.col("cut") | bad).alias("flags"))


def _joined(pieces: pl.DataFrame) -> pl.DataFrame:
    """Join strings of several pieces; most have one, and polars cannot join binaries."""
    groups = (
        pieces.sort(*_ROW, "offset", maintain_order=True)
        .group_by(_ROW, maintain_order=True)
        .agg("data", pl.col("size").sum(), pl.col("end", "total", "cut", "bad").max())
    )
    data = pl.Series("data", map(b"".join, groups.get_column("data").to_list()), pl.Binary)
    return groups.with_columns(data)


def arguments(data: bytes) -> tuple[bytes, ...]:
    """Split NUL-terminated strings; the last one may lack its NUL where it was cut."""
    parts = data.split(b"\0")
    return tuple(parts if parts[-1] else parts[:-1])


def joined_path(data: bytes, flags: int) -> bytes:
    """Put a path together from NUL-terminated components, the innermost first.

    The result begins with `/` unless outer components are missing.
    """
    components = arguments(data)
    path = b"/".join(reversed(components))
    return path if flags else b"/" + path
