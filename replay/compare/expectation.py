# SPDX-License-Identifier: Apache-2.0
"""Reads an expectation file, which any simulator can write: EXPECTATION.md says what it may hold.

What it does not state is not compared.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from replay.compare.account import NOBODY, Account, Fate, Member, PageFigures, Place, link
from replay.compare.figures import COPIED, REUSED, SHARED
from replay.compare.from_trace import RUNNING, ended
from replay.memory.classes import FaultClass
from replay.scenario.words import ENDING_SIGNALS
from replay.yaml_positions import bad_value, parse_yaml, read_yaml

if TYPE_CHECKING:
    from pathlib import Path

    from replay.yaml_positions import Fields, Position, Value

VERSION: Final = 1
MOST_PROCESSES: Final = 20_000
_MOST: Final = 2**53
_HEAD: Final = ("expectation", "about", "ordered", "complete", "processes", "figures")
_PROCESS: Final = (
    "name", "program", "born", "programs", "threads", "exit", "signal", "running", "fate",
    "reaper", "parent", "waits_that_found_nobody", "failed_calls", "pages", "children",
)  # fmt: skip
_FIGURES: Final = (
    COPIED, REUSED, SHARED,
    *(kind.value for kind in FaultClass if kind not in {FaultClass.COPY, FaultClass.REUSE}),
)  # fmt: skip
_FATES: Final = {fate.value.replace(" ", "-"): fate for fate in Fate}


def read_expectation(path: Path) -> Account:
    """Read a file; ProctraceError at the first place that is no good."""
    return _account(read_yaml(path))


def parse_expectation(text: str, source: str) -> Account:
    """Read it from text; `source` is its name in errors."""
    return _account(parse_yaml(text, source))


def is_expectation(value: Value) -> bool:
    """Tell an expectation from a scenario."""
    return isinstance(value.content, dict) and "expectation" in value.content


def expectation_account(value: Value) -> Account:
    """Make the account of what was read."""
    return _account(value)


def _account(root: Value) -> Account:
    fields = root.fields("an expectation", _HEAD, ("expectation",))
    fields["expectation"].integer("expectation", VERSION, VERSION)
    about = fields["about"].string("about") if "about" in fields else "an expectation"
    reader = _Reader()
    for value in fields["processes"].items("processes") if "processes" in fields else ():
        reader.process(value, NOBODY)
    reader.resolve()
    link(reader.members)
    whole = fields["complete"].boolean("complete") if "complete" in fields else True
    regions = tuple(dict.fromkeys(place.region for place in reader.pages.counts))
    return Account(
        about,
        reader.members,
        regions=regions or None,
        pages=reader.pages if regions else None,
        figures=_figures(fields),
        ordered=fields["ordered"].boolean("ordered") if "ordered" in fields else False,
        whole=whole and "processes" in fields,
        partial=True,
    )


def _figures(fields: Fields) -> dict[str, int] | None:
    if "figures" not in fields:
        return None
    given = fields["figures"].mapping("figures")
    return {name: value.integer(name, 0, _MOST) for name, value in given.items()}


class _Reader:
    """Goes through the tree of processes."""

    def __init__(self) -> None:
        self.members: list[Member] = []
        self.pages = PageFigures()
        self._names: dict[str, int] = {}
        self._references: list[tuple[int, str, str, Position]] = []

    def process(self, value: Value, parent: int) -> None:
        """Read a process and those below it."""
        waiting = [(value, parent)]
        while waiting:
            one, above = waiting.pop()
            fields = one.fields("a process", _PROCESS, ())
            if len(self.members) >= MOST_PROCESSES:
                raise one.error(f"there are more than {MOST_PROCESSES} processes", "use fewer")
            number = len(self.members)
            self.members.append(self._member(fields, one, number, above))
            children = fields["children"].items("children") if "children" in fields else []
            waiting += ((child, number) for child in reversed(children))

    def _member(self, fields: Fields, value: Value, number: int, parent: int) -> Member:
        name = fields["name"].string("name") if "name" in fields else ""
        program = fields["program"].string("program") if "program" in fields else ""
        if not name and not program:
            raise value.error("a process needs a name or a program", "add 'name: ...'")
        if name in self._names:
            at = fields["name"].position
            raise bad_value(at, f"{name!r} stands for two processes", "use each name once")
        if name:
            self._names[name] = number
        for key in ("reaper", "parent"):
            if key in fields:
                at = fields[key].position
                self._references.append((number, key, fields[key].string(key), at))
        self._add_pages(fields, number)
        return Member(
            name, name or program, parent,
            born=_born(fields),
            programs=_strings(fields, "programs"),
            end=_end(fields, value),
            fate=_FATES[fields["fate"].one_of("fate", _FATES)] if "fate" in fields else None,
            threads=_number(fields, "threads"),
            failed_calls=_strings(fields, "failed_calls", in_order=True),
            waits_without_child=_number(fields, "waits_that_found_nobody"),
        )  # fmt: skip

    def _add_pages(self, fields: Fields, number: int) -> None:
        for region, value in fields["pages"].mapping("pages").items() if "pages" in fields else ():
            counts = Counter[str]()
            for figure, count in value.fields(f"pages of {region}", _FIGURES).items():
                counts[figure] = count.integer(figure, 0, _MOST)
            self.pages.counts[Place(number, region)] = counts

    def resolve(self) -> None:
        """Put the numbers of members in place of their names."""
        for number, key, name, at in self._references:
            if name != "outside" and name not in self._names:
                known = ", ".join([*self._names, "outside"][:20])
                raise bad_value(at, f"there is no process {name!r}", f"there are: {known}")
            found = self._names.get(name, NOBODY)
            if key == "reaper":
                self.members[number].reaper = found
            else:
                self.members[number].guardian = found


def _born(fields: Fields) -> str | None:
    if "born" not in fields:
        return None
    born = fields["born"].string("born")
    return "" if born == "before" else born


def _strings(fields: Fields, key: str, *, in_order: bool = False) -> tuple[str, ...] | None:
    if key not in fields:
        return None
    found = [item.string(key) for item in fields[key].items(key)]
    return tuple(sorted(found) if in_order else found)


def _number(fields: Fields, key: str) -> int | None:
    return fields[key].integer(key, 0, _MOST) if key in fields else None


def _end(fields: Fields, value: Value) -> str | None:
    given = [key for key in ("exit", "signal", "running") if key in fields]
    if len(given) > 1:
        raise value.error(f"it has {' and '.join(given)}", "a process ends in one way")
    match given:
        case ["exit"]:
            return ended(fields["exit"].integer("exit", 0, 255), 0)
        case ["signal"]:
            name = fields["signal"].one_of("signal", ENDING_SIGNALS)
            return ended(0, ENDING_SIGNALS[name])
        case ["running"]:
            return RUNNING if fields["running"].boolean("running") else None
    return None
