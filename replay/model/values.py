# SPDX-License-Identifier: Apache-2.0
"""What a reference model says, as values: steps, undo ladder, refusals, COW rule, sequences."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class FlagCondition:
    """A condition on clone flags: all of these set, one of those, none of the last."""

    all: int = 0
    any: int = 0
    none: int = 0

    def holds(self, clone_flags: int) -> bool:
        """Say whether flags meet it; the empty condition always holds."""
        return (
            clone_flags & self.all == self.all
            and (not self.any or bool(clone_flags & self.any))
            and not clone_flags & self.none
        )


ALWAYS = FlagCondition()
"""The condition that always holds."""


class Kind(StrEnum):
    """What a post-condition asks of a field."""

    SHARED = "shared"
    """Parent and child point to the same object."""
    COPIED = "copied"
    """The child has an object of its own."""
    EQUAL = "equal"
    """The field has this value."""
    SET = "set"
    """These bits are set."""
    CLEARED = "cleared"
    """These bits are not set."""


class Target(StrEnum):
    """What an EQUAL field is compared with when that is no number."""

    CALLER = "caller"
    """The task that called clone."""
    CALLERS_PARENT = "callers_parent"
    """The caller's own real_parent."""
    REQUESTED = "requested"
    """What the system call asked for."""
    LEADERS = "leaders"
    """The same field of the caller's thread-group leader."""
    GROUP = "group"
    """The caller's thread group."""
    ITSELF = "itself"
    """The new task itself."""


@dataclass(frozen=True, slots=True)
class PostCondition:
    """What must hold of a field of `newtask` (or `newtask_state`) as the child is published."""

    id: str
    kind: Kind
    field: str
    """For SHARED and COPIED the object (`files` compares `files` with `child_files`)."""
    table: str
    when: FlagCondition
    bits: int = 0
    """For SET and CLEARED."""
    value: int | Target = 0
    """For EQUAL."""
    named: str = ""
    """The value or the bits by name, as the model has them: `TASK_NEW`."""
    unless: str = ""
    """An exception that no trace shows; a case that breaks the rule is then unknown."""


class Observed(StrEnum):
    """By which kind of event a step shows itself."""

    ALLOC = "alloc"
    """kmem:kmem_cache_alloc or kmem:kmalloc of this slab cache, at one of these call sites."""
    FREE = "free"
    """kmem:kmem_cache_free or kmem:kfree of this slab cache, at one of these call sites."""
    PAGE_TABLE = "page_table"
    """kmem:mm_page_alloc of a page table."""
    RSS = "rss"
    """kmem:rss_stat of the child's mm."""
    CAPABILITY = "capability"
    """capability:cap_capable with this capability number."""
    TRACEPOINT = "tracepoint"
    """This tracepoint."""
    FIELDS = "fields"
    """No event: these columns of newtask or newtask_state."""
    RESULT = "result"
    """No event: what the system call returns."""
    FUNCTION = "function"
    """This kernel function, by fentry/fexit (T1) or kprobe (T2)."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One way to see a step; `name` is the cache, tracepoint, capability, function or columns."""

    kind: Observed
    name: str
    sites: tuple[str, ...] = ()
    """Kernel functions that the call site may lie in. Caches of one size are merged, so that the
    name of a cache may be another's: the site decides, the name is a hint."""
    when: FlagCondition = ALWAYS
    sure: bool = True
    """False where the event may be missing although the step was taken."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of kernel_clone() or copy_process()."""

    id: str
    title: str
    function: str
    source: str
    """Where it is in the kernel's source."""
    when: FlagCondition
    calls: tuple[str, ...]
    """The system calls that take it, by name; empty for all of the clone family."""
    only_if: str
    """A condition beyond flags and call, in words; empty where there is none."""
    after: frozenset[str]
    """Steps that come directly before it in the partial order."""
    leaves: tuple[PostCondition, ...]
    errno: tuple[str, ...]
    """Errors that the step can give, by name; any of them ends the call."""
    undo: str
    """The label of the undo ladder that its failure enters; empty where it cannot fail."""
    observe: Mapping[str, tuple[Observation, ...]]
    """By tier: t0 tracepoints, t1 fentry and fexit, t2 kprobes."""


@dataclass(frozen=True, slots=True)
class UndoLabel:
    """One rung of the ladder of copy_process(): entered at a label, fallen through downwards."""

    label: str
    functions: tuple[str, ...]
    next: str
    observe: tuple[Observation, ...]
    """What of it tracepoints show, in order."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A combination of flags that the kernel refuses."""

    id: str
    when: FlagCondition
    calls: tuple[str, ...]
    """The system calls that it holds for: clone, clone3."""
    exit_signal: str
    """Empty, or what the requested signal must be: `nonzero`, `invalid` (above 64)."""
    only_if: str
    """A condition that a trace does not show; then the call may also succeed."""
    errno: str
    step: str
    source: str


