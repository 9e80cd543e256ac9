# SPDX-License-Identifier: Apache-2.0
"""Tables and columns."""

from __future__ import annotations

from traces.table import Column, Table


def test_names_of_columns_are_in_stored_order() -> None:
    """Blocks hold columns by position."""
    table = Table("t", "A table.", (Column("b", "u8", "first"), Column("a", "bytes", "second")))
    assert table.column_names() == ("b", "a")


def test_a_column_is_stored_plain_unless_it_says_otherwise() -> None:
    """Differences are for times."""
    assert Column("a", "u64", "a number").encoding == "plain"
