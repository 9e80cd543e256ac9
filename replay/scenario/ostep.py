# SPDX-License-Identifier: Apache-2.0
"""The process trees of fork.py, a homework of *Operating Systems: Three Easy Pieces*.

Read are its action lists (`a+b,b+c,c-`) and what it prints (`a forks b`, `c EXITS`, trees). As a
scenario the first process is a subreaper, which stands for init; each action is over before the
next one begins, and whoever is the parent by then waits for a process that exits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from replay.scenario.amount import fixed
from replay.scenario.scenario import (
    ALL,
    Actor,
    Barrier,
    BecomeSubreaper,
    Create,
    Exit,
    Scenario,
    Wait,
)
from replay.scenario.words import FORK, SIGCHLD
from replay.yaml_positions import Position, bad_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from replay.scenario.scenario import Step

MOST_ACTIONS: Final = 400
"""More are refused: every process takes part in each."""
_NAME: Final = r"[A-Za-z][A-Za-z0-9]{0,9}"
_ACTION: Final = re.compile(rf"({_NAME})(?:\+({_NAME})|-)")
_PRINTED: Final = re.compile(
    rf"\s*(?:Action:\s*)?({_NAME}) (?:forks ({_NAME})|EXITS( \(failed: has children\))?)\s*"
)
_TREE_LINE: Final = re.compile(rf"([ │─├└|_+-]*)({_NAME})\s*")
_LOCAL: Final = re.compile(r"\s*ARG local_reparent (True|False)\s*")


class Reparenting(StrEnum):
    """Who gets the children of a process that exits."""

    ROOT = "root"
    """fork.py: the root gets all its descendants, those that have a living parent, too."""
    LOCAL = "local"
    """fork.py -R: its own parent gets its children."""
    LINUX = "linux"
    """find_new_reaper() (kernel/exit.c): the nearest subreaper or init gets its children, and
    nobody else's; here that is the root."""


@dataclass(frozen=True, slots=True)
class Action:
    """One action; who exits where nobody is created."""

    who: str
    creates: str
    position: Position


@dataclass(frozen=True, slots=True)
class Ostep:
    """A list of actions and what fork.py said about them."""

    root: str
    actions: tuple[Action, ...]
    reparenting: Reparenting
    """ROOT unless its output says that it ran with -R."""
    final: Mapping[str, str] | None
    """Parent by process of the last tree that it printed; None where it printed none after the
    actions. The root has the parent ''."""


def parse_ostep(text: str, source: str) -> Ostep:
    """Read either notation; ProctraceError at the first action that is no good."""
    lines = text.splitlines()
    printed = [(at, match) for at, line in enumerate(lines, 1)
               if (match := _PRINTED.fullmatch(line))]  # fmt: skip
    if printed:
        return _printed(lines, printed, source)
    actions = []
    for at, line in enumerate(lines, 1):
        column = 1
        for word in line.split(",") if line.strip() else ():
            here = Position(source, at, column + len(word) - len(word.lstrip()))
            column += len(word) + 1
            match = _ACTION.fullmatch(word.strip())
            if match is None:
                hint = "write a+b for 'a forks b', b- for 'b exits', with commas between"
                raise bad_value(here, f"{word.strip()[:40]!r} is no action", hint)
            actions.append(Action(match[1], match[2] or "", here))
    return _checked(actions, Reparenting.ROOT, None, Position(source, 1, 1))


def _printed(lines: list[str], printed: list[tuple[int, re.Match[str]]], source: str) -> Ostep:
    actions = [
        Action(match[1], match[2] or "", Position(source, at, match.start(1) + 1))
        for at, match in printed
        if not match[3]
    ]
    local = any(match[1] == "True" for line in lines if (match := _LOCAL.fullmatch(line)))
    rule = Reparenting.LOCAL if local else Reparenting.ROOT
    tree = _last_tree(lines[printed[-1][0] :])
    return _checked(actions, rule, tree, Position(source, 1, 1))


