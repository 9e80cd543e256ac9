# SPDX-License-Identifier: Apache-2.0
"""Where the final tree of OSTEP's fork.py is not that of Linux, and which of its rules explains it.

fork.py gives all descendants of a process that exits to the root, or with -R its children to its
own parent. Linux gives its children, and nobody else, to the nearest subreaper above or to the
init of the pid namespace (find_new_reaper(), kernel/exit.c).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from replay.compare.account import NOBODY, Account, Member, link
from replay.compare.cast import Cast
from replay.compare.freedom import Freedom
from replay.compare.sources import Expected, expected_scenario
from replay.scenario.ostep import Reparenting, parents_after, parse_ostep, scenario_of
from traces.errors import STATUS_UNUSABLE_INPUT, ProctraceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from replay.compare.sources import Conditions
    from replay.scenario.ostep import Ostep
    from replay.tables import TraceTables

NAMES: Final = {
    Reparenting.ROOT: "ostep-reparents-to-root",
    Reparenting.LOCAL: "ostep-local-reparent",
}
"""What the known divergences are called."""
UNEXPLAINED: Final = "ostep-tree-differs"
"""A printed tree that neither rule gives."""
_WHY: Final = {
    Reparenting.ROOT: "fork.py gives all descendants of a process that exits to the root; Linux "
    "gives only its children away, to the nearest subreaper or init",
    Reparenting.LOCAL: "fork.py -R gives the children of a process that exits to its parent; Linux "
    "gives them to the nearest subreaper or init",
}
_NO_RULE: Final = "the printed tree is not what fork.py's own rule gives for these actions"
MOST_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Divergence:
    """A process whose parent is another one by fork.py."""

    name: str
    """One of NAMES, or UNEXPLAINED."""
    process: str
    by_linux: str
    by_ostep: str
    actual: str
    """Its parent in the actual trace; empty where it is not there."""
    why: str


def read_ostep(text_or_file: str) -> Ostep:
    """Read an action list, or the file of that name; ProctraceError where it is neither."""
    path = Path(text_or_file)
    if not path.is_file():
        if "+" not in text_or_file:
            raise ProctraceError(
                f"cannot read {text_or_file[:80]}",
                "it is no list of actions, and there is no file of that name",
                "as in: --ostep a+b,b+c,c- or --ostep printed-by-fork.txt",
                status=STATUS_UNUSABLE_INPUT,
            )
        return parse_ostep(text_or_file, "--ostep")
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(MOST_BYTES)
    except (OSError, UnicodeDecodeError) as error:
        why = (error.strerror if isinstance(error, OSError) else "") or "it is no text"
        hint = "name a file with what fork.py printed"
        raise ProctraceError(
            f"cannot read {path}", why, hint, status=STATUS_UNUSABLE_INPUT
        ) from error
    return parse_ostep(text, str(path))


def expected_of(ostep: Ostep, actual: TraceTables, conditions: Conditions) -> Expected:
    """Expect what Linux makes of the actions.

    Of a program of somebody's own only the tree is compared: fork.py does not say who waits, and
    its first process stands for init.
    """
    found = expected_scenario(scenario_of(ostep), actual, conditions)
    if Cast.of(actual).actors:
        return found
    members = [
        Member(one.name, one.label, one.parent, guardian=one.guardian)
        for one in found.account.members
    ]
    link(members)
    account = Account(found.account.what, members, partial=True)
    names = account.named()
    exits = frozenset(names[action.who] for action in ostep.actions if not action.creates)
    return Expected(account, Freedom(init=0, exits=exits))


def divergences(ostep: Ostep, actual: Account, to_actual: Mapping[str, int]) -> list[Divergence]:
    """Name each process that has another parent by fork.py than by Linux.

    `to_actual` gives the member of each process.
    """
    linux = parents_after(ostep, Reparenting.LINUX)
    rule = parents_after(ostep, ostep.reparenting)
    book = ostep.final or rule
    found = []
    for process in linux:
        if process not in book or book[process] == linux[process]:
            continue
        by_rule = book[process] == rule.get(process)
        number = to_actual.get(process)
        found.append(
            Divergence(
                NAMES[ostep.reparenting] if by_rule else UNEXPLAINED,
                process, linux[process], book[process],
                "" if number is None else _guardian(actual, number),
                _WHY[ostep.reparenting] if by_rule else _NO_RULE,
            )
        )  # fmt: skip
    return found


def _guardian(actual: Account, number: int) -> str:
    guardian = actual.members[number].guardian
    return "outside" if guardian in {None, NOBODY} else actual.members[guardian or 0].label
