# SPDX-License-Identifier: Apache-2.0
"""A comparison as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from replay.compare.difference import Difference, Sureness, What
from replay.compare.ostep import Divergence
from replay.report.compare import compare_lines, sentence
from tests.replay.compare.runs import FAMILY, compared, run, told

if TYPE_CHECKING:
    from replay.compare.comparison import Comparison


def shown(
    found: Comparison, divergences: tuple[Divergence, ...] = (), width: int | None = None
) -> list[str]:
    """Give the report as plain text."""
    lines = compare_lines(found, divergences, width)
    return ["".join(text for text, _ in line).rstrip() for line in lines]


def test_the_first_lines_say_it_all() -> None:
    """What was compared, how it came out, and the first difference."""
    lines = shown(told(FAMILY.replace("exit: 3", "exit: 4"), FAMILY))
    assert lines[:5] == [
        "actual    told, simulated for Linux 6.18",
        "expected  told, simulated for Linux 6.18",
        "different 1 difference",
        "first     c: end: exit 4, expected exit 3",
        "",
    ]
    assert lines[-2:] == ["differences", "  c: end: exit 4, expected exit 3  (certain)"]
    assert shown(told(FAMILY, FAMILY))[2] == "equal     in all that is determined"


def test_what_is_permitted_is_listed() -> None:
    """With the reason."""
    text = "actors: {p: [{fork: a}, {wait: a}], a: [{fork: b}], b: }"
    pairs = (shown(compared(run(text, seed), run(text))) for seed in range(20))
    lines = next(lines for lines in pairs if "otherwise, as it may be" in lines)
    assert lines[2] == "equal     1 thing happened otherwise, as it may be"
    assert "(the scenario leaves the order open)" in lines[-1]


def test_loss_is_said() -> None:
    """And makes nothing certain."""
    trace = run(FAMILY)
    trace.lose("fault", address=trace.rows["fault"][-1]["address"])
    lines = shown(compared(trace, run(FAMILY)))
    assert lines[2] == "undecided nothing is different for certain"
    assert lines[4].startswith("unknown   of ACTUAL ")
    assert any(line.endswith("(possibly due to loss)") for line in lines)


def test_sentences() -> None:
    """Of each shape."""
    certain = Sureness.CERTAIN
    for one, text in (
        (Difference(What.MISSING, "a", "", "fork", certain, 0), "a: missing process (fork)"),
        (Difference(What.EXTRA, "a", "fork", "", certain, 0), "a: unexpected process (fork)"),
        (Difference(What.FIGURE, "", "3", "4", certain, 0, "execs"), "figure execs: 3, expected 4"),
        (Difference(What.PROGRAMS, "a", "", "ls", certain, 0), "a: programs: none, expected ls"),
    ):
        assert sentence(one) == text


def test_divergences_are_no_differences() -> None:
    """A table, and why."""
    one = Divergence("ostep-local-reparent", "d", "a", "b", "a", "because")
    lines = shown(told(FAMILY, FAMILY), (one,))
    at = lines.index("known divergences of fork.py: no differences")
    assert lines[at + 2].split() == ["d", "a", "a", "b", "ostep-local-reparent"]
    assert lines[at + 3] == "  ostep-local-reparent: because"


def test_no_line_is_wider_than_asked_for() -> None:
    """Sentences and trees go on below, tables are cropped."""
    found = told(FAMILY.replace("exit: 3", "exit: 4"), FAMILY)
    for width in (40, 60, 80):
        assert max(map(len, shown(found, (), width))) <= width
