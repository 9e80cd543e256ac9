# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.ranges: never less than what was noted, in bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tracer import ranges
from tracer.ranges import Ranges, RangeSet, sorted_unique

if TYPE_CHECKING:
    import pytest
    from numpy.typing import NDArray

_SMALL = st.integers(0, 120)
_PAIRS = st.lists(st.tuples(_SMALL, st.integers(1, 20)), max_size=15)


def _at(*addresses: int) -> NDArray[np.uint64]:
    return np.array(addresses, np.uint64)


def _ranges(pairs: list[tuple[int, int]]) -> Ranges:
    return Ranges.of(_at(*(b for b, _ in pairs)), _at(*(b + size for b, size in pairs)))


def _set(found: Ranges) -> set[int]:
    pairs = zip(found.begins.tolist(), found.ends.tolist(), strict=True)
    return {address for begin, end in pairs for address in range(begin, end)}


def _covered(pairs: list[tuple[int, int]]) -> set[int]:
    return {address for begin, size in pairs for address in range(begin, begin + size)}


def test_sorted_unique() -> None:
    """Of nothing, too."""
    assert sorted_unique(_at(3, 1, 3, 2, 1)).tolist() == [1, 2, 3]
    assert sorted_unique(_at()).tolist() == []


@given(_PAIRS)
def test_ranges_of_pairs_are_the_same_set_and_as_few_as_can_be(
    pairs: list[tuple[int, int]],
) -> None:
    """Sorted, apart from one another, and no address more or less."""
    found = _ranges(pairs)
    assert _set(found) == _covered(pairs)
    assert (found.begins < found.ends).all()
    assert (found.ends[:-1] < found.begins[1:]).all()


@given(_PAIRS, st.integers(1, 6))
def test_coarser_ranges_hold_all_and_are_few(pairs: list[tuple[int, int]], most: int) -> None:
    """What is added fills the smallest gaps."""
    found = _ranges(pairs)
    coarse = found.coarser(most)
    assert len(coarse.begins) == min(most, len(found.begins))
    assert _set(found) <= _set(coarse)
    gaps = sorted((found.begins[1:] - found.ends[:-1]).tolist())
    assert len(_set(coarse)) - len(_set(found)) == sum(gaps[: max(len(gaps) + 1 - most, 0)])


@given(_PAIRS, st.lists(_SMALL, max_size=6), st.integers(0, 20), st.integers(0, 40))
def test_what_lies_within_images_relative_to_each(
    pairs: list[tuple[int, int]], biases: list[int], low: int, length: int
) -> None:
    """The property, address by address."""
    found = _ranges(pairs).relative(_at(*biases), low, low + length)
    image = range(low, low + length)
    addresses = _covered(pairs)
    expected = {a - bias for bias in biases for a in addresses if a - bias in image}
    assert _set(found) == expected


def test_many_images_are_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same answer, in bounded memory; and when it would take too long, the whole image."""
    noted = _ranges([(100 * i + 7, 2) for i in range(100)])
    biases = _at(*range(0, 10000, 100))
    monkeypatch.setattr(ranges, "_CHUNK", 8)
    monkeypatch.setattr(ranges, "_CHUNKS_MAX", 13)
    assert _set(noted.relative(biases, 0, 100)) == {7, 8}
    monkeypatch.setattr(ranges, "_CHUNKS_MAX", 12)
    assert _set(noted.relative(biases, 0, 100)) == set(range(100))


@given(st.lists(st.lists(st.integers(0, 5000), max_size=30), max_size=8), st.integers(0, 5))
def test_a_set_holds_the_granules_of_what_was_added(spans: list[list[int]], bits: int) -> None:
    """However it was spread over spans."""
    kept = RangeSet(bits)
    for span in spans:
        kept.add(_at(*span))
    granules = {address >> bits for span in spans for address in span}
    expected = _covered([(granule << bits, 1 << bits) for granule in granules])
    assert _set(kept.ranges()) == expected
    assert _set(kept.ranges()) == expected


def test_addresses_of_the_kernel_are_left_out() -> None:
    """No file of user space is there."""
    kept = RangeSet(12)
    kept.add(_at(2**64 - 4096, 2**63, 0x1000))
    assert _set(kept.ranges()) == set(range(0x1000, 0x2000))


def test_a_set_stays_bounded_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that touches every other page has no more ranges than the limit."""
    monkeypatch.setattr(ranges, "_RANGES_MAX", 16)
    kept = RangeSet(0)
    added: set[int] = set()
    random = np.random.default_rng(1)
    for _ in range(50):
        span = random.integers(0, 100000, 20).astype(np.uint64)
        added |= set(span.tolist())
        kept.add(span)
        assert len(kept._kept.begins) <= 16  # noqa: SLF001
        assert kept._waiting <= 16  # noqa: SLF001
    assert added <= _set(kept.ranges())
