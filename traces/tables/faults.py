# SPDX-License-Identifier: Apache-2.0
"""Page faults, their stacks, and the kernel's own counts of them."""

from __future__ import annotations

from traces.common_columns import CPU, event_time
from traces.table import Column, Table

TABLES = (
    Table(
        "fault",
        "A page fault from its entry (exceptions:page_fault_user, page_fault_kernel) to the "
        "moment the kernel accounts it (mm_account_fault()), with the page-table entry before "
        "and after. The task is the one that had this tid at that time.",
        (
            event_time("entry of the fault"),
            CPU,
            Column("tid", "u32", "tid of the task"),
            Column(
                "took_ns",
                "u32",
                "from entry to accounting; 0 when it never completed, 2**32 - 1 for that or more",
            ),
            Column("address", "u64", "the address that was accessed", "delta"),
            Column("ip", "u64", "the instruction that accessed it", "delta"),
            Column("old_pte", "u64", "page-table entry at entry, raw; 0 none", "delta"),
            Column("new_pte", "u64", "page-table entry when accounted, raw; 0 none", "delta"),
            Column(
                "old_level",
                "u8",
                "where old_pte was found: 1 PTE, 2 PMD (2 MiB page or no "
                "table below), 3 PUD, 4 P4D, 5 PGD",
            ),
            Column("new_level", "u8", "where new_pte was found"),
            Column(
                "error_code",
                "u8",
                "x86 error code: 1 protection (page was present), 2 write, "
                "4 user mode, 16 instruction fetch, 32 protection key",
            ),
            Column(
                "flags",
                "u8",
                "1 in kernel mode, 2 major, 4 completed, 8 the old page's "
                "descriptor was read, 16 it was PG_anon_exclusive",
            ),
            Column("refcount", "i32", "page->_refcount of the old page; 0 unless flags & 8"),
            Column("mapcount", "i32", "page->_mapcount of the old page + 1; 0 unless flags & 8"),
        ),
    ),
    Table(
        "fault_stack",
        "Which user stack a fault had, with 'record --stacks'.",
        (
            event_time("time_ns of the fault"),
            CPU,
            Column("tid", "u32", "tid of the fault"),
            Column("stack", "i32", "number of the stack in `stack_frame`; -errno: none"),
        ),
    ),
    Table(
        "stack_frame",
        "A frame of a stack, found by following frame pointers.",
        (
            Column("stack", "i32", "number of the stack"),
            Column("depth", "u16", "0 is the faulting instruction, 1 where its caller goes on"),
            Column("ip", "u64", "address of the instruction"),
        ),
    ),
    Table(
        "taskstats",
        "What the kernel counted for a task that ended (a taskstats record of its exit, with "
        "record --audit-copies), of every task of the host, also of those not followed.",
        (
            event_time("when the recorder took the record"),
            Column("version", "u16", "TASKSTATS_VERSION of the recording kernel"),
            Column("tid", "u32", "tid in the initial pid namespace"),
            Column("tgid", "u32", "its tgid"),
            Column("etime_us", "u64", "time from its start to its end, in µs (CLOCK_MONOTONIC)"),
            Column("min_flt", "u64", "minor faults, those of get_user_pages() too"),
            Column("maj_flt", "u64", "major faults, as above"),
            Column(
                "wpcopy_count",
                "u64",
                "runs of wp_page_copy() and hugetlb_wp(); 0 for a task that was created before "
                "kernel.task_delayacct was on",
            ),
            Column("wpcopy_delay_ns", "u64", "time in these"),
        ),
    ),
)
"""The tables of this subject."""