class Decision(StrEnum):
    """What the kernel does on a write fault on a present, read-only, private anonymous page."""

    REUSE = "reuse"
    COPY = "copy"
    OPEN = "open"
    """What was recorded at the fault's entry does not decide it."""


@dataclass(frozen=True, slots=True)
class CowCase:
    """One line of the COW rule; the first line that fits decides."""

    id: str
    decision: Decision
    why: str
    exclusive: bool | None = None
    """PG_anon_exclusive of the old page; None: whatever it is."""
    refcount: tuple[int, int] | None = None
    """From, to, both included."""
    mapcount: tuple[int, int] | None = None
    source: str = ""

    def fits(self, *, exclusive: bool, refcount: int, mapcount: int) -> bool:
        """Say whether this line is about such a page."""
        return (
            self.exclusive in (None, exclusive)
            and (self.refcount is None or self.refcount[0] <= refcount <= self.refcount[1])
            and (self.mapcount is None or self.mapcount[0] <= mapcount <= self.mapcount[1])
        )


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a sequence."""

    id: str
    title: str
    function: str
    after: frozenset[str]
    observe: Mapping[str, tuple[Observation, ...]]


@dataclass(frozen=True, slots=True)
class Sequence:
    """The rules of vfork, exec, exit, wait or reparenting: a partial order and its parameters."""

    id: str
    title: str
    source: str
    events: tuple[Event, ...]
    """In an order that the partial order permits."""
    settings: Mapping[str, str | int | bool | tuple[str, ...]]
    """What else the rule depends on, such as `exit_tracepoint: before exit_mm`."""

    def event(self, name: str) -> Event:
        """Give an event by id; KeyError when there is none."""
        return next(event for event in self.events if event.id == name)


@dataclass(frozen=True, slots=True)
class Change:
    """What a generation changed, since which version, by which commit (empty where unknown)."""

    what: str
    since: str
    commit: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a book and the rules that hold a trace against it."""

    id: str
    says: str
    rules: tuple[tuple[str, tuple[str, ...]], ...]
    """(rule, parts of it; all parts where none is named)."""
    kernel: str
    """What kernels do, since which version."""


@dataclass(frozen=True, slots=True)
class Model:
    """A reference model, complete: what it extends is already in it."""

    name: str
    title: str
    kernel: tuple[int, int] | None
    """The first release it is about; None for one that no kernel chooses (the book)."""
    extends: tuple[str, ...]
    """Names of the models it builds on, the nearest first."""
    changes: tuple[Change, ...]
    """Against the model that it extends."""
    steps: tuple[Step, ...]
    """In an order that the partial order permits; the kernel's own where the model is total."""
    undo: tuple[UndoLabel, ...]
    refused: tuple[Refusal, ...]
    cow: tuple[CowCase, ...]
    sequences: tuple[Sequence, ...]
    sentences: tuple[Sentence, ...] = ()
    before: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """For each step all that must come before it: the closure of the partial order."""

    def step(self, name: str) -> Step:
        """Give a step by id; KeyError when there is none."""
        for step in self.steps:
            if step.id == name:
                return step
        raise KeyError(name)

    def has_step(self, name: str) -> bool:
        """Say whether there is a step of this id."""
        return any(step.id == name for step in self.steps)

    def expected_steps(self, clone_flags: int) -> tuple[Step, ...]:
        """Give the steps that a creation with these flags takes, in the model's order."""
        return tuple(step for step in self.steps if step.when.holds(clone_flags))

    def undo_of(self, step: Step) -> tuple[UndoLabel, ...]:
        """Give the rungs that a failure of a step falls through, in order."""
        rungs = {rung.label: rung for rung in self.undo}
        found, label = [], step.undo
        while label:
            found.append(rungs[label])
            label = rungs[label].next
        return tuple(found)

    def sequence(self, name: str) -> Sequence:
        """Give a sequence by id; KeyError when there is none."""
        for sequence in self.sequences:
            if sequence.id == name:
                return sequence
        raise KeyError(name)

    def cow_case(self, *, exclusive: bool, refcount: int, mapcount: int) -> CowCase | None:
        """Give the first line of the COW rule that is about such a page."""
        for case in self.cow:
            if case.fits(exclusive=exclusive, refcount=refcount, mapcount=mapcount):
                return case
        return None
