# SPDX-License-Identifier: Apache-2.0
"""What a scenario leaves open: other orders than the simulated one are no differences.

The simulator writes it down in table `open`. Names of actors become numbers of members here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from replay.compare.account import Place
from replay.tables import columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from replay.compare.account import Account
    from replay.tables import TraceTables

_WRITES, _WAIT, _ORPHAN, _ENDED, _FIGURES = 1, 2, 3, 4, 5
_COLUMNS: Final = ("what", "region", "pages", "actor", "others", "permitted", "none", "reported")


class Span(NamedTuple):
    """How far a figure may be from the simulated one."""

    less: int
    more: int


COPY, REUSE = "c", "r"
"""Letters of what a write may do; `-` where another thread had done it before."""


class OpenWrite(NamedTuple):
    """Pages whose writes may copy or reuse otherwise."""

    region: str
    pages: int
    writers: tuple[int, ...]
    """The members whose memory is written, one for each write."""
    ways: tuple[str, ...]
    taken: str

    def members(self) -> frozenset[int]:
        """Give whose figures it is about."""
        return frozenset(self.writers)

    def span(self, letters: str, member: int | None) -> Span:
        """Give how far the number of writes with any of these letters may be off.

        Those of one member, or of all.
        """
        at = [place for place, who in enumerate(self.writers) if member in (None, who)]
        counts = [sum(way[place] in letters for place in at) for way in self.ways]
        here = sum(self.taken[place] in letters for place in at)
        return Span(self.pages * (here - min(counts)), self.pages * (max(counts) - here))


@dataclass(slots=True)
class Freedom:
    """All that is open, by the numbers of expected members."""

    writes: list[OpenWrite] = field(default_factory=list)
    undetermined: Counter[Place] = field(default_factory=Counter)
    """How many copies and reuses of a place may be others, where too many orders are possible."""
    anything: Counter[Place] = field(default_factory=Counter)
    """How far any figure of a place may be off, where unordered tasks use one address space."""
    waiters: defaultdict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    """Who may or may not report a child, by the child."""
    polls: Counter[int] = field(default_factory=Counter)
    """How many waits of a member may find nobody, or somebody."""
    orphans: set[int] = field(default_factory=set)
    """Members of which it is open whether they ended before their parent."""
    maybe: set[str] = field(default_factory=set)
    """Actors that may be there or not: whoever creates them may be ended before."""
    threads: set[str] = field(default_factory=set)
    """Processes of which it is open how many threads they come to have."""
    ends: set[str] = field(default_factory=set)
    """Processes that another one of their threads may end."""
    init: int | None = None
    """The member that stands for init, to which orphans may go instead."""
    exits: frozenset[int] = frozenset()
    """Where that is so: members that end by what is expected; others end at any time after them."""

    @classmethod
    def of(cls, trace: TraceTables, tasks: Mapping[str, int]) -> Freedom:
        """Read it; `tasks` gives the member of each actor. Rows with unknown names are left out."""
        found = cls()
        for what, region, pages, actor, others, permitted, none, reported in columns(
            trace.table("open"), *_COLUMNS
        ):
            who = [tasks[name] for name in _names(others) if name in tasks]
            by = tasks.get(_text(actor))
            if what == _WRITES:
                ways = tuple(_names(permitted))
                found.add_write(OpenWrite(_text(region), pages, tuple(who), ways, _text(reported)))
            elif what == _WAIT and by is not None:
                for child in who:
                    found.waiters[child].add(by)
                found.polls[by] += none
            elif what == _ORPHAN:
                found.orphans.update(who)
                if by is not None and none:
                    found.polls[by] += len(who)
            elif what == _ENDED:
                found.threads.add(_text(actor))
                found.ends |= {_text(actor)} if none else set()
                found.maybe.update(_names(others))
                found.orphans.update(who)
            elif what == _FIGURES:
                found.anything.update({Place(member, _text(region)): pages for member in who})
        return found

    def add_write(self, one: OpenWrite) -> None:
        """Add an entry; one that does not say what may happen makes its places undetermined."""
        sound = bool(one.ways) and one.taken in one.ways
        if sound and all(len(way) == len(one.writers) for way in one.ways):
            self.writes.append(one)
        else:
            for member in one.writers:
                self.undetermined[Place(member, one.region)] += one.pages

    def span(self, region: str, letters: str, member: int | None = None) -> Span:
        """Give how far the copies (`c`) and reuses (`r`) in a region may be off together."""
        spans = [one.span(letters, member) for one in self.writes if one.region == region]
        return Span(sum(span.less for span in spans), sum(span.more for span in spans))


def _text(data: bytes) -> str:
    return data.decode(errors="replace")


def _names(data: bytes) -> list[str]:
    return [_text(part) for part in data.split(b"\0")[:-1]]


def freedom_of(trace: TraceTables, account: Account) -> Freedom:
    """Read what a simulated trace says to be open; nothing where it is none."""
    return Freedom.of(trace, account.tasks)
