# SPDX-License-Identifier: Apache-2.0
"""JSON that comes out the same, byte for byte, for the same trace.

Keys keep the order in which a report names them; a long list has one item a line, so that line
tools work on it. Bytes are a string where they are UTF-8, else `{"base64": …}`: nothing is lost
and nothing is ambiguous. Numbers are exact, also above 2^53.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SCHEMA_VERSION: Final = 1
"""Grows with any change that could break a program that reads the JSON."""

Text = str | dict[str, str]


def text(data: bytes) -> Text:
    """Give bytes as a JSON value."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}


def compact(value: object) -> str:
    """Give a value on one line, in ASCII."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def document(head: Mapping[str, object]) -> str:
    """Give a whole document for people and programs: indented, schema_version first."""
    return json.dumps({"schema_version": SCHEMA_VERSION, **head}, indent=2, allow_nan=False) + "\n"


def listing(head: Mapping[str, object], name: str, items: Iterable[object]) -> Iterator[str]:
    """Give a document in pieces as its items are made: schema_version, head, then the list."""
    top = compact({"schema_version": SCHEMA_VERSION, **head})
    yield f"{top[:-1]},{compact(name)}:["
    separator = "\n"
    for item in items:
        yield separator + compact(item)
        separator = ",\n"
    yield "\n]}\n"
