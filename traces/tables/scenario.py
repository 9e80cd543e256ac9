# SPDX-License-Identifier: Apache-2.0
"""What a run or a simulation of a scenario adds: its actors, and what is left open."""

from __future__ import annotations

from traces.table import Column, Table

TABLES = (
    Table(
        "actor",
        "Which actor of a scenario a task was (simulated traces, and those of 'proctrace run').",
        (
            Column("tid", "u32", "tid of the task"),
            Column("start_ns", "u64", "start_boottime of the task, ns since boot"),
            Column("actor", "u32", "number of the actor in the plan"),
            Column("name", "bytes", "its name"),
        ),
    ),
    Table(
        "open",
        "Something that the scenario leaves open, and that a run may do otherwise (simulated "
        "traces). Lists of names are NUL-terminated each.",
        (
            Column(
                "what",
                "u8",
                "1 writes of pages: copied or reused; 2 what a wait reports; 3 what becomes of a "
                "child; 4 how far a thread comes before its process ends; 5 figures of a region",
            ),
            Column("region", "bytes", "1, 5: the region"),
            Column(
                "pages", "u64", "1: how many pages this is about; 5: how far a figure may be off"
            ),
            Column("actor", "bytes", "2: who waits; 3: the parent; 4: the process"),
            Column("operation", "u32", "2: number of its operation in the plan"),
            Column(
                "others",
                "bytes",
                "1: whose memory is written, for each write; 2: those that may be reported; "
                "3: the child; 4: those that may be created or not; 5: the processes",
            ),
            Column(
                "permitted",
                "bytes",
                "1: list of what may happen, each with a letter for each write: c copied, "
                "r reused, - neither; empty: anything",
            ),
            Column(
                "none",
                "u8",
                "2: 1 when the wait may report nothing; 3: 1 when the parent may not get to wait; "
                "4: 1 when the process may end otherwise",
            ),
            Column("reported", "bytes", "1: what happened in the simulation; 2: who was reported"),
        ),
    ),
)
"""The tables of this subject."""
