# SPDX-License-Identifier: Apache-2.0
"""Quantities in words: durations, sizes, counts."""

from __future__ import annotations

from typing import Final

_NS_PER_S: Final = 10**9
_DURATION_UNITS: Final = (("µs", 1_000), ("ms", 10**6), ("s", _NS_PER_S))
_SECONDS_PER_MINUTE: Final = 60
_MINUTES_PER_HOUR: Final = 60
_BYTES_PER_STEP: Final = 1024
_LEAST_SHARE: Final = 0.01
_SIZE_UNITS: Final = ("KiB", "MiB", "GiB")


def duration(ns: int) -> str:
    """Give nanoseconds with three significant digits: `850 ns`, `1.25 ms`, `2 min 03 s`."""
    if ns < 1_000:
        return f"{ns} ns"
    for unit, ns_per_unit in _DURATION_UNITS:
        digits = _three_digits(ns / ns_per_unit)
        limit = _SECONDS_PER_MINUTE if unit == "s" else 1_000
        if float(digits) < limit:
            return f"{digits} {unit}"
    minutes, seconds = divmod(round(ns / _NS_PER_S), _SECONDS_PER_MINUTE)
    if minutes < _MINUTES_PER_HOUR:
        return f"{minutes} min {seconds:02} s"
    hours, minutes = divmod(minutes, _MINUTES_PER_HOUR)
    return f"{hours} h {minutes:02} min"


def _three_digits(value: float) -> str:
    for decimals, limit in ((2, 10), (1, 100)):
        if round(value, decimals) < limit:
            return f"{value:.{decimals}f}"
    return f"{value:.0f}"


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


def percent(part: int, whole: int) -> str:
    """Give a part in per cent, `0%` and `100%` only for none and all: `20%`, `<1%`, `>99%`."""
    share = part / max(whole, 1)
    if 0 < share < _LEAST_SHARE:
        return "<1%"
    if 1 - _LEAST_SHARE < share < 1:
        return ">99%"
    return f"{share:.0%}"
