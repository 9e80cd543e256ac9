# SPDX-License-Identifier: Apache-2.0
"""Pages that may be there."""

from __future__ import annotations

from replay.memory.candidates import Candidates
from tests.histories.memory import remember


def test_pages_of_ancestors_and_moved_ones() -> None:
    """All that had a fault in the line of forks, under the addresses that mremap gave them."""
    history = remember(
        "sh writes 5, sh moves 5 20, sh writes 6, sh forks a, a moves 20 30 2, a writes 7"
    )
    candidates = Candidates(history.memory().events)
    assert candidates.within(0, 0, 100).tolist() == [5, 6, 20]
    assert candidates.within(1, 0, 100).tolist() == [5, 6, 7, 20, 30]
    assert candidates.within(1, 6, 30).tolist() == [6, 7, 20]
