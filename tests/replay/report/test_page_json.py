# SPDX-License-Identifier: Apache-2.0
"""The story of one page as JSON."""

from __future__ import annotations

import json
from typing import Any

from replay.report.page_json import page_json
from tests.histories.memory import remember
from tests.replay.report.test_page_facts import facts_of


def test_every_kind_of_step() -> None:
    """With what belongs to it, and nothing that JSON cannot hold."""
    history = remember("sh writes 5, sh forks a, a moves 5 30, a writes 30, sh unmaps 5, a exits 2")
    value: Any = json.loads(json.dumps(page_json(facts_of(history, "a", 30 << 12))))
    [story] = value["stories"]
    steps = story["steps"]
    assert [step["what"] for step in steps] == [
        "fault", "shared", "moved", "fault", "dropped", "ended"
    ]  # fmt: skip
    touched, shared, moved, copied, dropped, ended = steps
    assert (touched["class"], touched["before"], touched["after"]) == ("first_touch", None, 0)
    assert shared["child"] == copied["by"] == copied["process"]
    assert moved["to"] == copied["address"] == 30 << 12
    assert (copied["before"], copied["after"], copied["took_ns"]) == (0, 1, 100)
    assert copied["still_have_before"] == [touched["process"]]
    assert dropped["call"] == "munmap"
    assert ended["how"] == "exited with status 2"
    assert [page["name"] for page in story["pages"]] == ["A", "B"]
    assert story["held_at_end"] == []
    assert touched["refcount"] is None
