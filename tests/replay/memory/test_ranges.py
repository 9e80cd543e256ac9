# SPDX-License-Identifier: Apache-2.0
"""The last and the next change of a page, against looking through all of them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from replay.memory.ranges import NOT_FOUND, PairRank, RangeHistory, expanded, ints

_Change = tuple[int, int, int, int]
CHANGES = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 9), st.integers(0, 9), st.integers(0, 6)),
    max_size=12,
)
PLACES = [(space, page, time) for space in range(4) for page in range(11) for time in range(-1, 8)]


def _covering(changes: list[_Change], space: int, page: int) -> list[tuple[int, int]]:
    """Give (time, number) of the changes of a page, in the order in which they count."""
    found = [
        (time, number)
        for number, (of, low, high, time) in enumerate(changes)
        if of == space and low <= page < high
    ]
    return sorted(found)


@given(CHANGES)
def test_against_all_changes(changes: list[_Change]) -> None:
    """Last, last before and next are those that a search through all changes gives."""
    columns = zip(*changes, strict=True) if changes else [()] * 4
    history = RangeHistory(*(ints(column) for column in columns))
    space, page, time = (np.array(column, np.int64) for column in zip(*PLACES, strict=True))
    last, before, after = (
        look(space, page, time).tolist()
        for look in (history.last, history.last_before, history.next)
    )
    for at, (of, number, when) in enumerate(PLACES):
        found = _covering(changes, of, number)
        assert last[at] == max([c for c in found if c[0] <= when], default=(0, NOT_FOUND))[1]
        assert before[at] == max([c for c in found if c[0] < when], default=(0, NOT_FOUND))[1]
        assert after[at] == min([c for c in found if c[0] > when], default=(0, NOT_FOUND))[1]


@given(CHANGES)
def test_cells_are_what_no_change_cuts(changes: list[_Change]) -> None:
    """A change covers a cell as a whole or not at all."""
    columns = zip(*changes, strict=True) if changes else [()] * 4
    history = RangeHistory(*(ints(column) for column in columns))
    low, high = history.bounds(history.cell)
    for change, begin, end in zip(history.change.tolist(), low, high, strict=True):
        assert changes[change][1] <= begin < end <= changes[change][2]


def test_numbers_of_64_bits() -> None:
    """What is greater than a signed number holds becomes negative, and nothing is refused."""
    assert ints([1, 2**63, 2**64 - 1]).tolist() == [1, -(2**63), -1]


def test_runs_are_expanded() -> None:
    """Every value of each run comes with the number of its run."""
    which, value = expanded(ints([3, 9, 5]), ints([5, 9, 6]))
    assert list(zip(which.tolist(), value.tolist(), strict=True)) == [(0, 3), (0, 4), (2, 5)]


def test_pairs_are_found_by_major_and_minor() -> None:
    """A place is only given within the same major."""
    rank = PairRank(ints([1, 1, 2]), ints([10, 20, 5]))
    query = (ints([1, 1, 2, 3]), ints([15, 5, 99, 99]))
    assert rank.last_not_after(rank.keys, *query).tolist() == [0, NOT_FOUND, 2, NOT_FOUND]
    assert rank.first_after(rank.keys, *query).tolist() == [1, 0, NOT_FOUND, NOT_FOUND]
