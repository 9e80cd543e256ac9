# SPDX-License-Identifier: Apache-2.0
"""JSON as strict as FORMAT.md says."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traces.blocks import DamageError
from traces.metadata import MAX_DEPTH, JsonValue, decode_json, encode_json

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False,
    allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=20,
)  # fmt: skip


@given(JSON)
def test_round_trip(value: JsonValue) -> None:
    """Any JSON value comes back."""
    assert decode_json(encode_json(value)) == value


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"{", b"\xff", b"{} {}", b"NaN", b"[-Infinity]", b"1e999", b'"\\ud800"',
        b'{"\\udcff": 1}', b"[" * 100_000, b"[" * 40 + b"]" * 40, b"1" * 5000,
    ],
)  # fmt: skip
def test_damage(payload: bytes) -> None:
    """Nothing but DamageError comes of a payload that is not sound."""
    with pytest.raises(DamageError):
        decode_json(payload)


@pytest.mark.parametrize("value", [math.nan, [math.inf], {"a": "\udcff"}, {"\udcff": 1}])
def test_not_written(value: JsonValue) -> None:
    """What the reader would refuse is not written."""
    with pytest.raises(ValueError, match=r"finite|surrogates"):
        encode_json(value)


def test_depth() -> None:
    """Values nest to the limit and no further."""
    value: JsonValue = 1
    for _ in range(MAX_DEPTH - 1):
        value = [value]
    assert decode_json(encode_json(value)) == value
    with pytest.raises(ValueError, match="deeper"):
        encode_json([value])
