# SPDX-License-Identifier: Apache-2.0
"""Integers in terms of parameters."""

from __future__ import annotations

import pytest

from replay.scenario.amount import Amount, fixed, read_amount
from replay.yaml_positions import Position, parse_yaml
from traces.errors import ProctraceError


def amount(text: str) -> Amount:
    """Read an amount from 0 to 100 that may use $pages."""
    return read_amount(parse_yaml(text, "f"), "count", 0, 100, ("pages",))


@pytest.mark.parametrize(
    ("text", "number"),
    [("7", 7), ("$pages", 9), ("$pages/2", 4), ("$pages * 3", 27), ("$pages-$index", 7),
     ("$pages % 4", 1), ("$index+1", 3), ("100-$pages", 91)],
)  # fmt: skip
def test_an_amount_is_computed(text: str, number: int) -> None:
    """One name or number, or two with an operator between."""
    assert amount(text).value({"pages": 9, "index": 2}) == number


@pytest.mark.parametrize(
    ("text", "why"),
    [("-1", "count is -1"), ("101", "count is 101"), ("x", "count is to be an integer, not a str"),
     ("$other", "there is no parameter $other"), ("1.5", "count is to be an integer, not a num"),
     ("$pages+1+1", "count is to be an integer"), ("true", "count is to be an integer")],
)  # fmt: skip
def test_what_is_no_amount_is_refused_where_it_stands(text: str, why: str) -> None:
    """At once, before any parameter is known."""
    with pytest.raises(ProctraceError, match="f:1:1") as caught:
        amount(text)
    assert caught.value.why.startswith(why)


@pytest.mark.parametrize(
    ("text", "why"),
    [("$pages*50", "count comes to 450"), ("$pages-10", "count comes to -1"),
     ("1/$index", "count divides by 0"), ("1%$index", "count divides by 0")],
)  # fmt: skip
def test_bounds_are_those_of_the_result(text: str, why: str) -> None:
    """They are checked when the parameters are known."""
    with pytest.raises(ProctraceError, match="f:1:1") as caught:
        amount(text).value({"pages": 9, "index": 0})
    assert caught.value.why == why


def test_a_fixed_amount_needs_no_parameters() -> None:
    """It is what a step has that was left out."""
    assert fixed("count", 3, Position("f", 1, 1)).value({}) == 3
