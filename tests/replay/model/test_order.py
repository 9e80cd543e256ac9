# SPDX-License-Identifier: Apache-2.0
"""Partial orders."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.model.order import CycleError, closure, linear

EDGES = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20)


def after_of(edges: list[tuple[int, int]]) -> dict[str, frozenset[str]]:
    """Give an order in which the first of each pair comes before the second."""
    return {
        str(one): frozenset(str(first) for first, then in edges if then == one) for one in range(8)
    }


@given(EDGES)
def test_an_order_that_is_permitted_or_a_cycle(edges: list[tuple[int, int]]) -> None:
    """Every edge is kept; where none can be, the path really goes round."""
    after = after_of(edges)
    try:
        order = linear(after)
    except CycleError as error:
        path = error.path
        assert path[0] == path[-1]
        assert all(first in after[then] for first, then in pairwise(path))
        return
    assert sorted(order) == sorted(after)
    for then, earlier in after.items():
        assert all(order.index(first) < order.index(then) for first in earlier)
    before = closure(after, order)
    for then, all_earlier in before.items():
        assert after[then] <= all_earlier
        assert all(before[first] <= all_earlier for first in all_earlier)


def test_its_own_order_where_nothing_is_said() -> None:
    """Names stay as they came."""
    assert linear({"b": frozenset(), "a": frozenset(), "c": frozenset("a")}) == ("b", "a", "c")


def test_a_cycle_of_one() -> None:
    """Comes before itself."""
    with pytest.raises(CycleError) as caught:
        linear({"a": frozenset("a")})
    assert caught.value.path == ("a", "a")
