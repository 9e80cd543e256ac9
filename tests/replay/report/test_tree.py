# SPDX-License-Identifier: Apache-2.0
"""The tree as text: its layout, at any width and any depth."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from replay.forest import ProcessForest
from replay.report.tree import Place, Tree, column_widths, lines
from tests.histories.build import History, told
from tests.replay.story import build_story, deep_story


def tree_of(history: History, *, threads: bool = False) -> Tree:
    """Give the tree of a history that ends now."""
    forest = ProcessForest.from_trace(history.end_recording())
    return Tree(forest.processes, forest.roots, threads)


def drawn(tree: Tree, width: int | None = None) -> list[str]:
    """Give its lines."""
    widths = column_widths(tree.cells())
    found = lines(tree.rows(), widths, width)
    return ["".join(text for text, _ in line) for line in found]


STORY = build_story()
TREE = tree_of(STORY, threads=True)


def test_children_stand_below_their_parent() -> None:
    """In the order of their creation, with the lines of a tree."""
    tree = tree_of(told("sh execs sh, sh forks a, a forks b, a forks c, sh forks d, sh exits"))
    heading, *body = drawn(tree)
    start = heading.index("COMMAND")
    assert [line[start:].split("  #")[0] for line in body] == [
        "sh", "├─ [sh]", "│  ├─ [sh]", "│  └─ [sh]", "└─ [sh]",
    ]  # fmt: skip


def test_threads_come_before_children() -> None:
    """The last thread ends the branch only where no child follows."""
    tree = tree_of(told("sh threads_off t, sh forks a, a threads_off u, sh exits"), threads=True)
    assert [row.guides for row in tree.rows()] == ["", "├─ ", "└─ ", "   └─ "]


@given(st.integers(1, 200))
def test_every_line_fits(width: int) -> None:
    """Whatever the width, no line is longer."""
    assert max(cell_len(line) for line in drawn(TREE, width)) <= width


def test_the_facts_are_cut_last() -> None:
    """A terminal of 80 columns shows all of them, and some of each command."""
    facts = drawn(TREE)[0].index("COMMAND")
    for line, whole in zip(drawn(TREE, 80), drawn(TREE), strict=True):
        assert line[: facts + 3] == whole[: facts + 3]


def test_a_line_is_not_cut_without_a_width() -> None:
    """What goes to a file or a pipe is whole."""
    assert not any("…" in line for line in drawn(TREE))


def test_the_cells_are_those_of_the_rows() -> None:
    """Widths are computed from cells alone, so they must be the same."""
    assert list(TREE.cells()) == [row.cells for row in TREE.rows()]


def test_a_deep_tree() -> None:
    """Deeper than Python recurses, with a number in place of the guides left out."""
    *_, deepest = drawn(tree_of(deep_story(5000)))
    assert "(4984) " in deepest
    assert len(deepest) < 200


def test_the_guides_of_a_place() -> None:
    """Each ancestor that has younger siblings keeps its line."""
    place = Place(0, ()).below(last=False).below(last=True).below(last=False)
    assert place.guides() == "│     ├─ "
    assert Place(0, ()).guides() == ""
