# SPDX-License-Identifier: Apache-2.0
"""Histories with memory: tasks that map, touch, move and unmap pages, recorded fault by fault.

    history = remember("sh writes 5, sh forks a, a writes 5, sh writes 5")
    memory = history.memory()

Pages are named by number (address over 4096). The small kernel here keeps page tables and knows
for each fork what was shared and who ended it, written down apart from `replay.memory`.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from replay.memory.history import PageHistories
from tests.histories.build import CLONE_VM, History

if TYPE_CHECKING:
    from tests.histories.fake import FakeTrace
    from tests.histories.kernel import Thread

P, RW, US, A, D, PSE, SPECIAL = 1, 2, 4, 0x20, 0x40, 0x80, 0x200
SAVED_DIRTY = 1 << 58
ZERO_PFN, HUGE_ZERO_PFN = 7, 0x200
CODE = 0x401000
"""Where the instructions stand that fault."""
COMPLETED, EXCLUSIVE, PAGE_READ, KERNEL = 4, 16, 8, 1


@dataclass(eq=False)
class Mm:
    """An address space."""

    pointer: int
    ptes: dict[int, Pte] = field(default_factory=dict)
    shared: set[int] = field(default_factory=set)
    """Pages of shared mappings."""
    hidden: set[int] = field(default_factory=set)
    """Pages that madvise keeps from children."""
    users: int = 1
    fork: Fork | None = None


@dataclass
class Pte:
    """A page of an address space."""

    frame: int
    writable: bool
    private: bool = True
    due: tuple[Fork, str] | None = None
    """The fork to which the next write is due, and whose write it would be."""

    def raw(self) -> int:
        """Give the entry as x86-64 keeps it."""
        dirty = (D if self.writable else SAVED_DIRTY) if self.private else 0
        special = SPECIAL if self.frame == ZERO_PFN else 0
        return self.frame << 12 | P | US | A | dirty | special | (RW if self.writable else 0)


@dataclass(eq=False)
class Fork:
    """A fork and what became of what it shared."""

    child: Mm
    shared: set[int]
    written: set[int] = field(default_factory=set)
    """Pages that either wrote while the child was there."""
    counts: dict[str, int] = field(default_factory=dict)
    over: bool = False


def remember(story: str = "") -> MemoryHistory:
    """Give a new history in which a story happened."""
    history = MemoryHistory()
    if story:
        history.tell(story)
    return history


class MemoryHistory(History):
    """The verbs that concern memory, and memory's part in the others."""

    def __init__(self) -> None:
        self.mms: dict[Thread, Mm] = {}
        self.alive: list[Mm] = []
        self.forks_made: list[Fork] = []
        self._pointers = itertools.count(0xFFFF_8880_0000_0000, 0x40)
        self._frames = itertools.count(0x1000)
        self._free_pointers: list[int] = []
        self.took_ns = 100
        super().__init__()
        self.made.metadata["memory"] = {
            "levels": 4, "zero_pfn": ZERO_PFN, "huge_zero_pfn": HUGE_ZERO_PFN,
        }  # fmt: skip

    def memory(self) -> PageHistories:
        """End the recording and give what replay rebuilds from it."""
        return PageHistories.from_trace(self.end_recording())

    @property
    def trace(self) -> FakeTrace:
        """The rows so far."""
        return self.made

    def mm(self, who: str) -> Mm:
        """Give the address space of a task by its name."""
        return self.mms[self.threads[who]]

    def _new_mm(self) -> Mm:
        # The most recently freed is taken first, as slab does.
        pointer = self._free_pointers.pop() if self._free_pointers else next(self._pointers)
        mm = Mm(pointer)
        self.alive.append(mm)
        return mm

    def _leave(self, mm: Mm) -> None:
        mm.users -= 1
        if not mm.users:
            self.alive.remove(mm)
            self._free_pointers.append(mm.pointer)
            if mm.fork is not None:
                mm.fork.over = True

    def adopt(self, thread: Thread) -> None:
        """Begin to follow a task."""
        super().adopt(thread)
        self.mms[thread] = self._new_mm()
        self.made.rows["adopted"][-1]["mm"] = self.mms[thread].pointer

    def created(self, caller: Thread, child: Thread, flags: int) -> None:
        """Share or copy the address space of a caller."""
        super().created(caller, child, flags)
        mm = self.mms[caller]
        if flags & CLONE_VM:
            mm.users += 1
            self.mms[child] = mm
        else:
            self.mms[child] = self._copied(mm)
        pointers = {"mm": mm.pointer, "child_mm": self.mms[child].pointer}
        self.made.rows["newtask"][-1].update(pointers)

    def _copied(self, mm: Mm) -> Mm:
        child = self._new_mm()
        child.shared, child.hidden = set(mm.shared), set(mm.hidden)
        given = {n: p for n, p in mm.ptes.items() if p.private and n not in mm.hidden}
        fork = child.fork = Fork(child, set(given))
        self.forks_made.append(fork)
        for number, pte in given.items():
            pte.writable = False
            child.ptes[number] = replace(pte, due=(fork, "child"))
            if pte.due is None or pte.due[1] == "parent":
                pte.due = (fork, "parent")
        return child

    def execs(self, who: str, path: str = "/bin/true", *arguments: str) -> None:
        """WHO executes PATH with an address space of its own."""
        super().execs(who, path, *arguments)
        thread = self.threads[who]
        old = self.mms[thread]
        mm = self.mms[thread] = self._new_mm()
        self._leave(old)
        self.made.rows["exec"][-1]["mm"] = mm.pointer

    def end_task(self, thread: Thread, code: int, group_code: int | None = None) -> None:
        """Let one task end, and its address space with its last user."""
        super().end_task(thread, code, group_code)
        mm = self.mms.pop(thread)
        self.made.rows["exit"][-1]["mm"] = mm.pointer
        self._leave(mm)

    def fault(self, who: str, address: int, old: int, new: int, error: int, **values: int) -> None:
        """Write a fault row."""
        time_ns = self.tick()
        # Pages are marked as exclusive by nobody here, so that only the model tells of forks.
        row = {"old_level": 1, "new_level": 1, "flags": COMPLETED, "took_ns": self.took_ns,
               "ip": CODE}  # fmt: skip
        self.made.add("fault", time_ns=time_ns, tid=self.threads[who].tid, address=address,
                      old_pte=old, new_pte=new, error_code=error, **{**row, **values})  # fmt: skip

    def reads(self, who: str, page: str) -> None:
        """WHO reads PAGE."""
        number, mm = int(page, 0), self.mm(who)
        if number in mm.ptes:
            return
        private = number not in mm.shared
        frame = ZERO_PFN if private else 0x900000 + number
        pte = mm.ptes[number] = Pte(frame, writable=False, private=False)
        self.fault(who, number << 12 | 8, 0, pte.raw(), 4)

    def writes(self, who: str, page: str) -> None:
        """WHO writes to PAGE."""
        number, mm = int(page, 0), self.mm(who)
        before = mm.ptes.get(number)
        if before is not None and before.writable:
            return
        after = self._after_write(mm, number, before)
        mm.ptes[number] = after
        old = 0 if before is None else before.raw()
        self.fault(who, number << 12 | 8, old, after.raw(), 6 | (before is not None))
        if before is not None and before.due is not None:
            copied = after.frame != before.frame
            self._count(before.due, number, "copied" if copied else "reused")

    def _after_write(self, mm: Mm, number: int, before: Pte | None) -> Pte:
        if number in mm.shared:
            return Pte(0x900000 + number, writable=True, private=False)
        if before is None or not before.private:
            return Pte(next(self._frames), writable=True)
        users = sum(before.frame == p.frame for one in self.alive for p in one.ptes.values())
        return Pte(next(self._frames) if users > 1 else before.frame, writable=True)

    def _count(self, due: tuple[Fork, str], number: int, how: str) -> None:
        fork, by = due
        fork.counts[f"{by}_{how}"] = fork.counts.get(f"{by}_{how}", 0) + 1
        if by == "child" or not fork.over:
            fork.written.add(number)

    def call(self, who: str, syscall: int, *arguments: int, result: int = 0, **values: int) -> None:
        """Write a mapping_call row."""
        enter_ns = self.tick()
        given = {f"arg{at}": value for at, value in enumerate(arguments)}
        self.made.add("mapping_call", time_ns=self.tick(), enter_ns=enter_ns, syscall=syscall,
                      **self.is_(self.threads[who]), **given, result=result, **values)  # fmt: skip

    def maps(self, who: str, page: str, count: str = "1", flags: str = "0x32") -> None:
        """WHO maps COUNT anonymous pages at PAGE, private unless FLAGS say otherwise."""
        first, pages = int(page), range(int(page), int(page) + int(count))
        self._forget(self.mm(who), pages)
        if int(flags, 0) & 1:
            self.mm(who).shared |= set(pages)
        self.call(who, 9, first << 12, len(pages) << 12, 3, int(flags, 0), 2**64 - 1, 0,
                  result=first << 12)  # fmt: skip

    def unmaps(self, who: str, page: str, count: str = "1") -> None:
        """WHO unmaps COUNT pages from PAGE on."""
        self._forget(self.mm(who), range(int(page), int(page) + int(count)))
        self.call(who, 11, int(page) << 12, int(count) << 12)

    def drops(self, who: str, page: str, count: str = "1") -> None:
        """WHO gives the contents of COUNT pages away (MADV_DONTNEED)."""
        for number in range(int(page), int(page) + int(count)):
            self.mm(who).ptes.pop(number, None)
        self.call(who, 28, int(page) << 12, int(count) << 12, 4)

    def hides(self, who: str, page: str, count: str = "1") -> None:
        """WHO keeps COUNT pages from its children (MADV_DONTFORK)."""
        self.mm(who).hidden |= set(range(int(page), int(page) + int(count)))
        self.call(who, 28, int(page) << 12, int(count) << 12, 10)

    def moves(self, who: str, page: str, to: str, count: str = "1") -> None:
        """WHO moves COUNT pages from PAGE to TO by mremap."""
        mm, old, new = self.mm(who), int(page), int(to)
        taken = {n: mm.ptes[n] for n in range(old, old + int(count)) if n in mm.ptes}
        hidden = mm.hidden & set(range(old, old + int(count)))
        self._forget(mm, range(old, old + int(count)))
        self._forget(mm, range(new, new + int(count)))
        mm.ptes.update({number - old + new: pte for number, pte in taken.items()})
        mm.hidden |= {number - old + new for number in hidden}
        length = int(count) << 12
        self.call(who, 25, old << 12, length, length, 3, new << 12, result=new << 12)

    def _forget(self, mm: Mm, pages: range) -> None:
        for number in pages:
            mm.ptes.pop(number, None)
        mm.shared -= set(pages)
        mm.hidden -= set(pages)
