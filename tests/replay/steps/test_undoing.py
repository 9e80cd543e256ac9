# SPDX-License-Identifier: Apache-2.0
"""Tests of replay.steps.undoing: what a failed call took back."""

from __future__ import annotations

from replay.model.load import load_model
from replay.steps.naming import named
from replay.steps.undoing import Undone, entered_at, undone
from replay.steps.windows import Windows
from tests.replay.steps.story import CLONE3, SLAB_ALLOC, SLAB_FREE, StepsTrace

MODEL = load_model("linux-6.18")


def _failed() -> StepsTrace:
    """Give a call that makes files, fs and mm and frees them; that of fs is a merged cache."""
    trace = StepsTrace()
    enter_ns = trace.tick()
    trace.step(SLAB_ALLOC, "dup_fd", "files_cache", object=1)
    trace.step(SLAB_ALLOC, "copy_fs_struct", "anon_vma_chain", object=2)
    trace.step(SLAB_ALLOC, "copy_process", "mm_struct", object=3)
    trace.step(SLAB_FREE, "__mmdrop", "mm_struct", object=3)
    trace.step(SLAB_FREE, "copy_process", "anon_vma_chain", object=2)
    trace.step(SLAB_FREE, "copy_process", "files_cache", object=1)
    trace.step(SLAB_FREE, "copy_process", "files_cache", object=99)
    trace.call(enter_ns, -17, syscall=CLONE3, exit_signal=17)
    return trace


def test_each_object_is_what_it_was_allocated_as() -> None:
    """And has the label that frees such a one; what came from elsewhere keeps its cache's name."""
    windows = Windows.of(_failed())
    call = windows.calls.row(0, named=True)
    assert undone(named(windows.moments, MODEL), call, MODEL) == (
        Undone("__mmdrop", "mm_struct", 1, 4_000, "bad_fork_cleanup_mm"),
        Undone("copy_process", "fs_cache", 1, 5_000, "bad_fork_cleanup_fs"),
        Undone("copy_process", "files_cache", 2, 6_000, "bad_fork_cleanup_files"),
    )


def test_where_the_ladder_is_entered() -> None:
    """At the labels of the steps that can have failed, each once."""
    assert entered_at(MODEL, ("alloc_pid",)) == ("bad_fork_cleanup_thread",)
    assert entered_at(MODEL, ("pidfd", "alloc_pid", "flag_checks")) == (
        "bad_fork_free_pid", "bad_fork_cleanup_thread",
    )  # fmt: skip
    assert entered_at(MODEL, ()) == ()
