# SPDX-License-Identifier: Apache-2.0
"""What the reports on one page need to know, looked up once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from replay.memory.lineage import Holds, lineage_of
from replay.memory.pte import PAGE_BYTES
from replay.memory.story import Happening
from replay.memory.walk import Made
from replay.process import ProcessId
from replay.report.life import ended
from replay.report.who import Who
from traces.shown import shown

if TYPE_CHECKING:
    from replay.forest import ProcessForest
    from replay.memory.history import PageHistories
    from replay.memory.lineage import Lineage, Physical, Telling
    from replay.memory.ranges import Ints
    from replay.memory.spaces import AddressSpaces
    from replay.memory.story import PageStory
    from replay.tables import TraceTables

_KERNEL_BEGINS: Final = 1 << 63
_MADVISE: Final = 28
_CALLS: Final = {9: "mmap", 11: "munmap", 12: "brk", 25: "mremap", _MADVISE: "madvise"}
_ADVICE: Final = {
    4: "MADV_DONTNEED",
    9: "MADV_REMOVE",
    24: "MADV_DONTNEED_LOCKED",
    102: "MADV_GUARD_INSTALL",
}
"""include/uapi/asm-generic/mman-common.h: advice that gives pages up."""
_NAMED_BY_ADDRESS: Final = frozenset({"anonymous", "file private", "file shared", "unknown"})
"""Kinds of mappings of which a process has many that nothing else tells apart."""


@dataclass(frozen=True, slots=True)
class FaultPlaces:
    """Where a fault's instruction stood, and what it accessed: rows of `Mappings.describe`."""

    by: dict[str, Any]
    at: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StoryFacts:
    """One story, with the names of its physical pages and the places of its faults."""

    space: int
    lineage: Lineage
    names: list[str]
    faults: dict[int, FaultPlaces]
    where: str
    """The mapping that the page was in."""


class PageFacts:
    """All that the reports say of a page comes from here."""

    def __init__(
        self,
        trace: TraceTables,
        forest: ProcessForest,
        memory: PageHistories,
        asked: tuple[ProcessId, int],
        begin_ns: int,
    ) -> None:
        self.process, address = asked
        self.address = address - address % PAGE_BYTES
        self.begin_ns = begin_ns
        self.who = Who(forest, memory.spaces)
        self.asked = self.who.process(self.process)
        self.stories: list[StoryFacts] = []
        self._trace, self._forest, self._memory = trace, forest, memory

    def add(self, story: PageStory) -> None:
        """Look up what one of its stories needs."""
        lineage = lineage_of(self._memory, story.steps)
        rows = [step.fault for step in story.steps if step.happening is Happening.FAULT]
        faults = self._places(rows)
        at = self._place(story, faults)
        where = "a mapping that the recording does not tell of"
        if at["known"]:
            where = place_words({**at, "section": None, "symbol": None}, at["mapping"])
        self.stories.append(StoryFacts(story.space, lineage, _names(lineage.pages), faults, where))

    def _place(self, story: PageStory, faults: dict[int, FaultPlaces]) -> dict[str, Any]:
        """Say what the page belonged to, by its first fault, best in the address space itself."""
        steps = [step for step in story.steps if step.happening is Happening.FAULT]
        for step in sorted(steps, key=lambda step: step.space != story.space):
            return faults[step.fault].at
        began = story.steps[0]
        looked_at = np.array([began.space]), np.array([began.time_ns])
        [at] = self._told(pl.Series([began.address], dtype=pl.UInt64), *looked_at)
        return at

    def _places(self, rows: list[int]) -> dict[int, FaultPlaces]:
        faults = self._memory.faults[rows]
        by, at = (self._described(faults, column) for column in ("ip", "address"))
        return {
            row: FaultPlaces(*places)
            for row, places in zip(rows, zip(by, at, strict=True), strict=True)
        }

    def _described(self, faults: pl.DataFrame, column: str) -> list[dict[str, Any]]:
        space = faults["space"].to_numpy().astype(np.int64)
        return self._told(faults[column], space, faults["time_ns"].to_numpy().view(np.int64))

    def _told(self, address: pl.Series, space: Ints, time_ns: Ints) -> list[dict[str, Any]]:
        mappings = self._memory.mappings
        found = mappings.find(space, address, time_ns)
        told = mappings.describe(found, address)
        return told.with_columns(pl.Series("known", found >= 0)).to_dicts()

    def writer(self, telling: Telling) -> tuple[ProcessId, int]:
        """Give (process, tid) of a fault: a thread, or a vfork child in its parent's memory."""
        row = self._memory.faults[telling.step.fault]
        task = self._memory.spaces.assign(row).row(0, named=True)
        return ProcessId(task["tgid"], task["leader_start_ns"]), int(row["tid"][0])

    def actor(self, telling: Telling) -> str:
        """Name who did it: by the program it ran in that address space."""
        if telling.step.happening is not Happening.FAULT:
            return self.who.space(telling.step.space)
        process, tid = self.writer(telling)
        if process != self.who.owner(telling.step.space):
            return f"{process.tgid} {self.who.program(telling.step.space)}".rstrip()
        thread = f" (thread {tid})" if tid != process.tgid else ""
        return self.who.space(telling.step.space) + thread

    def call(self, time_ns: int) -> str:
        """Name the system call of a moment that gave the page up."""
        calls = self._trace.table("mapping_call")
        calls = calls.filter((pl.col("enter_ns") == time_ns) | (pl.col("time_ns") == time_ns))
        for number, advice in zip(calls["syscall"].to_list(), calls["arg2"].to_list(), strict=True):
            if number == _MADVISE:
                return f"madvise {_ADVICE.get(advice, advice)}"
            return _CALLS.get(number, str(number))
        return "a call that changed its mapping"

    def ending(self, space: int) -> str:
        """Say how an address space ended."""
        return ending_of(self._forest, self._memory.spaces, self.who, space)


