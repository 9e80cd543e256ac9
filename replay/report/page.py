# SPDX-License-Identifier: Apache-2.0
"""The story of one page in words: a line or two for each thing that happened to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from replay.memory.classes import FaultClass
from replay.memory.lineage import Holds
from replay.memory.story import Happening
from replay.report.page_facts import place_words
from replay.report.screen import BOLD, DIM, NOTABLE, PLAIN, Line, Piece, aligned
from replay.report.units import counted, duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.memory.lineage import Physical, Telling
    from replay.report.page_facts import PageFacts

_F = FaultClass
_NS_PER_MS: Final = 1_000_000
_MOST_NAMED: Final = 4
_WRITE, _FETCH, _KERNEL, _MAJOR, _READ = 2, 16, 1, 2, 8

_TOUCHED: Final = {
    _F.FIRST_TOUCH: "{touched}: got {after}, a new page of zeros",
    _F.STACK_GROWTH: "let its stack grow down to it: got {after}, a new page of zeros",
    _F.ZERO_PAGE: "read it: got the page of zeros that all share",
    _F.ZERO_COPY: "wrote to it: got {after} in place of the page of zeros",
    _F.FILE_READ: "{touched}: the file's own page was mapped",
    _F.SHARED_WRITE: "wrote to it: the shared page was mapped",
    _F.FILE_COW: "wrote to it: got {after}, a private copy of the file's page",
    _F.COPY: "wrote to it: copied {before} → {after}",
    _F.REUSE: "wrote to it: kept {after}, nothing copied",
    _F.WRITE_NOTIFY: "wrote to it: the shared page became writable",
    _F.SWAP_IN: "touched it: {after} came back from swap",
    _F.HUGE_FIRST_TOUCH: "{touched}: got {after}, part of a new huge page of zeros",
    _F.HUGE_ZERO: "read it: got the huge page of zeros that all share",
    _F.HUGE_COPY: "wrote to it: copied {before} → {after} with its whole huge page",
    _F.HUGE_SPLIT: "wrote to it: copied {before} → {after}, split off its huge page",
    _F.HUGE_REUSE: "wrote to it: kept {after} with its whole huge page, nothing copied",
}
_COPIES: Final = (_F.COPY, _F.HUGE_COPY, _F.HUGE_SPLIT)
_REUSES: Final = (_F.REUSE, _F.HUGE_REUSE)


def page_lines(facts: PageFacts) -> Iterator[Line]:
    """Give the report: which page, then its stories, each with who has what in the end."""
    yield [("page   ", DIM), (f"{facts.address:#x}", BOLD), (f" of {facts.asked}", PLAIN)]
    for number, story in enumerate(facts.stories):
        if len(facts.stories) > 1:
            yield []
            yield [(f"the page while it ran {facts.who.program(story.space) or '?'}", BOLD)]
        yield [("in     ", DIM), (story.where, PLAIN)]
        yield []
        yield from _Telling(facts, number).lines()


class _Telling:
    """One story, in words."""

    def __init__(self, facts: PageFacts, number: int) -> None:
        self._facts, self._story = facts, facts.stories[number]
        self._shown: set[int] = set()

    def lines(self) -> Iterator[Line]:
        rows, details = [], []
        for telling in self._story.lineage.tellings:
            rows.append(self._row(telling))
            details.append(self._detail(telling))
        head: list[Piece] = [(text, DIM) for text in ("TIME", "PROCESS", "WHAT HAPPENED")]
        heading, *lines = aligned([head, *rows], numbers=(0,))
        indent = sum(len(text) for text, _ in heading) - len("WHAT HAPPENED")
        yield heading
        for line, detail in zip(lines, details, strict=True):
            yield line
            yield from ([(" " * indent + text, style)] for text, style in detail)
        yield []
        yield from self._ending()

    def _row(self, telling: Telling) -> list[Piece]:
        time_ns = telling.step.time_ns - self._facts.begin_ns
        style = NOTABLE if telling.row and telling.row["class"] in _COPIES else PLAIN
        return [
            (f"{time_ns / _NS_PER_MS:,.3f} ms", DIM),
            (self._facts.actor(telling), PLAIN),
            (self._sentence(telling), style),
        ]

    def _sentence(self, telling: Telling) -> str:
        step, how = telling.step, ""
        match step.happening:
            case Happening.FAULT:
                return self._fault(telling)
            case Happening.PRESENT:
                return f"had {self._name(telling.after)} as recording began"
            case Happening.SHARED:
                child = self._facts.who.space(step.other)
                if telling.after is None:
                    return f"forked {child}, which got no page here"
                return f"forked {child}: {self._have(telling)}"
            case Happening.MOVED:
                return f"moved it to {step.other:#x} (mremap)"
            case Happening.DROPPED:
                how = f"gave it up ({self._facts.call(step.time_ns)})"
            case Happening.ENDED:
                how = self._facts.ending(step.space)
        return f"{how}: {self._rest(telling)}"

    def _fault(self, telling: Telling) -> str:
        row = telling.row or {}
        kind = FaultClass(row["class"])
        before, after = self._name(telling.before), self._name(telling.after)
        text = _TOUCHED[kind].format(touched=_touched(row), before=before, after=after)
        if kind in _COPIES or (kind in _REUSES and telling.left):
            return f"{text}; {self._rest(telling)}"
        return text

    def _name(self, page: Physical | None) -> str:
        """Give `A (frame 0x1b2)`; the frame only where the story first speaks of the page."""
        if page is None:
            return "?"
        name = self._story.names[page.number]
        if page.frame < 0:
            return f"{name} (in swap)"
        if page.number in self._shown:
            return name
        self._shown.add(page.number)
        same = [
            self._story.names[one.number]
            for one in self._story.lineage.pages[: page.number]
            if one.frame == page.frame and one.holds is page.holds
        ]
        again = f", which held {same[-1]} before" if same else ""
        return f"{name} (frame {page.frame:#x}{again})"

    def _have(self, telling: Telling) -> str:
        """Say who has the page after a fork."""
        page, count = telling.after, len(telling.holders)
        if page is None or page.holds is not Holds.PRIVATE:
            return f"both have {self._name(page)}"
        if count == 2:
            return f"both have {self._name(page)} now"
        return f"{counted(count, 'process', 'processes')} have {self._name(page)} now"

    def _rest(self, telling: Telling) -> str:
        """Say who still has the page that was left."""
        page = telling.before
        if page is None:
            return "nothing was there"
        if page.holds is not Holds.PRIVATE:
            return f"{self._name(page)} stays"
        if telling.left:
            return f"{self._name(page)} stays with {self._names(telling.left)}"
        if page.older:
            return f"nobody else is known to have {self._name(page)}"
        return f"{self._name(page)} is free"

    def _names(self, spaces: tuple[int, ...]) -> str:
        names = [self._facts.who.space(space) for space in spaces[:_MOST_NAMED]]
        more = len(spaces) - len(names)
        return ", ".join(names) + (f" and {more} more" if more > 0 else "")

    def _detail(self, telling: Telling) -> list[Piece]:
        row = telling.row
        if row is None:
            return []
        fault = self._story.faults[telling.step.fault]
        how = "in the kernel" if row["flags"] & _KERNEL else ""
        by = " ".join(word for word in (place_words(fault.by, row["ip"]), how) if word)
        facts = [f"by {by}", f"at {place_words(fault.at, row['address'])}"]
        facts.append(duration(row["took_ns"]))
        if row["flags"] & _MAJOR:
            facts.append("major")
        if row["flags"] & _READ:
            facts.append(f"mapped {row['mapcount']} ×, refcount {row['refcount']} before")
        found: list[Piece] = [("; ".join(facts), DIM)]
        if telling.differs:
            found.append(("the page found was another than the one known until then", NOTABLE))
        return found

    def _ending(self) -> Iterator[Line]:
        """Say who has which physical page in the end."""
        holders: dict[int, list[int]] = {}
        for space, page in self._story.lineage.held:
            holders.setdefault(page.number, []).append(space)
        if not holders:
            yield [("in the end  ", DIM), ("nobody has it any more", PLAIN)]
        for at, (number, spaces) in enumerate(sorted(holders.items())):
            head = "in the end  " if not at else " " * len("in the end  ")
            names = self._names(tuple(spaces))
            yield [(head, DIM), (f"{self._story.names[number]}: {names}", PLAIN)]


def _touched(row: dict[str, Any]) -> str:
    if row["error_code"] & _WRITE:
        return "wrote to it"
    return "executed it" if row["error_code"] & _FETCH else "read it"
