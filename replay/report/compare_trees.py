# SPDX-License-Identifier: Apache-2.0
"""Both trees of a comparison side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from replay.compare.account import NOBODY, Fate
from replay.report.screen import BAD, DIM, GOOD, PLAIN, Line
from replay.report.units import counted
from replay.report.wrap import side_by_side

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.compare.account import Account
    from replay.compare.comparison import Comparison

MOST_ROWS: Final = 200
"""Processes that are shown."""
_DEEPEST: Final = 12
"""Further in, trees are drawn without more indentation."""


def tree_lines(found: Comparison, width: int | None) -> Iterator[Line]:
    """Draw them in two columns of lines, marked `=` where nothing differs and `!` where it does."""
    differing = {one.subject for one in found.differences}
    total = len(found.expected.members) + len(found.alignment.extra)
    rows: list[tuple[Line, Line, Line, int]] = [([], [("ACTUAL", DIM)], [("EXPECTED", DIM)], 0)]
    for depth, actual, expected in _walk(found):
        if len(rows) > MOST_ROWS:
            break
        label = _label(found, actual, expected)
        unpaired = actual is None or (expected is None and found.expected.whole)
        mark = ("!", BAD) if unpaired or label in differing else ("=", GOOD)
        if expected is None and not unpaired:
            mark = (" ", PLAIN)
        indent = 2 * min(depth, _DEEPEST)
        here, there = (
            [("-", DIM)] if number is None else [(" " * indent + _said(account, number), PLAIN)]
            for account, number in ((found.actual, actual), (found.expected, expected))
        )
        rows.append(([mark], here, there, indent + 4))
    yield from side_by_side(rows, width)
    if total > len(rows) - 1:
        yield [(f"  and {counted(total - len(rows) + 1, 'more process', 'more processes')}", DIM)]


def _label(found: Comparison, actual: int | None, expected: int | None) -> str:
    if actual is not None:
        return found.actual.members[actual].label
    return found.expected.members[expected or 0].label


def _walk(found: Comparison) -> Iterator[tuple[int, int | None, int | None]]:
    """Give (depth, actual, expected) in order of the expected tree, others below their parents."""
    there, here = found.alignment.to_expected, found.alignment.to_actual
    actual, expected = found.actual.members, found.expected.members
    lone = [at for at in found.actual.roots() if at not in there]
    waiting: list[tuple[int, int | None, int | None]] = [(0, at, None) for at in reversed(lone)] + [
        (0, here.get(at), at) for at in reversed(found.expected.roots())
    ]
    while waiting:
        depth, left, right = waiting.pop()
        yield depth, left, right
        others = [at for at in actual[left].children if at not in there] if left is not None else []
        below = expected[right].children if right is not None else []
        waiting += [(depth + 1, at, None) for at in reversed(others)]
        waiting += [(depth + 1, here.get(at), at) for at in reversed(below)]


def _said(account: Account, number: int) -> str:
    """Say in a few words what a process did: `child: fork, exit 3, waited for`."""
    member = account.members[number]
    words = [member.born or "", " ".join(member.programs or ()), member.end or ""]
    if member.fate is Fate.REAPED:
        reaper = member.reaper if member.reaper is not None else NOBODY
        by = f" by {account.members[reaper].label}" if reaper not in {NOBODY, member.parent} else ""
        words.append(f"waited for{by}")
    elif member.fate in {Fate.NEVER, Fate.AUTO_REAPED}:
        words.append(str(member.fate))
    if member.threads:
        words.append(counted(member.threads, "thread"))
    said = ", ".join(word for word in words if word)
    return f"{member.label}: {said}" if said else member.label
