# SPDX-License-Identifier: Apache-2.0
"""Expectation files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from replay.compare import expectation as module
from replay.compare.cast import RegionPages
from replay.compare.comparison import Comparison, Outcome, compare
from replay.compare.expectation import expectation_of, is_expectation, parse_expectation
from replay.compare.expected_processes import PROCESS_KEYS
from replay.compare.figures import PAGE_FIGURES
from replay.compare.from_trace import account_of
from replay.compare.tolerance import Tolerance
from replay.yaml_positions import parse_yaml
from tests.replay.compare.runs import FAMILY, run, said
from traces.errors import ProctraceError

WHOLE = """
expectation: 1
about: A family.
ordered: true
processes:
  - name: p
    exit: 5
    children:
      - {name: c, exit: 3, reaper: p, pages: {heap: {shared: 8, copied: 4}}}
      - {name: d, programs: ["true"], exit: 0}
figures: {processes: 3, created by fork: 2, exit 5: 1}
"""


def against(text: str) -> Comparison:
    """Compare the family with an expectation."""
    found = parse_expectation(text, "x")
    return compare(account_of(run(FAMILY)), found.account, None, found.tolerances)


def test_what_is_so() -> None:
    """The same as JSON."""
    assert against(WHOLE).outcome is Outcome.EQUAL
    as_json = json.dumps(parse_yaml(WHOLE, "x").plain())
    assert against(as_json).outcome is Outcome.EQUAL


@pytest.mark.parametrize(
    ("change", "to", "difference"),
    [
        ("exit: 3", "exit: 4", ("end", "c", "exit 3", "exit 4")),
        ("copied: 4", "copied: 5", ("pages heap/copied", "c", "4", "5")),
        ("reaper: p", "fate: never-waited",
         ("what became of its end", "c", "reaped", "never waited")),
        ("processes: 3", "processes: 4", ("figure processes", "", "3", "4")),
        ("- {name: d", "- {name: x}\n      - {name: d", ("missing process", "x", "", "there")),
        ('      - {name: d, programs: ["true"], exit: 0}\n', "",
         ("unexpected process", "d", "fork, true, exit 0", "")),
        ("exit: 0}", "last_parent: outside}", ("last parent", "d", "p", "somebody else")),
    ],
)  # fmt: skip
def test_what_is_not(change: str, to: str, difference: tuple[str, str, str, str]) -> None:
    """Each by its name."""
    found = against(WHOLE.replace(change, to))
    assert said(found) == [difference]
    assert found.outcome is Outcome.DIFFERENT


def test_others_may_be_there() -> None:
    """Where it is not complete."""
    text = "expectation: 1\nprocesses: [{name: p, children: [{name: d}]}]\n"
    assert said(against(text)) == [("unexpected process", "c", "fork, exit 3", "")]
    assert against(text + "complete: false\n").outcome is Outcome.EQUAL


def test_the_order_counts_where_it_is_said_to() -> None:
    """Of children of one thread."""
    text = "expectation: 1\nprocesses: [{name: p, children: [{name: d}, {name: c}]}]\n"
    assert against(text).outcome is Outcome.EQUAL
    assert [one[0] for one in said(against(text + "ordered: true\n"))] == ["order of creation"]


def test_tolerances_and_regions() -> None:
    """As numbers and percents; regions by address."""
    text = WHOLE.replace("copied: 4", "copied: 6") + "tolerances: {copied: 2, heap/shared: 10%}\n"
    found = parse_expectation(text + "regions: {map: {address: 0x2000, pages: 3}}\n", "x")
    assert found.tolerances == (Tolerance("copied", 2, percent=False),
                                Tolerance("heap/shared", 10, percent=True))  # fmt: skip
    assert found.regions == (RegionPages("map", 2, 5),)
    assert against(text).outcome is Outcome.EQUAL
    assert against(text.replace("copied: 2", "copied: 1")).outcome is Outcome.DIFFERENT


@pytest.mark.parametrize(
    ("text", "where", "why"),
    [
        ("expectation: 2\nprocesses: []", "1:14", "expectation is 2"),
        ("expectation: 1", "1:1", "it expects nothing"),
        ("processes: []", "1:1", "an expectation needs 'expectation'"),
        ("expectation: 1\nproces: []", "2:1", "an expectation has no 'proces'"),
        ("expectation: 1\nfigures: {forks: 3}", "2:11", "no figure is called 'forks'"),
        ("expectation: 1\nfigures: {execs: x}", "2:18", "execs is to be an integer"),
        ("expectation: 1\nfigures: {}\ntolerances: {copied: 5.5}", "3:22", "copied is to be"),
        ("expectation: 1\nfigures: {}\nregions: {r: {address: 1, pages: 1}}", "3:24",
         "a region begins with a page"),
        ("expectation: 1\nfigures: {}\nregions: {'*': {address: 0, pages: 1}}", "3:16",
         "* stands for all memory"),
        ("expectation: 1\nfigures: {}\nordered: 1", "3:10", "ordered is to be true or false"),
    ],
)  # fmt: skip
def test_mistakes_are_told_with_their_place(text: str, where: str, why: str) -> None:
    """Line and column."""
    with pytest.raises(ProctraceError) as caught:
        parse_expectation(text, "x")
    assert caught.value.what == f"cannot use x:{where}"
    assert caught.value.why.startswith(why)


def test_the_document_s_example_and_figures() -> None:
    """What EXPECTATION.md shows can be read, and it names every key and figure."""
    text = (Path(module.__file__).parent / "EXPECTATION.md").read_text(encoding="utf-8")
    example = re.search(r"\n\n((?:    .*\n)+)", text)
    assert example is not None
    lines = [line[4:] for line in example[1].splitlines()]
    value = parse_yaml("\n".join(lines), "x")
    assert is_expectation(value)
    assert len(expectation_of(value).account.members) == 3
    for name in (*PROCESS_KEYS, *PAGE_FIGURES):
        assert f"`{name}`" in text, name


def test_a_scenario_is_none() -> None:
    """They are told apart by their first key."""
    assert not is_expectation(parse_yaml("scenario: x", "x"))
    assert not is_expectation(parse_yaml("[expectation]", "x"))
