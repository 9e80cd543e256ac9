# SPDX-License-Identifier: Apache-2.0
"""How a trace of an older format version is read as if it were of this one.

Every change of the format adds one `Step` to `STEPS`: the tables as they were, and how each
table and the metadata of the next version come from them. Steps are applied one after the other,
so a step never changes once it is released.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from traces.schema import FORMAT_VERSION, TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import polars as pl

    from traces.metadata import JsonValue
    from traces.table import Table

ReadTable: TypeAlias = "Callable[[str], pl.DataFrame]"
"""Gives a table of one format version by its name."""


@dataclass(frozen=True, slots=True)
class Step:
    """From one format version to the next.

    `tables` are those of the older version. `upgrade_table(name, read)` gives the table `name` of
    the newer version from the tables of the older one, which `read` gives;
    `upgrade_metadata(metadata)` does the same for the metadata.
    """

    tables: Mapping[str, Table]
    upgrade_table: Callable[[str, ReadTable], pl.DataFrame]
    upgrade_metadata: Callable[[dict[str, JsonValue]], dict[str, JsonValue]]


STEPS: tuple[Step, ...] = ()
"""One per older version: the first one reads format 1, the next one format 2, and so on."""


@dataclass(frozen=True, slots=True)
class Format:
    """What a reader understands: a newest version, its tables, and the steps that lead to it."""

    version: int
    tables: Mapping[str, Table]
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        """Refuse a version that no step, or more than one, leads to."""
        if len(self.steps) != self.version - 1:
            raise ValueError(f"format {self.version} has {len(self.steps)} steps")

    def tables_of(self, version: int) -> Mapping[str, Table]:
        """Give the tables that a file of this version has (1 up to the newest)."""
        return self.tables if version == self.version else self.steps[version - 1].tables

    def upgraded_metadata(
        self, version: int, metadata: dict[str, JsonValue]
    ) -> dict[str, JsonValue]:
        """Give the metadata of a file of this version as the newest version has it."""
        for step in self.steps[version - 1 :]:
            metadata = step.upgrade_metadata(metadata)
        return metadata

    def upgraded_table(self, version: int, name: str, read: ReadTable) -> pl.DataFrame:
        """Give a table of the newest version; `read` gives those of the file's version."""
        for step in self.steps[version - 1 :]:
            read = _after(step, read)
        return read(name)


def _after(step: Step, read: ReadTable) -> ReadTable:
    return lambda name: step.upgrade_table(name, read)


CURRENT = Format(FORMAT_VERSION, TABLES, STEPS)
"""What this proctrace reads."""
