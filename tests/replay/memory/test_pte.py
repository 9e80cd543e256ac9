# SPDX-License-Identifier: Apache-2.0
"""What raw page-table entries say."""

from __future__ import annotations

import numpy as np
import pytest

from replay.memory import pte
from replay.memory.pte import ZeroPages, states


def _state(entry: int, level: int = 1) -> int:
    return int(states(np.array([entry], np.uint64), np.array([level], np.uint8))[0])


@pytest.mark.parametrize(
    ("entry", "level", "state"),
    [
        (0, 1, pte.NONE),
        (0, 3, pte.NONE),
        (0x1234067, 1, pte.LEAF),
        (0x1200_0E7, 2, pte.LEAF),
        (0x1234067, 2, pte.NONE),
        (31 << 59 | 0x2000, 1, pte.MARKER),
        (1 << 59 | 0xFFFF000, 1, pte.SWAP),
        (26 << 59 | 0xFFFF000, 1, pte.MIGRATION),
        (0x1234100 | 1 << 63, 1, pte.NO_ACCESS),
    ],
)
def test_states(entry: int, level: int, state: int) -> None:
    """A table is no leaf; what is not present is told apart by its swap type."""
    assert _state(entry, level) == state


def test_zero_pages_of_metadata() -> None:
    """Numbers are taken, anything else is as good as missing."""
    assert ZeroPages.of({"memory": {"zero_pfn": 7}}) == ZeroPages(7, None)
    for odd in ({}, {"memory": 3}, {"memory": {"zero_pfn": "7"}}, {"memory": {"zero_pfn": -1}},
                {"memory": {"zero_pfn": 2**70}}, {"memory": {"zero_pfn": True}}):  # fmt: skip
        assert ZeroPages.of(odd) == ZeroPages()


def test_a_page_of_zeros_by_its_frame_or_as_special() -> None:
    """With its frame number known nothing else counts; otherwise a special read-only entry."""
    entries = np.array([0x7025, 0x8225, 0x8227], np.uint64)
    small = np.zeros(3, np.bool_)
    assert ZeroPages(7).maps_zero(entries, small).tolist() == [True, False, False]
    assert ZeroPages().maps_zero(entries, small).tolist() == [False, True, False]
    assert ZeroPages(7, 8).maps_zero(entries, ~small).tolist() == [False, True, True]
