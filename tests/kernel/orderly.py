# SPDX-License-Identifier: Apache-2.0
"""Random scenarios whose outcome their steps determine, but for what a simulation says is open.

Processes run side by side. In one address space only one task is at work at a time: whoever
creates a task in its own memory meets it at a barrier when that one has done its work. Nobody
becomes a subreaper, or ignores SIGCHLD, when others that this is about are there already.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from random import Random

REGIONS: Final[dict[str, dict[str, int | str | bool]]] = {
    "heap": {"pages": 40},
    "file": {"pages": 20, "kind": "private file"},
    "common": {"pages": 18, "kind": "shared anonymous"},
    "board": {"pages": 17, "kind": "shared file"},
    "huge": {"pages": 1100, "thp": True},
}
_ACCESS: Final = ("read", "write", "write", "write")
_ADVICE: Final = ("DONTNEED", "DONTFORK", "DOFORK", "WIPEONFORK", "KEEPONFORK")
_PROGRAMS: Final = (
    {"program": ["/bin/true"]},
    {"program": ["/bin/false"], "status": 1},
    {"program": ["/bin/sh", "-c", "exit 9"], "status": 9},
)
_OWN_MEMORY: Final = ("fork", "fork", "fork", "clone", "clone3")
_SAME_MEMORY: Final = ("thread", "sharer", "vfork", "spawn")
_DEEPEST: Final = 6


@dataclass(slots=True)
class _Actor:
    """One that is being written."""

    name: str
    kind: str
    mapped: set[str]
    """Regions of its address space that are whole; threads have that of their creator."""
    kept: set[str]
    """Regions of it that a child gets with holes."""
    depth: int
    steps: list[object] = field(default_factory=list)
    children: list[str] = field(default_factory=list)
    """That end, and were not waited for."""
    threads: int = 0
    ends: bool = True


class OrderlyScenario:
    """Grows actors from the first one, each of them created once."""

    def __init__(self, random: Random, most_actors: int, steps: int) -> None:
        self._random = random
        self._most_actors = random.randint(1, most_actors)
        self._most_steps = steps
        self._actors: dict[str, list[object]] = {}
        self._barriers = 0
        self._regions = random.sample(sorted(REGIONS), random.randint(1, 3))

    def content(self) -> dict[str, object]:
        """Give what a file of it has in it; once."""
        self._grow("process", set(), set(), 0, [])
        return {
            "scenario": "orderly",
            "about": "random",
            "regions": {name: REGIONS[name] for name in self._regions},
            "actors": dict(sorted(self._actors.items(), key=lambda item: int(item[0][1:]))),
        }

    def _grow(
        self, kind: str, mapped: set[str], kept: set[str], depth: int, last: list[object]
    ) -> _Actor:
        """Make an actor; `last` comes before its end."""
        actor = _Actor(f"a{len(self._actors)}", kind, mapped, kept, depth)
        self._actors[actor.name] = actor.steps
        self._begin(actor)
        for _ in range(self._random.randint(0, self._most_steps)):
            draw = self._random.randrange(20)
            if draw < 3:
                self._map(actor)
            elif draw < 12:
                self._touch(actor)
            elif draw < 17:
                self._create(actor)
            elif actor.children:
                self._wait(actor)
        actor.steps += last
        self._end(actor)
        return actor

    def _begin(self, actor: _Actor) -> None:
        if actor.kind in {"process", "vfork"} and self._random.random() < 0.1:
            actor.steps.append({"become": "subreaper"})
        if actor.kind == "process" and self._random.random() < 0.1:
            actor.steps.append({"ignore": "CHLD"})

    def _map(self, actor: _Actor) -> None:
        region = self._random.choice(self._regions)
        if region in actor.mapped and self._random.random() < 0.2:
            actor.steps.append({"unmap": region})
            actor.mapped.remove(region)
        else:
            actor.steps.append({"map": region})
            actor.mapped.add(region)
        actor.kept.discard(region)

    def _touch(self, actor: _Actor) -> None:
        if not actor.mapped:
            return
        region = self._random.choice(sorted(actor.mapped))
        pages = int(REGIONS[region]["pages"])
        first = self._random.randrange(pages)
        count = self._random.randint(1, min(pages - first, 40))
        fields: dict[str, object] = {"region": region, "first": first, "count": count}
        if self._random.random() < 0.1:
            advice = self._random.choice(_ADVICE)
            actor.steps.append({"madvise": {**fields, "advice": advice}})
            if advice == "DONTFORK":
                actor.kept.add(region)
            return
        if self._random.random() < 0.2:
            fields["random"] = self._random.randrange(1000)
        access: object = {self._random.choice(_ACCESS): fields}
        if self._random.random() < 0.1:
            access = {"repeat": {"times": 2, "steps": [access]}}
        actor.steps.append(access)

    def _create(self, actor: _Actor) -> None:
        """Create a task in whatever way."""
        if len(self._actors) >= self._most_actors or actor.depth >= _DEEPEST:
            return
        same = self._random.random() < 0.35
        how = self._random.choice(_SAME_MEMORY if same else _OWN_MEMORY)
        if same:
            self._create_in_same(actor, how)
        else:
            self._create_apart(actor, how)

    def _create_apart(self, actor: _Actor, how: str) -> None:
        met: list[object] = []
        if self._random.random() < 0.2:
            met = [self._barrier()]
        whole = actor.mapped - actor.kept
        child = self._grow("process", whole, set(), actor.depth + 1, met)
        created: object = {how: child.name}
        if how != "fork":
            flags = self._random.choice([[], ["FILES"], ["FS", "FILES", "SYSVSEM"]])
            signal = self._random.choice(["CHLD", "CHLD", "CHLD", "URG", "none"])
            # Only __WALL finds a child that sends another signal than SIGCHLD.
            child.ends = child.ends and signal == "CHLD"
            described = {"actor": child.name, "flags": flags, "signal": signal, "syscall": how}
            created = {"clone": described}
        actor.steps.append(created)
        if met and not child.children and self._random.random() < 0.5:
            self._touch(actor)
        actor.steps += met
        self._has_child(actor, child)

    def _create_in_same(self, actor: _Actor, how: str) -> None:
        if how == "spawn":
            actor.steps.append({"posix_spawn": self._random.choice(_PROGRAMS)})
            return
        if how == "vfork":
            child = self._grow("vfork", actor.mapped, actor.kept, actor.depth + 1, [])
            actor.steps.append({"vfork": child.name})
            self._has_child(actor, child)
            return
        met = self._barrier()
        child = self._grow(how, actor.mapped, actor.kept, actor.depth + 1, [met])
        created: object = {"thread": child.name}
        if how == "sharer":
            flags = self._random.choice([["VM"], ["VM", "FILES"], ["VM", "FS", "SIGHAND"]])
            created = {"clone": {"actor": child.name, "flags": flags, "signal": "CHLD"}}
            self._has_child(actor, child)
        else:
            actor.threads += 1
        actor.steps += [created, met]

    def _barrier(self) -> dict[str, str]:
        self._barriers += 1
        return {"barrier": f"b{self._barriers}"}

    def _has_child(self, actor: _Actor, child: _Actor) -> None:
        # The children of a thread are those of its process, and others may wait for any of them.
        if child.ends and actor.kind != "thread":
            actor.children.append(child.name)

    def _wait(self, actor: _Actor) -> None:
        """Wait for a child; one that is ignored when it ends makes the call wait for all."""
        child = actor.children.pop(self._random.randrange(len(actor.children)))
        if self._random.random() < 0.3:
            actor.steps.append({"waitid": {"for": child, "options": ["EXITED"]}})
        else:
            actor.steps.append({"wait": child})

    def _end(self, actor: _Actor) -> None:
        """End in one of the ways."""
        draw = self._random.randrange(13)
        if actor.kind == "thread":
            actor.steps.append({"exit_thread": 0})
        elif draw < 2 and actor.kind == "process" and actor.depth < 2:
            actor.steps.append("pause")
            actor.ends = False
        elif draw < 4 and not actor.threads:
            actor.steps.append({"exec": self._random.choice(_PROGRAMS)})
        elif draw < 5 and not actor.threads and actor.kind == "process":
            self._go_on(actor)
        elif draw < 6:
            actor.steps.append({"exit": {"signal": self._random.choice(["TERM", "KILL", "SEGV"])}})
        elif draw < 7 and actor.threads:
            # Since 5.17 the status of the process is that of the thread that ends last, whichever
            # that is (synchronize_group_exit(), kernel/exit.c).
            actor.steps.append({"exit_thread": 0})
        else:
            if draw < 8 and actor.kind in {"process", "image", "vfork"}:
                # Where it is not mapped, or has a hole, this is the end.
                actor.steps.append({"write": self._random.choice(self._regions)})
            actor.steps.append({"exit": self._random.randrange(256)})

    def _go_on(self, actor: _Actor) -> None:
        """Execute another actor, whose children are those of this one, too."""
        image = self._grow("image", set(), set(), actor.depth + 1, [])
        actor.steps.append({"exec": image.name})
        actor.ends = image.ends
