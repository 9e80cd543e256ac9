# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.records: the header is what the schema says, and records split by kind."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tracer.records import (
    LARGE_SLOT_BYTES,
    SMALL_SLOT_BYTES,
    all_records,
    columns_by_table,
    constants,
    parse_records,
)
from traces.columns import NUMPY_TYPES
from traces.schema import TABLES

HEADER = """
struct one {
\tu64 time_ns;
\tu16 kind;
\tu16 cpu;
\tu32 pad_1;
\tchar comm[16];
};
struct two {
\tu64 time_ns;
\tu16 kind;
\tu8 flag;
\tu64 pads[12];
\tu64 more[6];
};
"""


def test_every_record_has_exactly_the_columns_of_its_table() -> None:
    """Names and types agree, so the recorder needs no mapping of its own."""
    for table, record in all_records().items():
        assert set(record.columns) == set(TABLES[table].column_names())
        for column in TABLES[table].columns:
            if column.type != "bytes":
                assert record.dtype[column.name] == NUMPY_TYPES[column.type], column


def test_kind_stands_where_the_split_looks_for_it() -> None:
    """`columns_by_table` reads the kind before it knows the record."""
    for record in all_records().values():
        fields = record.dtype.fields
        assert fields is not None
        assert fields["time_ns"][1] == 0
        assert fields["kind"][1] == 8


def test_layout_follows_the_rules_of_c() -> None:
    """Members are aligned to their own size, and the header decides the ring."""
    records = parse_records(HEADER)
    fields = records["two"].dtype.fields
    assert fields is not None
    assert fields["pads"][1] == 16
    assert records["one"].slot_bytes == SMALL_SLOT_BYTES
    assert records["two"].slot_bytes == LARGE_SLOT_BYTES
    assert records["one"].columns == ("time_ns", "cpu", "comm")


@pytest.mark.parametrize(
    "body", ["\tu64 a; u64 b;", "\tstruct x y;", "\tu64 many[64];", "\tfloat f;"]
)
def test_a_header_that_cannot_be_laid_out_is_refused(body: str) -> None:
    """Nothing is guessed about a line that is no plain field, or a record too large."""
    with pytest.raises((ValueError, KeyError)):
        parse_records(f"struct bad {{\n{body}\n}};\n")


def test_constants_name_each_record_once() -> None:
    """Every record has a number and a ring of its own in the C text."""
    kinds = re.findall(r"#define KIND_(\w+) (\d+)", constants())
    assert [name.lower() for name, _ in kinds] == list(all_records())
    assert len({number for _, number in kinds}) == len(kinds)
    assert "#define reserve_newtask reserve_large" in constants()
    assert "#define submit_started submit_small" in constants()


def _slot(table: str, **values: int | bytes) -> bytes:
    record = all_records()[table]
    row = np.zeros(1, record.dtype)
    row["kind"] = record.kind
    for name, value in values.items():
        row[name] = value
    return row.tobytes().ljust(record.slot_bytes, b"\xff")


def test_records_are_split_by_kind_in_order() -> None:
    """Rows keep their order within a table; what follows a record in its slot is not looked at."""
    slots = b"".join(
        [
            _slot("started", time_ns=1, tid=7),
            _slot("dead", time_ns=2, exit_state=32),
            _slot("started", time_ns=3, tid=8),
            _slot("adopted", time_ns=4, comm=b"sh"),
        ]
    )
    array = np.frombuffer(slots, np.uint8).reshape(4, SMALL_SLOT_BYTES)
    tables = columns_by_table(array)
    assert set(tables) == {"started", "dead", "adopted"}
    assert tables["started"]["time_ns"].tolist() == [1, 3]
    assert tables["started"]["tid"].tolist() == [7, 8]
    assert tables["dead"]["exit_state"].tolist() == [32]
    assert tables["adopted"]["comm"].tolist() == [b"sh"]


def test_a_record_of_unknown_kind_is_never_dropped_in_silence() -> None:
    """A kind that no table knows is a mistake between programs and recorder."""
    array = np.full((1, SMALL_SLOT_BYTES), 0xEE, np.uint8)
    with pytest.raises(ValueError, match="kind"):
        columns_by_table(array)


def test_no_records_give_no_tables() -> None:
    """An empty span is common."""
    assert columns_by_table(np.empty((0, SMALL_SLOT_BYTES), np.uint8)) == {}