def ending_of(forest: ProcessForest, spaces: AddressSpaces, who: Who, space: int) -> str:
    """Give `executed ls`, `exited with status 0`, `was ended by SIGKILL`."""
    one = spaces.spaces[space]
    users = {use.process for use in one.users if use.end_ns == one.end_ns}
    for other in spaces.spaces:
        if other.made is Made.EXEC and other.begin_ns == one.end_ns and other.process in users:
            return f"executed {who.program(other.number) or 'another program'}"
    process = forest.processes.get(next(iter(users), one.process))
    if process is None or process.end is None:
        return "ended"
    if process.end.signal:
        return f"was ended by {ended(process.end, alive=False)[0]}"
    return f"exited with status {process.end.status}"


def _names(pages: list[Physical]) -> list[str]:
    """Name private pages A, B, ... in the order in which the story comes to them."""
    found, count = [], 0
    for page in pages:
        if page.holds is Holds.PRIVATE:
            found.append(_letters(count))
            count += 1
        else:
            found.append("the page of zeros" if page.holds is Holds.ZEROS else "the file's page")
    return found


def _letters(number: int) -> str:
    """Give A, B, ..., Z, AA, AB, ..."""
    letters = ""
    number += 1
    while number:
        number, letter = divmod(number - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters


def place_words(place: dict[str, Any], address: int) -> str:
    """Give `main in /bin/x`, `.data counter in /bin/x`, `heap 0x1000`, or the bare address."""
    if address >= _KERNEL_BEGINS:
        return f"{address:#x}"
    path = shown(place["path"]) if place["path"] else ""
    parts = [shown(place[name]) for name in ("section", "symbol") if place[name]]
    if path and parts:
        text = parts[-1] if parts[0] == ".text" and len(parts) > 1 else " ".join(parts)
        return f"{text} in {path} ({address:#x})"
    kind = str(place["kind"]) if place["known"] else ""
    return " ".join(word for word in (kind, path, f"({address:#x})" if kind else f"{address:#x}")
                    if word)  # fmt: skip


def mapping_words(place: dict[str, Any]) -> str:
    """Give `anonymous 0x7f5cd2400000`, `data /usr/lib/libc.so.6`, `heap`."""
    words = [str(place["kind"])]
    if place["path"]:
        words.append(shown(place["path"]))
    elif place["mapping"] and place["kind"] in _NAMED_BY_ADDRESS:
        words.append(f"{place['mapping']:#x}")
    return " ".join(words)
