# SPDX-License-Identifier: Apache-2.0
"""The files that are mapped: their segments, sections and symbols."""

from __future__ import annotations

from traces.common_columns import FILE
from traces.table import Column, Table

TABLES = (
    Table(
        "module",
        "A file that was executed or mapped, as it was when recording ended.",
        (
            *FILE,
            Column("path", "bytes", "its path on the recording host"),
            Column("build_id", "bytes", "GNU build id; empty where it has none or is no ELF file"),
            Column("elf_type", "u16", "2 fixed address, 3 position-independent, 0 no ELF file"),
        ),
    ),
    Table(
        "segment",
        "A loadable segment (PT_LOAD) of a module.",
        (
            *FILE,
            Column("vaddr", "u64", "where it is linked to begin"),
            Column("offset", "u64", "where it begins in the file, in bytes"),
            Column("file_bytes", "u64", "how much of it comes from the file"),
            Column("mem_bytes", "u64", "its length in memory; what exceeds file_bytes is bss"),
            Column("flags", "u32", "1 executable, 2 writable, 4 readable"),
        ),
    ),
    Table(
        "section",
        "An allocated section of a module.",
        (
            *FILE,
            Column("vaddr", "u64", "where it is linked to begin"),
            Column("bytes", "u64", "its length"),
            Column("flags", "u64", "sh_flags: 1 writable, 2 allocated, 4 executable"),
            Column("name", "bytes", "its name (.text, .data, ...)"),
        ),
    ),
    Table(
        "symbol",
        "A symbol of a module that an instruction or a written address of the trace falls into.",
        (
            *FILE,
            Column("vaddr", "u64", "where it is linked to begin"),
            Column("bytes", "u64", "its length; 0 unknown"),
            Column("kind", "u8", "1 object, 2 function, 3 function without a name (.eh_frame)"),
            Column("name", "bytes", "its name as in the symbol table; empty for none"),
        ),
    ),
    Table(
        "module_interpreter",
        "The ELF interpreter (dynamic linker) that the kernel loads beside a module.",
        (
            *FILE,
            Column("interpreter_dev", "u32", "device of the interpreter (major << 20 | minor)"),
            Column("interpreter_ino", "u64", "inode of the interpreter"),
        ),
    ),
)
"""The tables of this subject."""
