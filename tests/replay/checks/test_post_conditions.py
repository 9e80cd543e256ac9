# SPDX-License-Identifier: Apache-2.0
"""Post-conditions of a model as expressions and as words."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from replay.checks.post_conditions import flags_hold, flags_in_words, in_words
from replay.model.values import FlagCondition
from tests.replay.checks.creating import FILES, FS, MODEL, VM

MASKS = st.integers(0, (1 << 64) - 1)


@given(st.builds(FlagCondition, MASKS, MASKS, MASKS), st.lists(MASKS, min_size=1))
def test_the_expression_says_what_the_condition_says(
    condition: FlagCondition, flags: list[int]
) -> None:
    """For any flags."""
    frame = pl.DataFrame({"clone_flags": flags}, schema={"clone_flags": pl.UInt64})
    found = frame.select(holds=flags_hold(condition)).get_column("holds").to_list()
    assert found == [condition.holds(one) for one in flags]


def test_a_condition_in_words() -> None:
    """All, any and none of the flags."""
    assert flags_in_words(FlagCondition()) == ""
    words = flags_in_words(FlagCondition(all=VM | FS, any=FILES, none=0x10000))
    assert words == " with CLONE_VM and CLONE_FS and with CLONE_FILES and without CLONE_THREAD"


def test_every_post_condition_has_words() -> None:
    """None is empty, and each names its field."""
    for step in MODEL.steps:
        for condition in step.leaves:
            assert condition.field in in_words(condition)
