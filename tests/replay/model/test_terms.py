# SPDX-License-Identifier: Apache-2.0
"""Words of the model files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from replay.model import terms
from replay.yaml_positions import parse_yaml
from tests.replay.model.writing import HEAD, error_of

if TYPE_CHECKING:
    from pathlib import Path


def test_flags_with_and_without_their_prefix() -> None:
    """And bits without a name as numbers."""
    value = parse_yaml("[VM, CLONE_FS, 0x40000000000]", "here")
    assert terms.clone_mask(value, "flags") == 0x300 | 1 << 42
    assert terms.task_mask(parse_yaml("[PF_FORKNOEXEC]", "here"), "flags") == 0x40


def test_errors_have_their_numbers() -> None:
    """Those of the kernel's own, too."""
    assert terms.ERRNO_NUMBERS["EAGAIN"] == 11
    assert terms.ERRNO_NUMBERS["ERESTARTNOINTR"] == 513


@pytest.mark.parametrize(
    ("step", "why", "hint"),
    [
        ("when: {all: [§SIGHND]}", "there is no clone flag 'SIGHND'", "did you mean SIGHAND?"),
        ("errno: [§EAGAN]", "there is no error 'EAGAN'", "did you mean EAGAIN?"),
        ("§wen: {}", "step first has no 'wen'", "did you mean when?"),
        ("when: {§al: [VM]}", "when of step first has no 'al'", "did you mean all?"),
        ("when: {all: §VM}", "all of when of step first is to be a list", "- item"),
        ("when: {all: [§0]}", "a flag of all of when of step first is 0", "integer from 1"),
        ("leaves: {a: {set: [§PF_X], of: child_flags}}", "there is no task flag", ""),
    ],
)
def test_a_wrong_word(tmp_path: Path, step: str, why: str, hint: str) -> None:
    """Is an error at its place, with the word that was probably meant."""
    found = error_of(tmp_path, f"{HEAD}steps:\n  first: {{title: One, {step}}}\n")
    assert why in found[1]
    assert hint in found[2]


def test_what_is_needed(tmp_path: Path) -> None:
    """A step without a title."""
    where, why, _ = error_of(tmp_path, f"{HEAD}steps:\n  first: {{function: f}}\n")
    assert (where, why) == ("4:10", "step first needs 'title'")
