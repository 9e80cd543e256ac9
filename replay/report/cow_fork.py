# SPDX-License-Identifier: Apache-2.0
"""The memory that one fork shared, as strips of pages, and what became of it in figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from replay.memory.fork_pages import PageState
from replay.memory.pte import PAGE_BYTES
from replay.process import ProcessId
from replay.report import json_text
from replay.report.page_facts import mapping_words
from replay.report.screen import BAD, BOLD, DIM, GOOD, NOTABLE, PLAIN, Line, Piece, aligned
from replay.report.tree_json import id_text
from replay.report.units import duration, percent, size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.report.who import Who

_P = PageState
_GLYPHS: Final = {
    _P.COPIED_BY_CHILD: ("C", NOTABLE),
    _P.COPIED_BY_PARENT: ("P", BAD),
    _P.COPIED_BY_BOTH: ("B", BAD),
    _P.REUSED: ("r", PLAIN),
    _P.UNBROKEN: ("·", DIM),
    _P.SHARED: ("=", GOOD),
    _P.UNKNOWN: ("?", NOTABLE),
}
_CELLS: Final = 64
_LEAST_CELLS: Final = 16
_MOST_LINES: Final = 4
_NS_PER_MS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class ForkView:
    """What is shown: the pages as `fork_pages` gives them, and the row of `fork_costs`."""

    pages: pl.DataFrame
    costs: dict[str, Any]
    who: Who
    begin_ns: int
    ending: str
    """How the child's memory ended, as `executed ls`."""

    def child(self) -> str:
        """Name the child by the program it was forked with."""
        return self.who.space(self.costs["child"])

    def parent(self) -> str:
        """Name the parent."""
        return self.who.space(self.costs["parent"])

    def counts(self) -> dict[str, int]:
        """Give how many pages are in each state, the states in their own order."""
        counts = dict(self.pages["state"].value_counts().iter_rows())
        return {state.value: counts.get(state.value, 0) for state in PageState}

    def mappings(self) -> Iterator[tuple[dict[str, Any], pl.DataFrame]]:
        """Give (mapping, pages) in order of address."""
        names = ["kind", "path", "mapping"]
        for key, pages in self.pages.group_by(names, maintain_order=True):
            yield dict(zip(names, key, strict=True)), pages


def fork_json(view: ForkView) -> dict[str, object]:
    """Give the fork as a value for JSON; `runs` are [first page's address, pages, state]."""
    costs = dict(view.costs)
    ids = {
        side: id_text(
            ProcessId(costs.pop(f"{side}_tgid"), costs.pop(f"{side}_leader_start_ns"))
        )
        for side in ("parent", "child")
    }  # fmt: skip
    del costs["parent"], costs["child"]
    return {
        "fork": {
            "parent": ids["parent"],
            "parent_command": view.who.program(view.costs["parent"]),
            "child": ids["child"],
            "child_command": view.who.program(view.costs["child"]),
            **costs,
        },
        "pages": len(view.pages),
        "states": view.counts(),
        "mappings": [
            {
                "kind": key["kind"],
                "path": None if key["path"] is None else json_text.text(key["path"]),
                "mapping": key["mapping"] or None,
                "pages": len(pages),
                "states": {state: count for state, count in _counted(pages).items() if count},
                "runs": _runs(pages),
            }
            for key, pages in view.mappings()
        ],
    }


def _counted(pages: pl.DataFrame) -> dict[str, int]:
    counts = dict(pages["state"].value_counts().iter_rows())
    return {state.value: counts.get(state.value, 0) for state in PageState}


def _runs(pages: pl.DataFrame) -> list[list[object]]:
    """Put neighbours of one state together."""
    step = (pl.col("address") != pl.col("address").shift() + PAGE_BYTES) | (
        pl.col("state") != pl.col("state").shift()
    )
    runs = pages.group_by(step.fill_null(value=True).cum_sum().alias("run"), maintain_order=True)
    found = runs.agg(pl.col("address").first(), pl.len(), pl.col("state").first())
    return [list(row) for row in found.drop("run").iter_rows()]


def fork_lines(view: ForkView, width: int | None) -> Iterator[Line]:
    """Give the report: who forked, figures, legend, and a strip for each mapping."""
    yield from aligned(list(_head(view)))
    if not len(view.pages):
        return
    yield []
    yield from _legend(view)
    yield []
    yield from _strips(view, width)


