# SPDX-License-Identifier: Apache-2.0
"""Quantities in words: durations, sizes, counts."""

from __future__ import annotations

from typing import Final

_DURATION_STEPS: Final = ((1_000, "ns", 1), (1_000_000, "µs", 1_000), (1_000_000_000, "ms", 10**6))
_SECONDS_PER_MINUTE: Final = 60
_BYTES_PER_STEP: Final = 1024
_SIZE_UNITS: Final = ("KiB", "MiB", "GiB")


def duration(ns: int) -> str:
    """Give nanoseconds with three significant digits: `850 ns`, `1.25 ms`, `2 min 03 s`."""
    for limit, unit, ns_per_unit in _DURATION_STEPS:
        if ns < limit and _significant(ns / ns_per_unit) != "1000":
            return f"{_significant(ns / ns_per_unit)} {unit}"
    seconds = ns / 10**9
    if round(seconds) < _SECONDS_PER_MINUTE:
        return f"{_significant(seconds)} s"
    minutes, rest = divmod(round(seconds), _SECONDS_PER_MINUTE)
    if minutes < _SECONDS_PER_MINUTE:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, _SECONDS_PER_MINUTE)
    return f"{hours} h {minutes:02} min"


def _significant(value: float) -> str:
    """Give three significant digits, and no fraction that is zero."""
    if value == int(value) or round(value, 1) >= 100:
        return str(round(value))
    return f"{value:.1f}" if round(value, 2) >= 10 else f"{value:.2f}"


def size(byte_count: int) -> str:
    """Give a number of bytes: `512 B`, `1.5 KiB`, `20.0 MiB`."""
    if byte_count < _BYTES_PER_STEP:
        return f"{byte_count} B"
    value = float(byte_count)
    for unit in _SIZE_UNITS:
        value /= _BYTES_PER_STEP
        if value < _BYTES_PER_STEP:
            return f"{value:.1f} {unit}"
    return f"{value / _BYTES_PER_STEP:.1f} TiB"


def counted(count: int, noun: str, plural: str = "") -> str:
    """Give `1 process`, `23 forks`, `1,200 processes` (plural: the noun with an s unless given)."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
