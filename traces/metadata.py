# SPDX-License-Identifier: Apache-2.0
"""JSON values of metadata blocks and of the trailer, as strict as the format says.

A value nests at most `MAX_DEPTH` deep, its numbers are finite and its strings are Unicode without
lone surrogates, so whoever reads it can print it and write it again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import NoReturn, TypeAlias

from traces.blocks import DamageError

JsonValue: TypeAlias = (
    "bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
)
"""What a metadata block holds; lists and dicts when read."""

MAX_DEPTH = 32
"""How deep values may nest."""


def encode_json(value: JsonValue) -> bytes:
    """Give the payload of a metadata block; ValueError when the value cannot be stored."""
    _check(value, MAX_DEPTH)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def decode_json(payload: bytes) -> JsonValue:
    """Give the value of a metadata block; DamageError when it is not sound."""
    try:
        value: JsonValue = json.loads(payload.decode(), parse_constant=_refuse)
        _check(value, MAX_DEPTH)
    except RecursionError:
        raise DamageError("its JSON nests too deep") from None
    except ValueError as error:
        raise DamageError(f"its JSON is not sound: {type(error).__name__}") from error
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"not a JSON number: {constant}")


def _check(value: JsonValue, depth: int) -> None:
    if depth == 0:
        raise ValueError(f"nests deeper than {MAX_DEPTH}")
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("not a finite number")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            key.encode()
            _check(item, depth - 1)
    elif isinstance(value, Sequence):
        for item in value:
            _check(item, depth - 1)
