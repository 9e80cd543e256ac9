# SPDX-License-Identifier: Apache-2.0
"""The facts that replay wants, and the hooks that can provide each, best first.

A recorder picks for each fact the first hook that this kernel accepts; the result, the plan, is
stored in the trace, so that replay knows what was observed and what it has to infer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

Kind = Literal["fentry", "fexit", "kprobe", "raw tracepoint", "tracepoint", "perf software event"]
Option = Literal["cgroup", "faults", "steps"]
Without = Literal["inferred", "unobservable"]


@dataclass(frozen=True, slots=True)
class Hook:
    """A place in the kernel, and the BPF function that runs there."""

    kind: Kind
    target: str
    program: str


@dataclass(frozen=True, slots=True)
class Fact:
    """Something replay wants to know.

    `without` says what is left when no hook can be had, and `why` how, or why not.
    """

    name: str
    sentence: str
    hooks: tuple[Hook, ...]
    without: Without
    why: str
    only_with: Option | None = None
    """The recording option without which nobody asks for the fact."""


def _raw(tracepoint: str) -> tuple[Hook, ...]:
    return (Hook("raw tracepoint", tracepoint, f"on_{tracepoint}"),)


FACTS = (
    Fact(
        "task_created",
        "A task was created, with these clone flags and this state of parent and child.",
        _raw("task_newtask"),
        "unobservable",
        "no other hook sees every new task with its clone flags",
    ),
    Fact(
        "fork_event",
        "kernel_clone() announced the new task.",
        _raw("sched_process_fork"),
        "inferred",
        "it comes between the task's creation and its first wake-up",
    ),
    Fact(
        "child_woken",
        "The new task was made runnable.",
        _raw("sched_wakeup_new"),
        "inferred",
        "it comes before the task's first run",
    ),
    Fact(
        "first_run",
        "The new task got a CPU for the first time.",
        _raw("sched_switch"),
        "inferred",
        "it comes before the task's first own event",
    ),
    Fact(
        "slept",
        "A parent slept inside a clone or wait call.",
        _raw("sched_switch"),
        "inferred",
        "the call lasted from its entry to its return",
    ),
    Fact(
        "last_switch",
        "An ended task left its CPU for ever, as a zombie or already released.",
        _raw("sched_switch"),
        "inferred",
        "it comes after the task's end and before it is reaped",
    ),
    Fact(
        "reaper",
        "The task that the children of an ended process were given to.",
        _raw("sched_switch"),
        "inferred",
        "exit_notify() gives orphans to the nearest subreaper or the namespace's init; read from "
        "the first orphan at its old parent's last switch",
    ),
    Fact(
        "woken",
        "A sleeping parent was woken, by this task.",
        _raw("sched_waking"),
        "inferred",
        "it comes before the call's return",
    ),
    Fact(
        "system_call_entry",
        "A clone, exec or wait call began, with these arguments.",
        _raw("sys_enter"),
        "unobservable",
        "no other hook sees what was asked for",
    ),
    Fact(
        "system_call_return",
        "A clone, exec or wait call returned this result.",
        _raw("sys_exit"),
        "unobservable",
        "no other hook sees failed calls",
    ),
    Fact(
        "image_ready",
        "An exec succeeded and the new program image stands ready.",
        _raw("sched_process_exec"),
        "unobservable",
        "no other hook sees the whole argument area",
    ),
    Fact(
        "task_ended",
        "A task ended, with this exit code and these counters.",
        _raw("sched_process_exit"),
        "unobservable",
        "no other hook sees the exit code of every task",
    ),
    Fact(
        "signal_sent",
        "A signal was sent, by this task to that one.",
        _raw("signal_generate"),
        "inferred",
        "a deadly signal is in the exit code, its sender is not",
    ),
    Fact(
        "cgroup_joined",
        "A task was moved to another cgroup.",
        _raw("cgroup_attach_task"),
        "inferred",
        "later events of the task carry its cgroup",
        "cgroup",
    ),
    Fact(
        "fault_entry",
        "A page fault began, at this address, with this page-table entry.",
        _raw("page_fault_user"),
        "unobservable",
        "no other hook sees the address and the entry before",
        "faults",
    ),
    Fact(
        "kernel_fault_entry",
        "A page fault began while the kernel accessed user memory.",
        _raw("page_fault_kernel"),
        "unobservable",
        "no other hook sees the address and the entry before",
        "faults",
    ),
    Fact(
        "fault_completed",
        "A page fault was completed and left this page-table entry.",
        (Hook("perf software event", "minor_faults", "on_minor_faults"),),
        "unobservable",
        "mm_account_fault() is the only place that tells of a fault's end",
        "faults",
    ),
    Fact(
        "major_fault_completed",
        "A page fault that had to wait for a page was completed.",
        (Hook("perf software event", "major_faults", "on_major_faults"),),
        "unobservable",
        "mm_account_fault() is the only place that tells of a fault's end",
        "faults",
    ),
    Fact(
        "slab_allocated",
        "A clone call allocated a slab object: task_struct, files, mappings, pid, ...",
        _raw("kmem_cache_alloc"),
        "inferred",
        "which steps copy_process() takes follows from the clone flags",
        "steps",
    ),
    Fact(
        "slab_allocated_on_node",
        "A clone call allocated a slab object on a certain memory node.",
        _raw("kmem_cache_alloc_node"),
        "inferred",
        "since Linux 6.1 kmem_cache_alloc reports these, too",
        "steps",
    ),
    Fact(
        "slab_freed",
        "A clone call freed a slab object: the undo ladder of one that failed.",
        _raw("kmem_cache_free"),
        "inferred",
        "what is undone follows from the step that failed",
        "steps",
    ),
    Fact(
        "memory_allocated",
        "A clone call allocated memory by its size: security blobs, the table of files, ...",
        _raw("kmalloc"),
        "inferred",
        "which steps copy_process() takes follows from the clone flags",
        "steps",
    ),
    Fact(
        "memory_allocated_on_node",
        "A clone call allocated memory by its size on a certain memory node.",
        _raw("kmalloc_node"),
        "inferred",
        "since Linux 6.1 kmalloc reports these, too",
        "steps",
    ),
    Fact(
        "memory_freed",
        "A clone call freed memory that was allocated by its size.",
        _raw("kfree"),
        "inferred",
        "what is undone follows from the step that failed",
        "steps",
    ),
    Fact(
        "capability_checked",
        "A clone call asked for a capability.",
        _raw("cap_capable"),
        "inferred",
        "a refusal shows in the call's errno; the tracepoint exists since Linux 6.14",
        "steps",
    ),
    Fact(
        "pages_allocated",
        "A clone call allocated pages: page tables, a kernel stack.",
        _raw("mm_page_alloc"),
        "inferred",
        "a child without CLONE_VM gets page tables of its own",
        "steps",
    ),
    Fact(
        "rss_changed",
        "A clone call entered a batch of pages in the child's memory.",
        _raw("rss_stat"),
        "inferred",
        "pages are shared with a child without CLONE_VM, page table by page table",
        "steps",
    ),
    Fact(
        "page_taken_out",
        "Migration replaced a page's entry, which tells the frame before.",
        _raw("set_migration_pte"),
        "inferred",
        "a later fault finds the page in another frame; the tracepoint exists since Linux 5.18",
        "faults",
    ),
    Fact(
        "page_put_in",
        "Migration put a page in, with its new frame.",
        _raw("remove_migration_pte"),
        "inferred",
        "a later fault finds the page in another frame; the tracepoint exists since Linux 5.18",
        "faults",
    ),
    Fact(
        "pages_isolated",
        "Small pages were taken to be collapsed into a huge one.",
        _raw("mm_collapse_huge_page_isolate"),
        "inferred",
        "a later fault finds the page in another frame",
        "faults",
    ),
    Fact(
        "pages_collapsed",
        "Small pages of this address space were collapsed into a huge one, or that failed.",
        _raw("mm_collapse_huge_page"),
        "inferred",
        "a later fault finds the page in another frame",
        "faults",
    ),
    Fact(
        "reaped",
        "A zombie was released, and its pid is free again.",
        (),
        "inferred",
        "release_task() ran before the wait call that reports the task returned; without an exit "
        "signal, or with SIGCHLD ignored, at the task's own end",
    ),
)
"""Every fact of this version."""


def hooks(options: Collection[Option] = ("cgroup", "faults", "steps")) -> tuple[Hook, ...]:
    """Give every hook that `options` ask for once, in the order in which the facts need them."""
    wanted = [fact for fact in FACTS if fact.only_with is None or fact.only_with in options]
    return tuple(dict.fromkeys(hook for fact in wanted for hook in fact.hooks))


def step_hooks() -> tuple[Hook, ...]:
    """Give the hooks that tell the steps within a clone call."""
    return tuple(hook for fact in FACTS if fact.only_with == "steps" for hook in fact.hooks)


def plan(loaded: Mapping[Hook, bool]) -> list[dict[str, str]]:
    """Give the plan that a trace stores: for each fact its hook and how sure it is.

    `loaded` tells of each hook that was tried whether the kernel accepted it. Facts of which no
    hook was tried were not asked for, and are left out.
    """
    tried = [fact for fact in FACTS if not fact.hooks or any(hook in loaded for hook in fact.hooks)]
    return [_planned(fact, loaded) for fact in tried]


def _planned(fact: Fact, loaded: Mapping[Hook, bool]) -> dict[str, str]:
    chosen = next((hook for hook in fact.hooks if loaded.get(hook, False)), None)
    if chosen is None:
        hook, certainty, why = "", str(fact.without), fact.why
    else:
        hook, certainty, why = f"{chosen.kind} {chosen.target}", "observed", ""
    return {
        "fact": fact.name,
        "sentence": fact.sentence,
        "hook": hook,
        "certainty": certainty,
        "why": why,
    }
