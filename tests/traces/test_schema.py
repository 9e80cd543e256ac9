# SPDX-License-Identifier: Apache-2.0
"""What the file format takes for granted of the schema."""

from __future__ import annotations

from traces.blocks import check_name
from traces.schema import TABLES


def test_tables_fit_the_format() -> None:
    """Names fit a block header, columns are unique, and only u64 columns are differences."""
    for name, table in TABLES.items():
        assert name == table.name
        check_name(name)
        assert len(set(table.column_names())) == len(table.columns) > 0
        assert all(c.type == "u64" for c in table.columns if c.encoding == "delta")


def test_everything_is_documented() -> None:
    """Every table and column says what it is."""
    assert all(table.doc.endswith(".") for table in TABLES.values())
    assert all(column.doc for table in TABLES.values() for column in table.columns)
