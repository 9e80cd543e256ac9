# SPDX-License-Identifier: Apache-2.0
"""What two runs are compared by: processes and figures, without pids, addresses, frames or times.

A trace, a scenario and an expectation file all come to an account. Where a value is None the
account does not say it, and nothing is compared.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

NOBODY: Final = -1
"""In place of the number of a member: somebody who is not part of the account."""


class Fate(StrEnum):
    """What became of the end of a process."""

    REAPED = "reaped"
    """A wait call of a member reported it. Whether that call slept is a question of time only."""
    NEVER = "never waited"
    AUTO_REAPED = "auto-reaped"
    RUNNING = "running"
    OUTSIDE = "outside"
    """It was up to somebody who is not part of the account, such as init."""


@dataclass(slots=True)
class Member:
    """A process."""

    name: str
    """The actor's; empty where there is none."""
    label: str
    """What it is called in reports: its name, else its program."""
    parent: int
    """Who was its parent at birth."""
    born: str | None = None
    """`fork`, `clone CLONE_VM|CLONE_FILES`; empty for one that was there before."""
    program: str | None = None
    """What it ran last, which it may have from its parent; without folders."""
    programs: tuple[str, ...] | None = None
    """What it executed, each without folders."""
    end: str | None = None
    """`exit 0`, `SIGKILL`, `running`."""
    fate: Fate | None = None
    reaper: int | None = None
    guardian: int | None = None
    """Its last parent."""
    threads: int | None = None
    """Threads that it created beside its first one."""
    thread_ends: tuple[str, ...] | None = None
    """How they ended, sorted."""
    failed_calls: tuple[str, ...] | None = None
    """Failed system calls, as `clone EINVAL`, sorted."""
    waits_without_child: int | None = None
    """Wait calls that failed or found nobody."""
    creator: int = 0
    """Which of the parent's threads created it, 0 for the first."""
    unsure: frozenset[str] = frozenset()
    """Names of the values above that the recording does not tell for certain."""
    born_ns: int = 0
    """When it was born, on the account's own clock; 0 unknown."""
    ended_ns: int = 0
    children: list[int] = field(default_factory=list)
    """Numbers of those whose parent at birth it was, in order of creation."""


class Place(NamedTuple):
    """Where pages are: whose address space, and which region of the scenario."""

    member: int
    """The process that the address space was made for."""
    region: str


@dataclass(slots=True)
class PageFigures:
    """What happened to the pages of each place."""

    counts: dict[Place, Counter[str]] = field(default_factory=dict)
    """By figure: `copied`, `reused`, `shared`, and the other classes of faults."""
    alone: Counter[Place] = field(default_factory=Counter)
    """Pages that were copied though nobody else had them: something else held a reference."""
    first_ns: dict[tuple[Place, str], int] = field(default_factory=dict)
    """When the first fault of a figure was."""
    elsewhere: Counter[str] = field(default_factory=Counter)
    """The same figures for memory outside of all regions."""

    def add(self, other: PageFigures) -> None:
        """Add the figures of other places; memory outside of those is none of this one's."""
        self.counts |= other.counts
        self.alone.update(other.alone)
        self.first_ns |= other.first_ns


@dataclass(frozen=True, slots=True)
class Loss:
    """What may be missing from a trace, and why."""

    tree: bool = False
    """Of processes."""
    pages: bool = False
    """Of faults."""
    why: str = ""


@dataclass(slots=True)
class Account:
    """All that is compared."""

    what: str
    """What it is about, in a line."""
    members: list[Member]
    """A parent before its children, and these in order of creation."""
    regions: tuple[str, ...] | None = None
    """The regions whose pages are known; None where nothing was recorded of memory."""
    pages: PageFigures | None = None
    """None where nothing was recorded of memory."""
    figures: dict[str, int] | None = None
    """Sums that are given without the processes; None: they follow from the members."""
    loss: Loss = Loss()
    tasks: dict[str, int] = field(default_factory=dict)
    """The member of each actor, those of threads too."""
    played: bool = False
    """It is a run of a scenario: the program that its first process began as is none of its own."""
    ordered: bool = False
    """The order in which a thread creates its children is determined."""
    whole: bool = True
    """It names every process; others would be a difference."""
    partial: bool = False
    """It states a part of what there is to say: values that are None, and figures that it does not
    have, are not compared."""

    def roots(self) -> list[int]:
        """Give the members without a parent, in order."""
        return [at for at, one in enumerate(self.members) if one.parent == NOBODY]

    def named(self) -> dict[str, int]:
        """Give the number of each member that has a name."""
        return {one.name: at for at, one in enumerate(self.members) if one.name}


def link(members: list[Member]) -> None:
    """Fill in the children."""
    for at, one in enumerate(members):
        if one.parent != NOBODY:
            members[one.parent].children.append(at)
