# SPDX-License-Identifier: Apache-2.0
"""Steps by flags. What breaks it, and what is lost, is in mutations.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from replay.checks.allocations import allocations
from replay.checks.step_presence import opposite
from replay.model.load import bundled_models
from tests.replay.checks.creating import (
    FILES,
    FS,
    NEWUTS,
    PTHREAD,
    SIGHAND,
    VM,
    only,
    verdicts,
    violated,
)  # fmt: skip
from tests.replay.checks.living import CACHES, family, with_steps
from tests.replay.checks.mutations import steps, vfork

if TYPE_CHECKING:
    from replay.model.values import Model

RULE = "step-presence"


@pytest.mark.parametrize("flags", [0, PTHREAD, VM, FILES, FS, NEWUTS, VM | SIGHAND])
def test_each_flag_shares_what_it_says(flags: int) -> None:
    """And nothing is made for what is shared."""
    trace = with_steps(family(flags))
    assert violated(trace) == set()
    assert verdicts(trace)[RULE].unobservable == 0


def test_a_vfork() -> None:
    """Makes no mm either, and its parent waits for the child."""
    trace = with_steps(vfork())
    assert violated(trace) == set()
    assert verdicts(trace)[RULE].unobservable == 0


def test_an_mm_in_a_vfork() -> None:
    """Page tables would be copied."""
    trace = steps()
    only(trace, "clone_call")["flags"] = only(trace)["clone_flags"] = VM
    found = verdicts(trace)[RULE]
    broken = {part.name for part in found.parts if part.violated}
    assert broken == {"copy_mm/mm_struct", "copy_mm/vm_area_struct"}


def test_credentials_of_a_thread() -> None:
    """May be its own, where the caller has a thread keyring."""
    trace = with_steps(family(0))
    only(trace)["clone_flags"] = only(trace, "clone_call")["flags"] = PTHREAD
    kinds = {part.name: part for part in verdicts(trace)[RULE].parts}
    assert kinds["copy_creds/cred_jar"].unobservable == 1
    assert kinds["copy_files/files_cache"].violated == 1


def test_a_merged_cache() -> None:
    """May be the one that is missing."""
    trace = steps()
    only(trace, "slab_cache", 5)["name"] = b"something else"
    assert verdicts(trace)[RULE].unobservable == 1


@pytest.mark.parametrize(
    ("cache", "part"),
    [
        ("task_struct", "dup_task_struct/task_struct"), ("cred_jar", "copy_creds/cred_jar"),
        ("files_cache", "copy_files/files_cache"), ("fs_cache", "copy_fs/fs_cache"),
        ("sighand_cache", "copy_sighand/sighand_cache"),
        ("signal_cache", "copy_signal/signal_cache"), ("mm_struct", "copy_mm/mm_struct"),
        ("vm_area_struct", "copy_mm/vm_area_struct"), ("nsproxy", "copy_namespaces/nsproxy"),
        ("pid", "alloc_pid/pid"),
    ],
)  # fmt: skip
def test_a_step_that_is_left_out(cache: str, part: str) -> None:
    """Although the flags ask for an object of the child's own."""
    trace = with_steps(family(NEWUTS))
    assert trace.drop("step", cache=CACHES.index(cache) + 1, what=1) == 1
    assert violated(trace) == {RULE}
    assert [one.name for one in verdicts(trace)[RULE].parts if one.violated] == [part]


def test_a_user_namespace() -> None:
    """Is made only where it is asked for."""
    trace = steps()
    site = {**only(trace, "step", 1), "time_ns": only(trace, "step", 1)["time_ns"], "object": 7}
    trace.add("kernel_function", address=90 << 12, bytes=1 << 12, name=b"create_user_ns")
    trace.add("slab_cache", tid=10, cache=90, name=b"user_namespace")
    trace.add("step", **{**site, "site": (90 << 12) + 5, "cache": 90})
    assert violated(trace) == {RULE}
    parts = [one.name for one in verdicts(trace)[RULE].parts if one.violated]
    assert parts == ["copy_creds/user_namespace"]


@pytest.mark.parametrize("model", bundled_models(), ids=lambda model: model.name)
def test_what_explains_another_outcome_is_about_one_object(model: Model) -> None:
    """In every model: the caller's keyring is about credentials, not about namespaces."""
    excused = [
        (seen.name, one.field)
        for step, seen in allocations(model)
        for one in step.leaves
        if one.unless and opposite(one.when, seen.when)
    ]
    asked = [one for step in model.steps for one in step.leaves if one.unless]
    assert sorted(excused) == [("cred_jar", "cred"), ("nsproxy", "nsproxy")][: len(asked)]
