# SPDX-License-Identifier: Apache-2.0
"""Compares processes with those that they are expected to be: how they began, ran and ended."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from replay.compare.account import NOBODY
from replay.compare.align import translated
from replay.compare.difference import (
    BY_ORDER,
    TOLERATED,
    Difference,
    Doubt,
    What,
    called,
    difference,
    said_as,
)
from replay.compare.members import RUNNING
from replay.compare.tolerance import covered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.compare.account import Account, Member
    from replay.compare.align import Alignment
    from replay.compare.freedom import Freedom
    from replay.compare.tolerance import Tolerance


class Lives:
    """Goes through all pairs of members."""

    def __init__(
        self,
        accounts: tuple[Account, Account],
        alignment: Alignment,
        freedom: Freedom,
        tolerances: tuple[Tolerance, ...],
    ) -> None:
        self._actual, self._expected = accounts
        self._alignment, self._freedom, self._tolerances = alignment, freedom, tolerances

    def differences(self) -> Iterator[Difference]:
        """Give all differences, in no order."""
        yield from self._lone()
        for left, right in self._alignment.to_expected.items():
            one, other = self._actual.members[left], self._expected.members[right]
            yield from self._parent(one, other)
            yield from self._words(one, other)
            yield from self._thread_ends(one, other)
            yield from self._numbers(one, other, right)
            if self._expected.ordered:
                yield from self._order(one, right)

    def _lone(self) -> Iterator[Difference]:
        """Give those who have no partner."""
        missing, extra = self._alignment.missing, self._alignment.extra
        here, there = self._actual.members, self._expected.members
        near = covered(self._tolerances, ("processes",), len(here), len(there))
        latest = list(accumulate(self._births(), max))
        for at in missing:
            why = BY_ORDER if there[at].name in self._freedom.maybe else TOLERATED * near
            doubt = Doubt(self._actual.loss.tree, why)
            yield difference(What.MISSING, there[at], ("", _seen(there[at])), latest[at], doubt)
        for at in extra if self._expected.whole else ():
            why = BY_ORDER if here[at].name in self._freedom.maybe else TOLERATED * near
            doubt = Doubt(self._expected.loss.tree, why)
            yield difference(What.EXTRA, here[at], (_seen(here[at]), ""), here[at].born_ns, doubt)

    def _births(self) -> Iterator[int]:
        """Give when each expected member was born in the actual trace; 0 for one that is missing.

        A missing one is told of when all that were to be born before it are there.
        """
        for at in range(len(self._expected.members)):
            actual = self._alignment.to_actual.get(at)
            yield 0 if actual is None else self._actual.members[actual].born_ns

    def _parent(self, one: Member, other: Member) -> Iterator[Difference]:
        if other.parent == NOBODY:
            return
        if translated(self._alignment.to_expected, one.parent) != other.parent:
            said = called(self._actual, one.parent), called(self._expected, other.parent)
            doubt = Doubt("parent" in one.unsure | other.unsure)
            yield difference(What.PARENT, one, said, one.born_ns, doubt)

    def _words(self, one: Member, other: Member) -> Iterator[Difference]:
        """Compare what is said in words."""
        program = other.program if self._expected.partial else None
        for what, field, actual, expected, at_ns in (
            (What.BORN, "born", one.born, other.born, one.born_ns),
            (What.PROGRAM, "programs", one.program, program, one.born_ns),
            (What.PROGRAMS, "programs", *self._programs(one, other), one.born_ns),
            (What.FAILED, "failed_calls", one.failed_calls, other.failed_calls, one.born_ns),
            (What.END, "end", one.end, other.end, one.ended_ns or one.born_ns),
        ):
            if expected is not None and actual != expected:
                unsure = actual is None or field in one.unsure | other.unsure
                # What a process did until it ended may be lost, and the end itself.
                lost = self._loses(what, actual, expected)
                said = said_as(actual), said_as(expected)
                is_open = what is not What.BORN and other.name in self._freedom.ends
                yield difference(what, one, said, at_ns, Doubt(unsure or lost, BY_ORDER * is_open))

    def _programs(
        self, one: Member, other: Member
    ) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
        """Give what both executed, without the program that plays what a scenario plays."""
        here, there = one.programs, other.programs
        if other.parent == NOBODY and not self._expected.partial:
            here = here[1:] if here and self._expected.played > self._actual.played else here
            there = there[1:] if there and self._actual.played > self._expected.played else there
        return here, there

    def _loses(
        self, what: What, actual: str | tuple[str, ...] | None, expected: str | tuple[str, ...]
    ) -> bool:
        """Tell whether lost records may be all that differs."""
        here, there = self._actual.loss.tree, self._expected.loss.tree
        if what is What.BORN:
            return False
        if what is What.END:
            # An end that was recorded is one; who has none may have lost it.
            return (here and actual in {None, RUNNING}) or (there and expected == RUNNING)
        if isinstance(actual, tuple) and isinstance(expected, tuple):
            return (here and _is_part(actual, expected)) or (there and _is_part(expected, actual))
        return here or there

    def _thread_ends(self, one: Member, other: Member) -> Iterator[Difference]:
        actual, expected = one.thread_ends, other.thread_ends
        if expected is None or actual is None or actual == expected:
            return
        # A thread that has not come to its own end when its process ends does so with that.
        odd = set(actual).symmetric_difference(expected)
        with_all = len(actual) == len(expected) and one.end in odd
        loss = self._actual.loss.tree or self._expected.loss.tree
        lost = "thread_ends" in one.unsure | other.unsure or loss
        why = BY_ORDER if with_all or other.name in self._freedom.threads else ""
        said = said_as(actual), said_as(expected)
        yield difference(What.THREAD_ENDS, one, said, one.ended_ns, Doubt(lost, why))

    def _numbers(self, one: Member, other: Member, right: int) -> Iterator[Difference]:
        for what, actual, expected in (
            (What.THREADS, one.threads, other.threads),
            (What.WAITS, one.waits_without_child, other.waits_without_child),
        ):
            if expected is None or actual is None or actual == expected:
                continue
            apart = abs(actual - expected)
            if what is What.WAITS:
                is_open = apart <= self._freedom.polls[right]
            else:
                is_open = other.name in self._freedom.threads
            near = covered(self._tolerances, (str(what),), actual, expected)
            lost = self._actual.loss.tree if actual < expected else self._expected.loss.tree
            doubt = Doubt(lost, TOLERATED if near else BY_ORDER if is_open else "")
            yield difference(what, one, (str(actual), str(expected)), one.ended_ns, doubt)

    def _order(self, one: Member, right: int) -> Iterator[Difference]:
        """See that each thread created its children in the order in which it is told to."""
        there, members = self._alignment.to_expected, self._actual.members
        latest: dict[int, int] = {}
        for child in one.children:
            place = there.get(child, NOBODY)
            if place == NOBODY or self._expected.members[place].parent != right:
                continue
            creator = members[child].creator
            before = latest.get(creator, NOBODY)
            if place < before:
                earlier = self._expected.members[before].label
                said = f"after {earlier}", f"before {earlier}"
                yield difference(What.ORDER, members[child], said, members[child].born_ns)
                return
            latest[creator] = place


def _is_part(some: tuple[str, ...], all_: tuple[str, ...]) -> bool:
    """Tell whether some values are left when others of them are lost."""
    rest = iter(all_)
    return all(value in rest for value in some)


def _seen(member: Member) -> str:
    """Say in a few words what a process is."""
    parts = [member.born, " ".join(member.programs or ()), member.end]
    return ", ".join(part for part in parts if part) or "there"
