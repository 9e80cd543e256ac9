# SPDX-License-Identifier: Apache-2.0
"""What differs between two accounts, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from replay.compare.account import NOBODY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.compare.account import Account, Member

BY_ORDER: Final = "the scenario leaves the order open"
TOLERATED: Final = "within the tolerance"


class Sureness(StrEnum):
    """What a difference is worth."""

    CERTAIN = "certain"
    LOSS = "possibly due to loss"
    """What was lost might be what is missing."""
    PERMITTED = "permitted"
    """The scenario leaves it open, or the kernel does; or a tolerance covers it."""


class What(StrEnum):
    """What differs."""

    MISSING = "missing process"
    EXTRA = "unexpected process"
    PARENT = "parent at birth"
    BORN = "creation"
    ORDER = "order of creation"
    PROGRAM = "last program"
    PROGRAMS = "programs"
    THREADS = "threads"
    THREAD_ENDS = "ends of threads"
    FAILED = "failed calls"
    WAITS = "waits that found nobody"
    END = "end"
    FATE = "what became of its end"
    REAPER = "who waited for it"
    CHILDREN = "children waited for"
    GUARDIAN = "last parent"
    PAGES = "pages"
    FIGURE = "figure"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as expected."""

    what: What
    subject: str
    """The process, as it is called in reports; empty for all of them."""
    actual: str
    expected: str
    sureness: Sureness
    at_ns: int
    """When it showed, on the clock of the actual trace; 0 unknown."""
    figure: str = ""
    """PAGES: `heap/copied`; FIGURE: its name."""
    why: str = ""
    """What explains it, where something does."""


class Doubt(NamedTuple):
    """What a difference may be due to."""

    lost: bool = False
    why: str = ""
    """Why it is permitted; empty where it is not."""


SURE: Final = Doubt()


def difference(
    what: What, member: Member, said: tuple[str, str], at_ns: int, doubt: Doubt = SURE
) -> Difference:
    """Give a difference of a process; `said` is the actual and the expected value."""
    sureness = Sureness.LOSS if doubt.lost else Sureness.CERTAIN
    if doubt.why:
        sureness = Sureness.PERMITTED
    return Difference(what, member.label, *said, sureness, at_ns, why=doubt.why)


def said_as(value: str | tuple[str, ...] | None) -> str:
    """Say a value of a process in words."""
    if value is None:
        return "?"
    if isinstance(value, tuple):
        return ", ".join(_counted(value)) or "none"
    return str(value)


def _counted(values: tuple[str, ...]) -> Iterator[str]:
    """Give equal values that stand side by side as one, with their number."""
    for value, group in groupby(values):
        count = len(list(group))
        yield value if count == 1 else f"{count} × {value}"


def called(account: Account, number: int | None) -> str:
    """Give what a process is called, by its number."""
    return "somebody else" if number in {None, NOBODY} else account.members[number or 0].label
