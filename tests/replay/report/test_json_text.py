# SPDX-License-Identifier: Apache-2.0
"""JSON without loss, in a fixed order."""

from __future__ import annotations

import base64
import json

from hypothesis import given
from hypothesis import strategies as st

from replay.report.json_text import SCHEMA_VERSION, compact, document, listing, text


@given(st.binary())
def test_bytes_survive(data: bytes) -> None:
    """UTF-8 is a string and everything else is base64; both give the same bytes back."""
    value = json.loads(compact(text(data)))
    if isinstance(value, str):
        assert value.encode() == data
    else:
        assert base64.b64decode(value["base64"]) == data


@given(st.lists(st.integers() | st.text()))
def test_a_listing_is_one_document(items: list[int | str]) -> None:
    """All pieces together are JSON, with an item a line."""
    whole = "".join(listing({"complete": True}, "items", items))
    assert json.loads(whole) == {
        "schema_version": SCHEMA_VERSION,
        "complete": True,
        "items": items,
    }
    assert whole.count("\n") == len(items) + 2


def test_a_document_begins_with_its_version() -> None:
    """Whoever reads it can decide by the first line, and keys keep their order."""
    assert document({"b": 1, "a": 2}) == '{\n  "schema_version": 1,\n  "b": 1,\n  "a": 2\n}\n'
