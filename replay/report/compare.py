# SPDX-License-Identifier: Apache-2.0
"""A comparison as text: both trees side by side, figures side by side, and what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from replay.compare.cast import EVERYWHERE
from replay.compare.comparison import Outcome
from replay.compare.difference import Difference, Sureness, What
from replay.compare.sums import in_order, sums
from replay.report.compare_trees import tree_lines
from replay.report.screen import BAD, BOLD, DIM, GOOD, NOTABLE, PLAIN, Line, Piece, aligned, cropped
from replay.report.units import counted
from replay.report.wrap import wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from replay.compare.comparison import Comparison
    from replay.compare.ostep import Divergence

MOST_ROWS: Final = 200
"""Lines of the page figures and of the differences that are shown as text."""
_SURENESS_STYLES: Final = {
    Sureness.CERTAIN: BAD, Sureness.LOSS: NOTABLE, Sureness.PERMITTED: DIM,
}  # fmt: skip
_NOT_COMPARED: Final = ("the process is not there", "not compared")
_TITLE: Final = 10
"""Cells of the words in front of the first lines."""


def compare_lines(
    found: Comparison, divergences: Sequence[Divergence] = (), width: int | None = None
) -> Iterator[Line]:
    """Give the whole report; sentences and trees keep to `width`, tables are cropped to it."""
    for line in _head(found):
        yield from wrapped(line, width, _TITLE)
    yield []
    yield from tree_lines(found, width)
    for line in (*_figures(found), *_pages(found)):
        yield line if width is None else cropped(line, width)
    yield from _listed("differences", found.differences, width)
    yield from _listed("otherwise, as it may be", found.permitted, width)
    for line in _divergences(divergences):
        yield from wrapped(line, width, 2)


def _head(found: Comparison) -> Iterator[Line]:
    yield [("actual    ", BOLD), (found.actual.what, PLAIN)]
    yield [("expected  ", BOLD), (found.expected.what, PLAIN)]
    for note in found.notes:
        yield [("note      ", BOLD), (note, NOTABLE)]
    yield _verdict(found)
    if found.first is not None:
        yield [("first     ", BOLD), (sentence(found.first), BAD)]
    for why in found.undecided:
        yield [("unknown   ", BOLD), (why, NOTABLE)]


def _verdict(found: Comparison) -> Line:
    match found.outcome:
        case Outcome.EQUAL:
            return [("equal     ", GOOD), (_permitted(found), DIM)]
        case Outcome.DIFFERENT:
            return [("different ", BAD), (counted(len(found.differences), "difference"), PLAIN)]
        case Outcome.UNDECIDED:
            return [("undecided ", NOTABLE), ("nothing is different for certain", PLAIN)]


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


def _figures(found: Comparison) -> Iterator[Line]:
    here, there = sums(found.actual), sums(found.expected)
    names = in_order([*here, *there])
    rows: list[list[Piece]] = [[("FIGURE", DIM), ("ACTUAL", DIM), ("EXPECTED", DIM)]]
    for name in names:
        stated = name in there or not found.expected.partial
        expected = f"{there.get(name, 0):,}" if stated else ""
        same = not stated or here.get(name, 0) == there.get(name, 0)
        style = PLAIN if same else NOTABLE
        rows.append([(name, PLAIN), (f"{here.get(name, 0):,}", style), (expected, style)])
    yield []
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
            said = row.explained if row.compared else _NOT_COMPARED[row.place.region == EVERYWHERE]
            rows.append([*cells, (said, DIM)] if said else cells)
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
    if not names or EVERYWHERE in (found.actual.regions or ()):
        return
    yield []
    yield [("memory that is not compared", BOLD), (": faults outside of the regions", DIM)]
    rows: list[list[Piece]] = [[("FIGURE", DIM), ("ACTUAL", DIM), ("EXPECTED", DIM)]]
    rows += [
        [(name, PLAIN), *(("-" if side is None else f"{side[name]:,}", PLAIN) for side in sides)]
        for name in names
    ]
    yield from aligned(rows, numbers=(1, 2))


def _listed(title: str, differences: Sequence[Difference], width: int | None) -> Iterator[Line]:
    if not differences:
        return
    yield []
    yield [(title, BOLD)]
    for one in differences[:MOST_ROWS]:
        style = _SURENESS_STYLES[one.sureness]
        why = one.why or (str(one.sureness) if one.sureness is not Sureness.PERMITTED else "")
        yield from wrapped([("  ", PLAIN), (sentence(one), style), (f"  ({why})", DIM)], width, 4)
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