def _checked(
    actions: list[Action], rule: Reparenting, final: dict[str, str] | None, start: Position
) -> Ostep:
    """See that each action is possible; the first process is the one that acts first."""
    if not actions:
        raise bad_value(start, "there is no action", "write a+b for 'a forks b'")
    if len(actions) > MOST_ACTIONS:
        at = actions[MOST_ACTIONS].position
        raise bad_value(at, f"there are more than {MOST_ACTIONS} actions", "use fewer")
    root = actions[0].who
    known, alive = {root}, {root}
    for action in actions:
        if action.who not in alive:
            raise bad_value(action.position, f"there is no process {action.who} by then",
                            "let another one create it before")  # fmt: skip
        if action.creates in known:
            raise bad_value(action.position, f"{action.creates} was there already",
                            "use each name once")  # fmt: skip
        if action.creates:
            known.add(action.creates)
            alive.add(action.creates)
        elif action.who == root:
            raise bad_value(action.position, f"{root} is the first process", "let it stay")
        else:
            alive.remove(action.who)
    return Ostep(root, tuple(actions), rule, final)


def _last_tree(lines: Sequence[str]) -> dict[str, str] | None:
    """Read a printed tree, in whatever style: children stand further right than their parent."""
    parents: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for line in lines:
        match = _TREE_LINE.fullmatch(line)
        if match is None:
            continue
        column, name = len(match[1]), match[2]
        # Of the style `basic` names of two letters begin one column before those of one.
        while above and column < above[-1][0] + 2:
            above.pop()
        parents[name] = above[-1][1] if above else ""
        above.append((column, name))
    return parents or None


def parents_after(ostep: Ostep, rule: Reparenting) -> dict[str, str]:
    """Give the parent of each process that is left after all actions; that of the root is ''."""
    parents = {ostep.root: ""}
    for action in ostep.actions:
        if action.creates:
            parents[action.creates] = action.who
            continue
        own = parents.pop(action.who)
        if rule is Reparenting.ROOT:
            orphans = _descendants(parents, action.who)
        else:
            orphans = [name for name, parent in parents.items() if parent == action.who]
        for orphan in orphans:
            parents[orphan] = own if rule is Reparenting.LOCAL else ostep.root
    return parents


def _descendants(parents: Mapping[str, str], name: str) -> list[str]:
    found, waiting = list[str](), [name]
    while waiting:
        above = waiting.pop()
        children = [child for child, parent in parents.items() if parent == above]
        found += children
        waiting += children
    return found


def divergences(ostep: Ostep) -> list[str]:
    """Name where fork.py's tree and that of Linux differ, a sentence for each process."""
    linux = parents_after(ostep, Reparenting.LINUX)
    book = ostep.final or parents_after(ostep, ostep.reparenting)
    why = {
        Reparenting.ROOT: "fork.py gives all descendants of a process that exits to the root; "
        "Linux gives away only its children",
        Reparenting.LOCAL: "fork.py -R gives the children of a process that exits to its parent; "
        "Linux gives them to the nearest subreaper or init",
    }[ostep.reparenting]
    return [
        f"{name} is a child of {linux[name]}, and of {book[name]} by fork.py: {why}"
        for name in linux
        if name in book and linux[name] != book[name]
    ]


def ostep_scenario(text: str, source: str = "--ostep") -> Scenario:
    """Give the scenario of an action list or of fork.py's output."""
    return scenario_of(parse_ostep(text, source))


def scenario_of(ostep: Ostep) -> Scenario:
    """Give the scenario of actions that were read."""
    steps = _steps(ostep)
    start = ostep.actions[0].position
    actors = {name: Actor(name, tuple(taken), start) for name, taken in steps.items()}
    about = "The actions of fork.py (OSTEP), one after the other."
    return Scenario("ostep", about, "", {}, {}, actors, start)


def _steps(ostep: Ostep) -> dict[str, list[Step]]:
    """Let all that are alive meet after each action, so that they happen in this order."""
    root = ostep.root
    parents = {root: ""}
    steps: dict[str, list[Step]] = {root: [BecomeSubreaper(ostep.actions[0].position)]}
    for turn, action in enumerate(ostep.actions):
        who, at = action.who, action.position
        if action.creates:
            steps[action.creates] = []
            steps[who].append(Create(action.creates, 0, SIGCHLD, FORK, None, None, at))
            parents[action.creates] = who
        else:
            steps[who].append(Exit(fixed("status", 0, at), whole_process=True, position=at))
            steps[parents.pop(who)].append(Wait(who, 0, by_id=False, position=at))
            for name, parent in parents.items():
                if parent == who:
                    parents[name] = root
        for name in parents:
            steps[name].append(Barrier(f"turn {turn}", at))
    for name in parents:
        steps[name].append(Wait(ALL, 0, by_id=False, position=ostep.actions[-1].position))
    return steps
