# SPDX-License-Identifier: Apache-2.0
"""Who copies and who reuses, by the models of different kernels."""

from __future__ import annotations

import pytest

from tests.replay.simulator.pages import fork_figures

HUGE = """
regions: {heap: {pages: 512, thp: true}}
actors:
  parent:
    - map: heap
    - write: {region: heap, count: 1}
    - fork: child
    - write: {region: heap, count: 1}
    - barrier: split
    - wait: child
    - write: heap
  child:
    - barrier: split
"""
LONE = """
regions: {heap: {pages: 9}}
actors:
  parent: [{map: heap}, {write: heap}, {fork: child}, {wait: child}, {write: heap}]
  child:
"""


@pytest.mark.parametrize(
    ("model", "copied", "reused"),
    [("linux-5.10", 511, 1), ("linux-6.12", 511, 1), ("linux-6.16", 1, 511),
     ("linux-6.18", 1, 511)],
)  # fmt: skip
def test_the_rest_of_a_huge_page_is_copied_or_reused(model: str, copied: int, reused: int) -> None:
    """Only since 6.15 the kernel knows that all references of a large folio are one process's."""
    assert fork_figures(HUGE, model) == {"copied": copied, "reused": reused}


@pytest.mark.parametrize("model", ["linux-5.10", "linux-5.19", "linux-6.18"])
def test_a_lone_owner_reuses(model: str) -> None:
    """Where nothing else holds a reference, every kernel does."""
    assert fork_figures(LONE, model) == {"copied": 0, "reused": 9}


@pytest.mark.parametrize("model", ["linux-5.10", "linux-6.18"])
def test_a_huge_page_is_reused_whole(model: str) -> None:
    """By whoever has it alone; that is one fault."""
    text = LONE.replace("{pages: 9}", "{pages: 512, thp: true}")
    assert fork_figures(text, model) == {"copied": 0, "reused": 512}
