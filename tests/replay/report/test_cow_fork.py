# SPDX-License-Identifier: Apache-2.0
"""The strips of one fork."""

from __future__ import annotations

from typing import Any

from replay.memory.fork_costs import fork_costs
from replay.memory.fork_pages import fork_pages
from replay.report.cow_fork import ForkView, fork_json, fork_lines
from replay.report.who import Who
from tests.histories.memory import MemoryHistory, remember


def _view(history: MemoryHistory, ending: str = "exited") -> ForkView:
    memory = history.memory()
    costs = fork_costs(memory).row(0, named=True)
    who = Who(history.forest(), memory.spaces)
    return ForkView(fork_pages(memory, costs["child"]), costs, who, 1_000_000, ending)


def _lines(view: ForkView, width: int | None = None) -> list[str]:
    return ["".join(text for text, _ in line) for line in fork_lines(view, width)]


def _many(count: int) -> MemoryHistory:
    history = remember(f"sh maps 100 {count}")
    for page in range(100, 100 + count):
        history.writes("sh", str(page))
    history.tell("sh forks a")
    for page in range(100, 100 + count // 2):
        history.writes("a", str(page))
    return history


def test_every_state_has_a_glyph() -> None:
    """Those that occur are in the legend."""
    history = remember("sh maps 5 6")
    for page in range(5, 11):
        history.writes("sh", str(page))
    history.tell("sh forks a, a writes 5, sh writes 6, a unmaps 7, sh writes 7, a unmaps 8")
    history.tell("a forks b, sh writes 9, a writes 9")
    lines = _lines(_view(history))
    assert "        CPr·B=" in lines
    assert (
        "C copied by child  P copied by parent  B copied by both  r reused  · died unbroken  "
        "= still shared" in lines
    )
    assert lines[1].endswith("still had this memory as recording ended")


def test_a_cell_stands_for_a_page_or_for_several() -> None:
    """Four lines are the most, and it is said when cells are scaled."""
    assert _lines(_view(_many(128)))[-2:] == ["        " + "C" * 64, "        " + "=" * 64]
    lines = _lines(_view(_many(600)))
    assert lines[-5:-1] == ["        " + glyph * 64 for glyph in "CC=="]
    assert lines[-1] == "a cell is the state that most of its pages are in, up to 3 pages"
    assert [len(line) for line in _lines(_view(_many(64)), 60)][-4:] == [28, 28, 28, 12]


def test_a_fork_that_shared_nothing_known() -> None:
    """There is no strip."""
    lines = _lines(_view(remember("sh forks a, a exits")))
    assert lines[-1] == "first writer   nobody"
    assert not any("MAPPING" in line for line in lines)


def test_json_puts_neighbours_together() -> None:
    """A hole or another state begins a run."""
    history = remember("sh writes 5, sh writes 6, sh writes 8, sh forks a, a writes 8")
    value: Any = fork_json(_view(history))
    assert value["mappings"][0]["runs"] == [
        [0x5000, 2, "still shared"], [0x8000, 1, "copied by child"]
    ]  # fmt: skip
    assert value["fork"]["child"].startswith("102@")
    assert value["states"]["copied by child"] == value["fork"]["child_copied"] == 1
