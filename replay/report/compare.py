# SPDX-License-Identifier: Apache-2.0
"""A comparison as text: both trees side by side, figures side by side, and what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from replay.compare.account import NOBODY, Fate
from replay.compare.comparison import Outcome
from replay.compare.difference import Difference, Sureness, What
from replay.compare.sums import sums
from replay.report.screen import BAD, BOLD, DIM, GOOD, NOTABLE, PLAIN, Line, Piece, aligned, cropped
from replay.report.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from replay.compare.account import Account
    from replay.compare.comparison import Comparison
    from replay.compare.ostep import Divergence

MOST_ROWS: Final = 200
"""Lines of the trees, of the page figures and of the differences that are shown as text."""
_SURENESS_STYLES: Final = {
    Sureness.CERTAIN: BAD, Sureness.LOSS: NOTABLE, Sureness.PERMITTED: DIM,
}  # fmt: skip
_DEEPEST: Final = 12
"""Further in, trees are drawn without more indentation."""


def compare_lines(
    found: Comparison, divergences: Sequence[Divergence] = (), width: int | None = None
) -> Iterator[Line]:
    """Give the whole report; `width` crops its lines, None: nowhere."""
    for line in _all_lines(found, divergences):
        yield line if width is None else cropped(line, width)


def _all_lines(found: Comparison, divergences: Sequence[Divergence]) -> Iterator[Line]:
    yield [("actual    ", BOLD), (found.actual.what, PLAIN)]
    yield [("expected  ", BOLD), (found.expected.what, PLAIN)]
    yield _verdict(found)
    if found.first is not None:
        yield [("first     ", BOLD), (sentence(found.first), BAD)]
    yield []
    yield from _trees(found)
    yield []
    yield from _figures(found)
    yield from _pages(found)
    yield from _listed("differences", found.differences)
    yield from _listed("otherwise, as it may be", found.permitted)
    yield from _divergences(divergences)


def _verdict(found: Comparison) -> Line:
    match found.outcome:
        case Outcome.EQUAL:
            return [("equal     ", GOOD), (_permitted(found), DIM)]
        case Outcome.DIFFERENT:
            return [("different ", BAD), (counted(len(found.differences), "difference"), PLAIN)]
        case Outcome.UNDECIDED:
            why = found.actual.loss.why or found.expected.loss.why
            left = f"{why or 'something is not known'}; nothing is different for certain"
            return [("undecided ", NOTABLE), (left, PLAIN)]


def _permitted(found: Comparison) -> str:
    count = len(found.permitted)
    things = counted(count, "thing")
    return f"{things} happened otherwise, as it may be" if count else "in all that is determined"


def sentence(one: Difference) -> str:
    """Say a difference in a line."""
    who = f"{one.subject}: " if one.subject else ""
    if one.what is What.MISSING:
        return f"{who}{one.what} ({one.expected})"
    if one.what is What.EXTRA:
        return f"{who}{one.what} ({one.actual})"
    what = f"{one.what} {one.figure}".rstrip()
    return f"{who}{what}: {one.actual or 'none'}, expected {one.expected or 'none'}"


def _trees(found: Comparison) -> Iterator[Line]:
    rows: list[list[Piece]] = [[("", DIM), ("ACTUAL", DIM), ("EXPECTED", DIM)]]
    differing = {one.subject for one in found.differences}
    total = len(found.expected.members) + len(found.alignment.extra)
    for depth, actual, expected in _walk(found):
        if len(rows) > MOST_ROWS:
            break
        here = "" if actual is None else _drawn(found.actual, actual, depth)
        there = "" if expected is None else _drawn(found.expected, expected, depth)
        label = _label(found, actual, expected)
        same = actual is not None and expected is not None and label not in differing
        mark = ("=", GOOD) if same else ("!", BAD)
        rows.append([mark, (here or "-", PLAIN), (there or "-", PLAIN)])
    yield from aligned(rows)
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


def _drawn(account: Account, number: int, depth: int) -> str:
    member = account.members[number]
    words = [member.born or "", " ".join(member.programs or ()), member.end or ""]
    if member.fate is Fate.REAPED:
        reaper = member.reaper if member.reaper is not None else NOBODY
        by = f" by {account.members[reaper].label}" if reaper != NOBODY else ""
        words.append(f"waited for{by}")
    elif member.fate in {Fate.NEVER, Fate.AUTO_REAPED}:
        words.append(str(member.fate))
    if member.threads:
        words.append(counted(member.threads, "thread"))
    said = ", ".join(word for word in words if word)
    return f"{'  ' * min(depth, _DEEPEST)}{member.label}" + (f": {said}" if said else "")


def _figures(found: Comparison) -> Iterator[Line]:
    here, there = sums(found.actual), sums(found.expected)
    names = [*here, *(name for name in there if name not in here)]
    rows: list[list[Piece]] = [[("FIGURE", DIM), ("ACTUAL", DIM), ("EXPECTED", DIM)]]
    for name in names:
        stated = name in there or found.expected.figures is None
        expected = f"{there.get(name, 0):,}" if stated else ""
        same = not stated or here.get(name, 0) == there.get(name, 0)
        rows.append([(name, PLAIN), (f"{here.get(name, 0):,}", PLAIN if same else NOTABLE),
                     (expected, PLAIN)])  # fmt: skip
    yield from aligned(rows, numbers=(1, 2))


def _pages(found: Comparison) -> Iterator[Line]:
    if found.pages:
        yield []
        head = ("PROCESS", "REGION", "FIGURE", "ACTUAL", "EXPECTED")
        rows: list[list[Piece]] = [[(name, DIM) for name in head]]
        for row in found.pages[:MOST_ROWS]:
            style = BAD if row.differs else PLAIN
            cells: list[Piece] = [
                (found.expected.members[row.place.member].label, PLAIN), (row.place.region, PLAIN),
                (row.figure, PLAIN), (f"{row.actual:,}", style), (f"{row.expected:,}", style),
            ]  # fmt: skip
            rows.append([*cells, (row.explained, DIM)] if row.explained else cells)
        yield from aligned(rows, numbers=(3, 4))
        left = len(found.pages) - MOST_ROWS
        if left > 0:
            yield [(f"  and {counted(left, 'more figure')}", DIM)]
    yield from _elsewhere(found)


def _elsewhere(found: Comparison) -> Iterator[Line]:
    """Show what is not compared: memory that belongs to no region."""
    sides = [account.pages.elsewhere if account.pages is not None else None
             for account in (found.actual, found.expected)]  # fmt: skip
    names = sorted({name for side in sides if side for name in side})
    if not names:
        return
    yield []
    yield [("memory that is not compared", BOLD), (": faults outside of the regions", DIM)]
    rows: list[list[Piece]] = [[("FIGURE", DIM), ("ACTUAL", DIM), ("EXPECTED", DIM)]]
    rows += [
        [(name, PLAIN), *(("-" if side is None else f"{side[name]:,}", PLAIN) for side in sides)]
        for name in names
    ]
    yield from aligned(rows, numbers=(1, 2))


def _listed(title: str, differences: Sequence[Difference]) -> Iterator[Line]:
    if not differences:
        return
    yield []
    yield [(title, BOLD)]
    for one in differences[:MOST_ROWS]:
        style = _SURENESS_STYLES[one.sureness]
        why = one.why or (str(one.sureness) if one.sureness is not Sureness.PERMITTED else "")
        yield [("  ", PLAIN), (sentence(one), style), (f"  ({why})", DIM)]
    left = len(differences) - MOST_ROWS
    if left > 0:
        yield [(f"  and {left:,} more", DIM)]


def _divergences(divergences: Sequence[Divergence]) -> Iterator[Line]:
    if not divergences:
        return
    yield []
    yield [("known divergences of fork.py", BOLD), (": no differences", DIM)]
    head = ("PROCESS", "PARENT", "BY LINUX", "BY FORK.PY", "DIVERGENCE")
    rows: list[list[Piece]] = [[(name, DIM) for name in head]]
    rows += [
        [(one.process, PLAIN), (one.actual or "-", PLAIN), (one.by_linux, PLAIN),
         (one.by_ostep, NOTABLE), (one.name, PLAIN)]
        for one in divergences
    ]  # fmt: skip
    yield from aligned(rows, "  ")
    for why in dict.fromkeys(f"{one.name}: {one.why}" for one in divergences):
        yield [(f"  {why}", DIM)]
