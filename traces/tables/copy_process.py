# SPDX-License-Identifier: Apache-2.0
"""The steps of copy_process() and what they left behind."""

from __future__ import annotations

from traces.common_columns import CPU, event_time
from traces.table import Column, Table

TABLES = (
    Table(
        "newtask_state",
        "More of what copy_process() left behind, read at the same moment as the newtask row of "
        "the same child; recorded with the steps. What the kernel is built without "
        "(seccomp, System V semaphores, ...) is 0.",
        (
            event_time("when copy_process() published the child"),
            CPU,
            Column("tid", "u32", "tid of the caller of clone"),
            Column("child_tid", "u32", "tid of the new task"),
            Column("child_start_ns", "u64", "start_boottime of the new task"),
            Column("pending", "u64", "signals pending for the caller (task->pending), bit n-1"),
            Column("shared_pending", "u64", "signals pending for the caller's whole process"),
            Column("child_pending", "u64", "signals pending for the child"),
            Column("child_shared_pending", "u64", "signals pending for the child's whole process"),
            Column("blocked", "u64", "signals that the caller blocks"),
            Column("child_blocked", "u64", "signals that the child blocks"),
            Column("child_utime_ns", "u64", "task->utime of the child"),
            Column("child_stime_ns", "u64", "task->stime of the child"),
            Column("child_min_flt", "u64", "minor faults of the child"),
            Column("child_maj_flt", "u64", "major faults of the child"),
            Column("child_switches", "u32", "nvcsw + nivcsw of the child"),
            Column("child_vfork_done", "u64", "task->vfork_done of the child, set only later"),
            Column("child_set_child_tid", "u64", "where the child will store its tid; 0 nowhere"),
            Column("child_clear_child_tid", "u64", "where 0 is stored at its end; 0 nowhere"),
            Column("stack", "u64", "kernel stack of the caller"),
            Column("child_stack", "u64", "kernel stack of the child"),
            Column("io_context", "u64", "kernel address of the caller's io_context"),
            Column("child_io_context", "u64", "of the child's; equal means shared"),
            Column("undo_list", "u64", "kernel address of the caller's sysvsem.undo_list"),
            Column("child_undo_list", "u64", "of the child's; equal means shared"),
            Column("seccomp_filter", "u64", "kernel address of the caller's seccomp filter"),
            Column("child_seccomp_filter", "u64", "of the child's"),
            Column("seccomp_mode", "u32", "0 none, 1 strict, 2 filter"),
            Column("child_seccomp_mode", "u32", "of the child"),
            Column("map_count", "i32", "mappings (VMAs) of the caller's mm"),
            Column("child_map_count", "i32", "mappings of the child's mm"),
            Column("normal_prio", "i32", "task->normal_prio of the caller"),
            Column("child_prio", "i32", "task->prio of the child"),
            Column("static_prio", "i32", "task->static_prio of the caller"),
            Column("child_static_prio", "i32", "task->static_prio of the child"),
            Column("child_nr_threads", "i32", "threads of the child's process, the child included"),
            Column("child_has_children", "u8", "1 when the child's list of children is not empty"),
            Column(
                "new_namespaces",
                "u8",
                "which namespaces are not the caller's: 1 uts, 2 ipc, 4 mnt, 8 pid for children, "
                "16 net, 32 time for children, 64 cgroup, 128 user",
            ),
        ),
    ),
    Table(
        "step",
        "Something that a call of the clone family did between its entry and its return: what it "
        "allocated and freed, which capabilities it asked for. It belongs to the clone_call row "
        "with this tid that encloses it in time.",
        (
            event_time("when it happened"),
            CPU,
            Column("tid", "u32", "tid of the caller"),
            Column(
                "what",
                "u8",
                "1 slab object allocated, 2 slab object freed, 3 kmalloc, 4 kfree, "
                "5 capability checked, 6 pages allocated, 7 rss counter changed",
            ),
            Column("flags", "u8", "1 in an interrupt on top of the call: none of its steps"),
            Column("site", "u64", "kernel address that the call returned to; 0 unknown", "delta"),
            Column(
                "object",
                "u64",
                "kernel address of the object (1-4), the user namespace (5), the page's "
                "descriptor (6), the mm (7)",
                "delta",
            ),
            Column("cache", "u64", "slab_cache.cache of a slab object; 0 unknown"),
            Column(
                "amount",
                "u64",
                "bytes asked for (3, 6; 1 up to Linux 6.0), the capability's number (5), "
                "the new count in bytes (7, up to Linux 6.1); else 0",
            ),
            Column("gfp", "u32", "GFP flags of an allocation, in this kernel's own bits"),
            Column(
                "result",
                "i32",
                "capability check: 0 or -errno; rss counter: 0 file pages, 1 anonymous pages, "
                "2 swap entries, 3 shared memory",
            ),
        ),
    ),
    Table(
        "slab_cache",
        "The name of a slab cache, as it first appeared in a step; caches of equal size may be "
        "merged under one name. The same row may come again.",
        (
            event_time("when it appeared"),
            CPU,
            Column("tid", "u32", "tid of the caller"),
            Column("cache", "u64", "kernel address of the cache (of its name, Linux 5.12 to 6.0)"),
            Column("object_bytes", "u32", "kmem_cache.object_size; 0 unknown"),
            Column("name", "bytes", "kmem_cache.name, at most 31 bytes"),
        ),
    ),
    Table(
        "kernel_function",
        "A function of the kernel that the site of a step is in, from /proc/kallsyms as recording "
        "ended.",
        (
            Column("address", "u64", "where it begins"),
            Column("bytes", "u32", "how far it is to the next function"),
            Column("name", "bytes", "its name; of a module's function with [module] behind it"),
        ),
    ),
)
"""The tables of this subject."""
