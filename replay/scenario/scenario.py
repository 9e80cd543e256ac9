# SPDX-License-Identifier: Apache-2.0
"""What a scenario says: regions of memory, and actors with the steps that each takes.

These are values; `reading` makes them from YAML, and `plan` makes from them, with the parameters
known, the flat lists of operations that are executed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from replay.scenario.amount import Amount
    from replay.yaml_positions import Position

ANY: Final = "any"
"""A wait for whichever child ends first."""
ALL: Final = "all"
"""Waits for whichever child, until there is none left."""
RESERVED: Final = frozenset({ANY, ALL})
"""Words that cannot be names of actors."""


@dataclass(frozen=True, slots=True)
class Region:
    """A piece of memory that actors may map, at the same address in each."""

    name: str
    pages: Amount
    shared: bool
    """MAP_SHARED, else MAP_PRIVATE."""
    file: bool
    """Of a file that is in the page cache, else anonymous."""
    thp: bool
    """madvise(MADV_HUGEPAGE) as it is mapped, else MADV_NOHUGEPAGE."""
    position: Position


@dataclass(frozen=True, slots=True)
class Pages:
    """Pages of a region: `count` of them from `first` on, `step` apart.

    With a seed, that many are drawn from those from `first` on, the same page perhaps again.
    """

    first: Amount
    count: Amount | None
    """None: all that the region has from `first` on."""
    step: Amount
    seed: Amount | None


@dataclass(frozen=True, slots=True)
class Map:
    """Map a region, where it was mapped before, anew."""

    region: str
    position: Position


@dataclass(frozen=True, slots=True)
class Unmap:
    """Take the mapping of a region away."""

    region: str
    position: Position


@dataclass(frozen=True, slots=True)
class Madvise:
    """Give the kernel advice (MADV_*) about pages of a region."""

    region: str
    advice: int
    pages: Pages
    position: Position


@dataclass(frozen=True, slots=True)
class Access:
    """Read or write one byte of each of these pages."""

    region: str
    write: bool
    pages: Pages
    position: Position


@dataclass(frozen=True, slots=True)
class Create:
    """Create a task that runs an actor, by exactly these flags."""

    actor: str
    flags: int
    """CLONE_*, without the signal."""
    signal: int
    """What the parent gets at the end of the new process."""
    syscall: int
    """56 clone, 57 fork, 58 vfork, 435 clone3."""
    depth: Amount | None
    """Where an actor creates itself: how many generations there are at most."""
    spawns: Exec | None
    """What the new task executes before anything else, as posix_spawn does."""
    position: Position


@dataclass(frozen=True, slots=True)
class Exec:
    """Execute an actor in an image of its own, or else a program."""

    actor: str
    """Empty for a program."""
    argv: tuple[str, ...]
    status: Amount
    """Of a program: the status that it exits with."""
    position: Position


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for the end of children."""

    target: str
    """The name of an actor, ANY or ALL."""
    options: int
    by_id: bool
    """By waitid, else by wait4."""
    position: Position


@dataclass(frozen=True, slots=True)
class Exit:
    """End the process; or the thread alone."""

    status: Amount
    whole_process: bool
    position: Position


@dataclass(frozen=True, slots=True)
class Die:
    """End the process by a signal that it sends itself."""

    signal: int
    position: Position


@dataclass(frozen=True, slots=True)
class Kill:
    """End another process by a signal, once it has come to its `pause`."""

    actor: str
    signal: int
    position: Position


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait for a signal."""

    position: Position


@dataclass(frozen=True, slots=True)
class Barrier:
    """Wait for all actors that come to the barrier of this name."""

    name: str
    position: Position


@dataclass(frozen=True, slots=True)
class BecomeSubreaper:
    """prctl(PR_SET_CHILD_SUBREAPER): get the orphans among one's descendants."""

    position: Position


@dataclass(frozen=True, slots=True)
class IgnoreChildren:
    """Ignore SIGCHLD: children leave no zombie."""

    position: Position


@dataclass(frozen=True, slots=True)
class Repeat:
    """Take steps several times over."""

    times: Amount
    steps: tuple[Step, ...]
    position: Position


Step: TypeAlias = (
    Map | Unmap | Madvise | Access | Create | Exec | Wait | Exit | Die | Kill | Pause | Barrier
    | BecomeSubreaper | IgnoreChildren | Repeat
)  # fmt: skip
"""Whatever an actor may do."""


@dataclass(frozen=True, slots=True)
class Actor:
    """A named list of steps; when they are over, its task ends with status 0."""

    name: str
    steps: tuple[Step, ...]
    position: Position


@dataclass(frozen=True, slots=True)
class Parameter:
    """An integer that may be set from outside."""

    name: str
    default: int
    low: int
    high: int
    about: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario; the first actor is the process that everything begins with."""

    name: str
    about: str
    lesson: str
    """What there is to see, in a few sentences."""
    parameters: Mapping[str, Parameter]
    regions: Mapping[str, Region]
    actors: Mapping[str, Actor]
    position: Position
