# SPDX-License-Identifier: Apache-2.0
"""What changes mappings and pages beside a fault: system calls, fork, migration, collapse."""

from __future__ import annotations

from traces.common_columns import CPU, event_time, task_identity
from traces.table import Column, Table

TABLES = (
    Table(
        "mapping_call",
        "A system call that changed mappings, as it returned: mmap, mprotect, munmap, brk, "
        "mremap, madvise, pkey_mprotect, process_madvise.",
        (
            event_time("return of the system call"),
            CPU,
            *task_identity("", "the caller"),
            Column("enter_ns", "u64", "entry of the system call", "delta"),
            Column(
                "syscall",
                "u16",
                "9 mmap, 10 mprotect, 11 munmap, 12 brk, 25 mremap, "
                "28 madvise, 329 pkey_mprotect, 440 process_madvise",
            ),
            Column("compat", "u8", "1 when called through the 32-bit entry"),
            Column("arg0", "u64", "first argument: an address; of process_madvise a pidfd"),
            Column("arg1", "u64", "second argument: a length (brk: none)"),
            Column("arg2", "u64", "protection, advice, or mremap's new length"),
            Column("arg3", "u64", "mmap's and mremap's flags"),
            Column("arg4", "u64", "mmap's descriptor, mremap's new address"),
            Column("arg5", "u64", "mmap's offset in bytes; with compat in pages of 4096"),
            Column("result", "i64", "what it returned: an address, 0, or -errno"),
            Column("file_dev", "u32", "mmap of a file: its device (major << 20 | minor); else 0"),
            Column("file_ino", "u64", "mmap of a file: its inode; its path is in `text`"),
        ),
    ),
    Table(
        "fork_rss",
        "How many pages a fork gave to the child: mm_struct.rss_stat of both address spaces as "
        "copy_process() has left them. Belongs to the newtask row of the same child.",
        (
            event_time("when it was read, right after newtask"),
            CPU,
            Column("tid", "u32", "tid of the caller"),
            Column("child_tid", "u32", "tid of the child"),
            Column("mm", "u64", "kernel address of the caller's mm"),
            Column("child_mm", "u64", "kernel address of the child's mm"),
            Column("file_pages", "i64", "the caller's pages of files"),
            Column("anon_pages", "i64", "its anonymous pages"),
            Column("swap_entries", "i64", "its swapped pages"),
            Column("shmem_pages", "i64", "its pages of shared memory"),
            Column("child_file_pages", "i64", "the child's pages of files"),
            Column("child_anon_pages", "i64", "its anonymous pages"),
            Column("child_swap_entries", "i64", "its swapped pages"),
            Column("child_shmem_pages", "i64", "its pages of shared memory"),
            Column(
                "cpus_read",
                "u16",
                "of how many CPUs the parts were added (since 6.2); 0: the numbers lack up to "
                "percpu_counter_batch pages for each CPU, before 6.2 64 for each thread",
            ),
        ),
    ),
    Table(
        "migration",
        "A page-table entry of some process of the host was changed by migration (compaction, "
        "move_pages, NUMA balancing): taken out, then put in with the new frame.",
        (
            event_time("set_migration_pte, remove_migration_pte"),
            CPU,
            Column("tid", "u32", "tid of the task that migrates"),
            Column("address", "u64", "user address that the entry is for", "delta"),
            Column("entry", "u64", "the new entry, raw; of 1 a migration entry with the old frame"),
            Column("order", "u8", "the folio has 1 << order pages"),
            Column("what", "u8", "1 taken out, 2 put in"),
        ),
    ),
    Table(
        "collapse",
        "The kernel tried to make a huge page of small ones (khugepaged, MADV_COLLAPSE), in any "
        "process of the host.",
        (
            event_time("mm_collapse_huge_page"),
            CPU,
            Column("tid", "u32", "tid of the task that does it"),
            Column("mm", "u64", "kernel address of the mm"),
            Column(
                "index",
                "u64",
                "index of one of the pages: its address over 4096, where mremap did not move it; "
                "0 unknown",
            ),
            Column("status", "i32", "enum scan_result (mm/khugepaged.c): 1 succeeded"),
        ),
    ),
)
"""The tables of this subject."""
