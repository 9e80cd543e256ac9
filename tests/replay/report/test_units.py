# SPDX-License-Identifier: Apache-2.0
"""Durations, sizes and counts in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.report.units import counted, duration, percent, size


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (1_000, "1.00 µs"),
        (9_994, "9.99 µs"),
        (9_996, "10.0 µs"),
        (999_499, "999 µs"),
        (999_500, "1.00 ms"),
        (31_250_000, "31.2 ms"),
        (1_500_000_000, "1.50 s"),
        (59_940_000_000, "59.9 s"),
        (59_960_000_000, "1 min 00 s"),
        (123_000_000_000, "2 min 03 s"),
        (3_599_600_000_000, "1 h 00 min"),
        (90_000_000_000_000, "25 h 00 min"),
    ],
)
def test_durations(ns: int, text: str) -> None:
    """Three digits, and never a number that belongs to the next unit."""
    assert duration(ns) == text


@given(st.integers(0, 59 * 10**9))
def test_a_duration_keeps_three_digits(ns: int) -> None:
    """Reading it back gives the number to half of its third digit."""
    number, unit = duration(ns).split()
    back = float(number) * {"ns": 1, "µs": 10**3, "ms": 10**6, "s": 10**9}[unit]
    assert back == pytest.approx(ns, rel=0.00501)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 << 30, "5.0 GiB"), (3 << 40, "3.0 TiB")],
)
def test_sizes(count: int, text: str) -> None:
    """Powers of 1024."""
    assert size(count) == text


def test_counts() -> None:
    """One is singular; thousands are separated."""
    assert counted(1, "fork") == "1 fork"
    assert counted(1200, "fork") == "1,200 forks"
    assert counted(0, "process", "processes") == "0 processes"


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 7, "0%"), (1, 1_000, "<1%"), (1, 5, "20%"), (999, 1_000, ">99%"), (7, 7, "100%"),
     (0, 0, "0%"), (1, 100, "1%"), (99, 100, "99%")],
)  # fmt: skip
def test_per_cent(part: int, whole: int, text: str) -> None:
    """Something is not shown as nothing, nor nearly all as all."""
    assert percent(part, whole) == text
