# SPDX-License-Identifier: Apache-2.0
"""The plan: a scenario as flat lists of operations with numbers instead of names.

The simulator and the program that runs a scenario for real both execute this, so that the two
cannot differ in what they understand. PLAN.md describes it and its form as text.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

PLAN_VERSION: Final = 1
MAX_ACTORS: Final = 4096
MAX_OPERATIONS: Final = 200_000
"""The most operations that all actors have together."""
MAX_PLAN_PAGES: Final = 1 << 23
"""The most pages of all regions together."""
FIRST_ADDRESS: Final = 0x1000_0000_0000
"""Where the first region lies: far from all that a process maps itself."""
REGION_GAP_BYTES: Final = 1 << 30
"""Between regions, so that two are never one mapping."""
HUGE_BYTES: Final = 1 << 21
NOBODY: Final = -1
"""In place of the number of an actor: any child."""
NO_SEED: Final = -1


class Made(IntEnum):
    """How an actor of a plan comes to run."""

    ROOT = 0
    CREATED = 1
    """By an operation CREATE of its parent, as a task of its own."""
    EXECUTED = 2
    """By an operation EXEC_ACTOR of its parent, whose task it goes on with."""


class Code(StrEnum):
    """What an operation does; PLAN.md lists the numbers that it takes."""

    MAP = "map"
    UNMAP = "unmap"
    MADVISE = "madvise"
    READ = "read"
    WRITE = "write"
    CREATE = "create"
    EXEC_ACTOR = "exec_actor"
    EXEC_PROGRAM = "exec_program"
    WAIT = "wait"
    WAIT_ALL = "wait_all"
    WAITID = "waitid"
    EXIT = "exit"
    EXIT_THREAD = "exit_thread"
    DIE = "die"
    KILL = "kill"
    PAUSE = "pause"
    BARRIER = "barrier"
    SUBREAPER = "subreaper"
    IGNORE_CHILDREN = "ignore_children"


ENDS: Final = frozenset({Code.EXEC_ACTOR, Code.EXEC_PROGRAM, Code.EXIT, Code.EXIT_THREAD, Code.DIE,
                         Code.PAUSE})  # fmt: skip
"""Codes after which an actor does nothing more; each list ends with one, and only there."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that an actor does."""

    code: Code
    numbers: tuple[int, ...] = ()
    argv: tuple[str, ...] = ()
    """Of EXEC_PROGRAM."""


@dataclass(frozen=True, slots=True)
class PlanRegion:
    """Memory at the same address in whatever actor maps it."""

    name: str
    address: int
    pages: int
    shared: bool
    file: bool
    thp: bool

    @property
    def first_page(self) -> int:
        """Its address over 4096."""
        return self.address >> 12


@dataclass(frozen=True, slots=True)
class PlanBarrier:
    """A point that a number of actors wait for each other at, once."""

    name: str
    participants: int


@dataclass(frozen=True, slots=True)
class PlanActor:
    """One run of an actor."""

    name: str
    """Unique, and short enough for task->comm."""
    made: Made
    parent: int
    """Who creates it or executes it; NOBODY for the root."""
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What all actors do."""

    scenario: str
    regions: tuple[PlanRegion, ...]
    barriers: tuple[PlanBarrier, ...]
    actors: tuple[PlanActor, ...]
    """The root first; each after its parent."""


def touched_pages(operation: Operation) -> NDArray[np.int64]:
    """Give the pages of its region that a READ or WRITE touches, in order."""
    _, first, count, step, seed, span = operation.numbers
    place = np.arange(count, dtype=np.int64)
    if seed == NO_SEED:
        return first + place * step
    drawn: NDArray[np.int64] = (_mixed(seed, place) % np.uint64(span)).astype(np.int64)
    return first + drawn


def _mixed(seed: int, place: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Give numbers that look random: SplitMix64 of a seed."""
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + (place.astype(np.uint64) + np.uint64(1)) * np.uint64(
            0x9E3779B97F4A7C15
        )
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed: NDArray[np.uint64] = z ^ (z >> np.uint64(31))
    return mixed


def encode_plan(plan: Plan) -> str:
    """Give a plan as text: each line is a word, eight integers and perhaps text (PLAN.md)."""
    lines = [_line("plan", PLAN_VERSION, len(plan.regions), len(plan.barriers), len(plan.actors),
                   text=plan.scenario)]  # fmt: skip
    lines += [
        _line("region", at, one.address, one.pages, one.shared, one.file, one.thp, text=one.name)
        for at, one in enumerate(plan.regions)
    ]
    lines += [
        _line("barrier", at, one.participants, text=one.name)
        for at, one in enumerate(plan.barriers)
    ]
    for at, actor in enumerate(plan.actors):
        count = len(actor.operations)
        lines.append(_line("actor", at, actor.made, actor.parent, count, text=actor.name))
        for operation in actor.operations:
            lines.append(_line(operation.code, *operation.numbers))
            lines += [_line("argument", len(text.encode()), text=text) for text in operation.argv]
    lines.append(_line("end"))
    return "".join(lines)


def _line(word: str, *numbers: int, text: str = "") -> str:
    filled = [*(int(number) for number in numbers), *[0] * (8 - len(numbers))]
    return f"{word} {' '.join(map(str, filled))} {text}\n"