def _head(view: ForkView) -> Iterator[list[Piece]]:
    costs, states = view.costs, view.counts()
    after = (costs["time_ns"] - view.begin_ns) / _NS_PER_MS
    yield [("fork", DIM), (f"{view.parent()} forked {view.child()} at {after:,.3f} ms", BOLD)]
    end_ns = costs["child_end_ns"]
    lived = "still had this memory as recording ended"
    if end_ns is not None:
        lived = f"{view.ending} after {duration(end_ns - costs['time_ns'])}"
    yield [("child", DIM), (lived, PLAIN)]
    unseen = len(view.pages) - int(view.pages["seen"].sum())
    older = f", {unseen:,} of them first seen when they were written" if unseen else ""
    yield [("shared", DIM), (_pages(len(view.pages)) + older, PLAIN)]
    both = states[_P.COPIED_BY_BOTH]
    for label, state in (("child", _P.COPIED_BY_CHILD), ("parent", _P.COPIED_BY_PARENT)):
        count = states[state] + both
        yield [(f"{label} copied", DIM), (_part(count, view), NOTABLE if count else PLAIN)]
    yield [("died unbroken", DIM), (_part(states[_P.UNBROKEN], view), PLAIN)]
    if states[_P.SHARED]:
        yield [("still shared", DIM), (_part(states[_P.SHARED], view), PLAIN)]
    yield [("cost", DIM), (_cost(costs), PLAIN)]
    later = costs["parent_later"]
    if later:
        text = f"the parent took a fault for {later:,} of its pages after the child's end"
        yield [("afterwards", DIM), (text, PLAIN)]
    yield [("first writer", DIM), (_first(view), PLAIN)]


def _pages(count: int) -> str:
    return f"{count:,} page{'s' * (count != 1)} ({size(count * PAGE_BYTES)})"


def _part(count: int, view: ForkView) -> str:
    return f"{_pages(count)}, {percent(count, len(view.pages))}"


def _cost(costs: dict[str, Any]) -> str:
    copying = f"{duration(costs['copy_ns'])} to copy {size(costs['copied_bytes'])}"
    reused = costs["child_reused"] + costs["parent_reused"]
    return f"{copying}, {duration(costs['reuse_ns'])} to make {reused:,} writable again"


def _first(view: ForkView) -> str:
    costs = view.costs
    if costs["first_writer"] is None:
        return "nobody"
    waited = duration(costs["first_write_ns"] - costs["time_ns"])
    name = view.child() if costs["first_writer"] == "child" else view.parent()
    return f"the {costs['first_writer']}, {name}, {waited} after the fork"


def _legend(view: ForkView) -> Iterator[Line]:
    counts = view.counts()
    line: Line = []
    for state, (glyph, style) in _GLYPHS.items():
        if counts[state]:
            line += [("  " if line else "", PLAIN), (glyph, style), (f" {state}", DIM)]
    yield line


def _strips(view: ForkView, width: int | None) -> Iterator[Line]:
    cells = _CELLS if width is None else max(min(_CELLS, width - 40), _LEAST_CELLS)
    rows: list[list[Piece]] = [[(text, DIM) for text in ("PAGES", "COPIED", "MAPPING")]]
    strips: list[list[Line]] = [[]]
    scaled = 1
    for key, pages in view.mappings():
        copied = pages["state"].is_in([_P.COPIED_BY_CHILD, _P.COPIED_BY_PARENT, _P.COPIED_BY_BOTH])
        rows.append(
            [
                (f"{len(pages):,}", PLAIN),
                (f"{int(copied.sum()):,}", PLAIN),
                (mapping_words(key), PLAIN),
            ]
        )
        strip, per_cell = _strip(pages, cells)
        scaled = max(scaled, per_cell)
        strips.append(strip)
    for line, strip in zip(aligned(rows, numbers=(0, 1)), strips, strict=True):
        yield line
        yield from ([("        ", PLAIN), *one] for one in strip)
    if scaled > 1:
        text = f"a cell is the state that most of its pages are in, up to {scaled:,} pages"
        yield [(text, DIM)]


def _strip(pages: pl.DataFrame, cells: int) -> tuple[list[Line], int]:
    """Draw pages as lines of cells; give them with how many pages a cell stands for at most."""
    states = list(PageState)
    codes = pages["state"].to_physical().to_numpy()
    count = min(len(codes), cells * _MOST_LINES)
    borders = np.arange(count + 1) * len(codes) // count
    glyphs = [
        _GLYPHS[states[int(np.bincount(codes[low:high]).argmax())]]
        for low, high in zip(borders[:-1].tolist(), borders[1:].tolist(), strict=True)
    ]
    lines = [_joined(glyphs[at : at + cells]) for at in range(0, count, cells)]
    return lines, -(-len(codes) // count)


def _joined(glyphs: list[Piece]) -> Line:
    """Put neighbours of one style into one piece."""
    line: Line = []
    for glyph, style in glyphs:
        if line and line[-1][1] == style:
            line[-1] = (line[-1][0] + glyph, style)
        else:
            line.append((glyph, style))
    return line
