# SPDX-License-Identifier: Apache-2.0
"""Values of models: conditions, ladders, the COW rule."""

from __future__ import annotations

import pytest

from replay.model.load import load_model
from replay.model.values import FlagCondition

MODEL = load_model("linux-6.18")


@pytest.mark.parametrize(
    ("condition", "flags", "holds"),
    [
        (FlagCondition(), 0, True),
        (FlagCondition(all=6), 7, True),
        (FlagCondition(all=6), 2, False),
        (FlagCondition(any=6), 2, True),
        (FlagCondition(any=6), 1, False),
        (FlagCondition(none=6), 1, True),
        (FlagCondition(none=6), 4, False),
        (FlagCondition(all=1, any=6, none=8), 3, True),
        (FlagCondition(all=1, any=6, none=8), 11, False),
    ],
)
def test_a_condition(condition: FlagCondition, flags: int, holds: bool) -> None:  # noqa: FBT001
    """All, any and none."""
    assert condition.holds(flags) is holds


def test_the_undo_ladder_of_a_step() -> None:
    """Falls through from the label that the failing step enters to the end."""
    labels = [rung.label for rung in MODEL.undo_of(MODEL.step("copy_fs"))]
    assert labels[:3] == [
        "bad_fork_cleanup_files", "bad_fork_cleanup_semundo", "bad_fork_cleanup_security",
    ]  # fmt: skip
    assert labels[-2:] == ["bad_fork_free", "fork_out"]
    assert MODEL.undo_of(MODEL.step("attach_pid")) == ()


def test_steps_by_flags() -> None:
    """Those with a condition are left out without the flag."""
    names = {step.id for step in MODEL.expected_steps(0)}
    assert names.isdisjoint({"pidfd", "vfork_wait", "parent_settid", "futex_hash"})
    assert "vfork_wait" in {step.id for step in MODEL.expected_steps(0x4000)}


def test_what_is_not_there() -> None:
    """Is a KeyError."""
    assert not MODEL.has_step("copy_flags")
    for ask in (MODEL.step, MODEL.sequence):
        with pytest.raises(KeyError):
            ask("copy_flags")


@pytest.mark.parametrize(
    ("name", "exclusive", "refcount", "mapcount", "case"),
    [
        ("linux-5.10", False, 1, 1, "only_owner"),
        ("linux-5.10", True, 2, 1, "somebody_else"),
        ("linux-6.18", True, 5, 1, "exclusive"),
        ("linux-6.18", False, 1, 1, "last_reference"),
        ("linux-6.18", False, 3, 2, "mapped_by_others"),
        ("linux-6.18", False, 4, 1, "many_references"),
        ("linux-6.18", False, 2, 1, "transient_reference"),
        ("linux-6.18", True, 0, 1, "part_of_compound"),
    ],
)
def test_the_cow_rule(
    name: str, *, exclusive: bool, refcount: int, mapcount: int, case: str
) -> None:
    """By exclusiveness, references and mappings; the first line that fits decides."""
    found = load_model(name).cow_case(exclusive=exclusive, refcount=refcount, mapcount=mapcount)
    assert found is not None
    assert found.id == case


def test_a_model_without_a_cow_rule() -> None:
    """Decides nothing."""
    found = load_model("textbook").cow_case(exclusive=True, refcount=1, mapcount=1)
    assert found is None
