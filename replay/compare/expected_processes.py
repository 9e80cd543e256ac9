# SPDX-License-Identifier: Apache-2.0
"""Reads the processes of an expectation file, which may stand in each other or name each other."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from replay.compare.account import NOBODY, Fate, Member, PageFigures, Place, link
from replay.compare.figures import PAGE_FIGURES
from replay.compare.members import RUNNING, ended
from replay.scenario.words import ENDING_SIGNALS
from replay.yaml_positions import bad_value

if TYPE_CHECKING:
    from replay.yaml_positions import Fields, Position, Value

MOST_PROCESSES: Final = 20_000
OUTSIDE: Final = "outside"
"""In place of a name: somebody who is not among the processes."""
_MOST: Final = 2**53
PROCESS_KEYS: Final = (
    "name", "child_of", "born", "program", "programs", "threads", "exit", "signal", "running",
    "fate", "reaper", "last_parent", "waits_that_found_nobody", "failed_calls", "pages", "children",
)  # fmt: skip
"""What a process may state."""
_REFERENCES: Final = ("child_of", "reaper", "last_parent")
_FATES: Final = {fate.value.replace(" ", "-"): fate for fate in Fate}


class ProcessReader:
    """Goes through the processes and what is in them."""

    def __init__(self) -> None:
        self.members: list[Member] = []
        self.pages = PageFigures()
        self._names: dict[str, int] = {}
        self._references: list[tuple[int, str, str, Position]] = []

    @classmethod
    def of(cls, value: Value | None) -> ProcessReader:
        """Read a list of processes; ProctraceError at the first place that is no good."""
        reader = cls()
        waiting = [(one, NOBODY) for one in reversed(value.items("processes") if value else [])]
        while waiting:
            one, above = waiting.pop()
            fields = one.fields("a process", PROCESS_KEYS, ())
            if len(reader.members) >= MOST_PROCESSES:
                raise one.error(f"there are more than {MOST_PROCESSES} processes", "use fewer")
            if "child_of" in fields and above != NOBODY:
                at = fields["child_of"].position
                raise bad_value(at, "it stands in its parent already", "leave child_of away")
            number = len(reader.members)
            reader.members.append(reader._member(fields, one, number, above))
            children = fields["children"].items("children") if "children" in fields else []
            waiting += ((child, number) for child in reversed(children))
        reader._resolve()
        link(reader.members)
        return reader

    def _member(self, fields: Fields, value: Value, number: int, parent: int) -> Member:
        name = fields["name"].string("name") if "name" in fields else ""
        program = fields["program"].string("program") if "program" in fields else None
        if name == OUTSIDE or name in self._names:
            why = "stands for who is not among them" if name == OUTSIDE else "is there twice"
            raise bad_value(fields["name"].position, f"{name!r} {why}", "use each name once")
        if name:
            self._names[name] = number
        for key in _REFERENCES:
            if key in fields:
                at = fields[key].position
                self._references.append((number, key, fields[key].string(key), at))
        self._add_pages(fields, number)
        return Member(
            name, name or program or f"process {number + 1}", parent,
            born=_born(fields),
            program=program,
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
            for figure, count in value.fields(f"pages of {region}", PAGE_FIGURES).items():
                counts[figure] = count.integer(figure, 0, _MOST)
            self.pages.counts[Place(number, region)] = counts

    def _resolve(self) -> None:
        """Put the numbers of members in place of their names."""
        for number, key, name, at in self._references:
            if name != OUTSIDE and name not in self._names:
                known = ", ".join([*self._names, OUTSIDE][:20])
                raise bad_value(at, f"there is no process {name!r}", f"there are: {known}")
            found = self._names.get(name, NOBODY)
            member = self.members[number]
            if key == "reaper":
                fate = Fate.OUTSIDE if found == NOBODY else Fate.REAPED
                member.reaper, member.fate = found, member.fate or fate
            elif key == "last_parent":
                member.guardian = found
            elif found >= number:
                raise bad_value(at, f"{name} comes after its child", "put it before")
            else:
                member.parent = found


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
