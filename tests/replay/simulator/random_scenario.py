# SPDX-License-Identifier: Apache-2.0
"""Random scenarios that come to an end: anything that actors may do, by a source of numbers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from replay.scenario.reading import parse_scenario

if TYPE_CHECKING:
    from random import Random

    from replay.scenario.scenario import Scenario

REGIONS: dict[str, dict[str, int | str | bool]] = {
    "heap": {"pages": 24},
    "file": {"pages": 20, "kind": "private file"},
    "common": {"pages": 18, "kind": "shared anonymous"},
    "board": {"pages": 17, "kind": "shared file"},
    "huge": {"pages": 1100, "thp": True},
}
_ACCESS = ("read", "write", "write", "write")
_ADVICE = ("DONTNEED", "DONTFORK", "DOFORK", "WIPEONFORK", "KEEPONFORK", "HUGEPAGE", "NOHUGEPAGE")


class RandomScenario:
    """Grows actors from the first one, each of them created once."""

    def __init__(self, random: Random, most_actors: int, steps: int) -> None:
        self._random = random
        self._most_actors = most_actors
        self._steps = steps
        self._actors: dict[str, list[object]] = {}
        self._regions = random.sample(sorted(REGIONS), random.randint(1, 3))

    def scenario(self) -> Scenario:
        """Give a scenario, checked as any other."""
        return parse_scenario(json.dumps(self.content()), "random")

    def content(self) -> dict[str, object]:
        """Give what a file of it has in it; once."""
        self._actor(mapped=set(), depth=0, kind="process")
        return {
            "scenario": "random",
            "about": "random",
            "regions": {name: REGIONS[name] for name in self._regions},
            "actors": dict(sorted(self._actors.items(), key=lambda item: int(item[0][1:]))),
        }

    def _actor(self, mapped: set[str], depth: int, kind: str) -> str:
        name = f"a{len(self._actors)}"
        steps: list[object] = []
        self._actors[name] = steps
        mapped, waitable, threads = set(mapped), list[str](), 0
        for _ in range(self._random.randint(0, self._steps)):
            what = self._random.randrange(22)
            if what < 3:
                region = self._random.choice(self._regions)
                steps.append({"map": region})
                mapped.add(region)
            elif what < 13 and mapped:
                choose = self._access if what < 12 else self._advice
                steps.append(choose(sorted(mapped)))
            elif what < 18 and len(self._actors) < self._most_actors and depth < 5:
                threads += self._creates(steps, mapped, waitable, (depth, kind))
            elif what < 20 and waitable and kind != "thread":
                place = self._random.randrange(len(waitable))
                steps.append(self._wait(waitable.pop(place)))
            elif what == 20:
                steps.append({"become": "subreaper"})
            elif what == 21 and not waitable and self._random.random() < 0.3:
                steps.append({"ignore": "CHLD"})
                break
        self._finish(steps, kind, threads, depth)
        return name

    def _creates(
        self, steps: list[object], mapped: set[str], waitable: list[str], place: tuple[int, str]
    ) -> bool:
        """Create a task in whatever way; tells whether it is a thread."""
        depth, kind = place
        how = self._random.choice(["fork", "fork", "fork", "vfork", "clone", "thread"])
        if kind == "thread" and how == "vfork":
            return False
        child = self._child(how, mapped, depth)
        steps.append(self._creation(how, child))
        if how in {"fork", "vfork"}:
            waitable.append(child)
        return how == "thread"

    def _child(self, how: str, mapped: set[str], depth: int) -> str:
        kind = {"thread": "thread", "vfork": "vfork", "clone": "vfork"}.get(how, "process")
        return self._actor(mapped, depth + 1, kind)

    def _creation(self, how: str, child: str) -> object:
        if how == "clone":
            return {"clone": {"actor": child, "flags": ["VM", "FILES"]}}
        return {how: child}

    def _wait(self, child: str) -> object:
        """Wait for a child that was not waited for; it may have been adopted by nobody else."""
        if self._random.random() < 0.3:
            return {"waitid": {"for": child, "options": ["EXITED"]}}
        return {"wait": child}

    def _access(self, mapped: list[str]) -> object:
        region = self._random.choice(mapped)
        pages = int(REGIONS[region]["pages"])
        first = self._random.randrange(pages)
        count = self._random.randint(0, min(pages - first, 40))
        fields: dict[str, object] = {"region": region, "first": first, "count": count}
        if self._random.random() < 0.2:
            fields["random"] = self._random.randrange(1000)
        return {self._random.choice(_ACCESS): fields}

    def _advice(self, mapped: list[str]) -> object:
        region = self._random.choice(mapped)
        pages = int(REGIONS[region]["pages"])
        first = self._random.randrange(pages)
        count = self._random.randint(1, pages - first)
        advice = self._random.choice(_ADVICE)
        return {"madvise": {"region": region, "advice": advice, "first": first, "count": count}}

    def _finish(self, steps: list[object], kind: str, threads: int, depth: int) -> None:
        """End in one of the ways; a vfork child must not stay, nor must anyone wait for it."""
        draw = self._random.randrange(10)
        if kind == "thread":
            steps.append({"exit_thread": 0})
        elif draw < 3 and kind != "vfork" and steps[-1:] != [{"ignore": "CHLD"}] and depth < 2:
            steps.append("pause")
        elif draw < 5 and not threads:
            steps.append({"exec": ["/bin/true"]})
        elif draw < 6:
            steps.append({"exit": {"signal": "TERM"}})
        elif draw < 7 and threads:
            steps.append({"exit_thread": self._random.randrange(256)})
        else:
            steps.append({"exit": self._random.randrange(256)})
