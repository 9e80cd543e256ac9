# SPDX-License-Identifier: Apache-2.0
"""Integers of a scenario: written as such, or in terms of its parameters.

`$pages`, `$pages/2` and `$index*$share` are amounts: one name or number, or two with an operator
between. `$index` is the number of the instance of the actor, from 0.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from replay.yaml_positions import Position, bad_value

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from replay.yaml_positions import Value

INDEX: Final = "index"
"""The parameter that every actor has: the number of its instance."""
_TERM: Final = r"(\$[a-z][a-z0-9_]*|[0-9]{1,12})"
_EXPRESSION: Final = re.compile(rf"{_TERM}(?:\s*([-+*/%])\s*{_TERM})?")
_LARGEST: Final = 2**62


@dataclass(frozen=True, slots=True)
class Amount:
    """An integer that is known when the parameters are."""

    what: str
    """What it says, for errors."""
    left: str | int
    operator: str
    """Empty where there is no right side."""
    right: str | int
    low: int
    high: int
    position: Position

    def value(self, parameters: Mapping[str, int]) -> int:
        """Give the integer; ProctraceError when it is out of its bounds or divides by 0."""
        left, right = (
            parameters[side] if isinstance(side, str) else side for side in (self.left, self.right)
        )
        if self.operator and self.operator in "/%" and right == 0:
            raise bad_value(self.position, f"{self.what} divides by 0", "change the parameter")
        match self.operator:
            case "+":
                left += right
            case "-":
                left -= right
            case "*":
                left *= right
            case "/":
                left //= right
            case "%":
                left %= right
        if self.low <= left <= self.high:
            return left
        hint = f"it may be from {self.low} to {self.high}"
        raise bad_value(self.position, f"{self.what} comes to {left}", hint)


def fixed(what: str, number: int, position: Position) -> Amount:
    """Give an amount that is always the same number."""
    return Amount(what, number, "", 0, -_LARGEST, _LARGEST, position)


def read_amount(
    value: Value, what: str, low: int, high: int, parameters: Collection[str]
) -> Amount:
    """Read an amount; only the parameters that are declared may stand in it."""
    content = value.content
    if isinstance(content, int) and not isinstance(content, bool):
        value.integer(what, low, high)
        return Amount(what, content, "", 0, low, high, value.position)
    match = _EXPRESSION.fullmatch(content) if isinstance(content, str) else None
    if match is None:
        raise value.error(
            f"{what} is to be an integer, not {value.kind()}",
            "give a number, $parameter, or two of them with + - * / % between",
        )
    left, operator, right = match.groups()
    sides = [_side(side or "0", value, parameters) for side in (left, right)]
    return Amount(what, sides[0], operator or "", sides[1], low, high, value.position)


def _side(text: str, value: Value, parameters: Collection[str]) -> str | int:
    if not text.startswith("$"):
        return int(text)
    name = text[1:]
    if name != INDEX and name not in parameters:
        known = ", ".join(f"${known}" for known in [*parameters, INDEX])
        raise value.error(f"there is no parameter {text}", f"there are: {known}")
    return name
