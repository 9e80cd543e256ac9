# SPDX-License-Identifier: Apache-2.0
"""How far figures may be apart: `--tolerance FIGURE=N` and `FIGURE=N%`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from traces.errors import STATUS_UNUSABLE_INPUT, ProctraceError

if TYPE_CHECKING:
    from collections.abc import Iterable

_SETTING: Final = re.compile(r"(.+)=([0-9]{1,12})(%?)")


@dataclass(frozen=True, slots=True)
class Tolerance:
    """One of them."""

    figure: str
    amount: int
    percent: bool

    def covers(self, names: Iterable[str], actual: int, expected: int) -> bool:
        """Tell whether it is about a figure of one of these names, and the values are near."""
        if self.figure not in names:
            return False
        apart = abs(actual - expected)
        return apart * 100 <= self.amount * expected if self.percent else apart <= self.amount


def parse_tolerances(settings: Iterable[str]) -> tuple[Tolerance, ...]:
    """Read them; ProctraceError for one that gives no number."""
    found = []
    for setting in settings:
        match = _SETTING.fullmatch(setting)
        if match is None:
            raise ProctraceError(
                f"cannot use --tolerance {setting}",
                "it is to name a figure and how far it may be off",
                "write --tolerance copied=5, or heap/copied=10%",
                status=STATUS_UNUSABLE_INPUT,
            )
        found.append(Tolerance(match[1], int(match[2]), bool(match[3])))
    return tuple(found)


def check_names(tolerances: Iterable[Tolerance], known: Iterable[str]) -> None:
    """ProctraceError for a tolerance about a figure that nobody has; `known` are all there are."""
    names = sorted(known)
    for one in tolerances:
        if one.figure not in names:
            close = get_close_matches(one.figure, names)
            raise ProctraceError(
                f"no figure is called {one.figure!r}",
                f"there are {', '.join(name for name in names if '/' not in name)}",
                f"did you mean {close[0]!r}?" if close else "of a region, write REGION/FIGURE",
                status=STATUS_UNUSABLE_INPUT,
            )


def covered(
    tolerances: Iterable[Tolerance], names: Iterable[str], actual: int, expected: int
) -> bool:
    """Tell whether any of them covers a figure."""
    known = tuple(names)
    return any(one.covers(known, actual, expected) for one in tolerances)
