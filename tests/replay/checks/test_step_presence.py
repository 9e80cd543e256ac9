# SPDX-License-Identifier: Apache-2.0
"""Steps by flags. What breaks it, and what is lost, is in mutations.py."""

from __future__ import annotations

import pytest

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
from tests.replay.checks.living import family, with_steps
from tests.replay.checks.mutations import steps, vfork

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
