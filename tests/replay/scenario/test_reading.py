# SPDX-License-Identifier: Apache-2.0
"""Scenarios are read whole, and every mistake is told with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from replay.scenario.reading import parse_scenario, read_scenario, with_parameters
from traces.errors import ProctraceError

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """\
scenario: one
about: What it is.
lesson: |
  What there is to see.
parameters:
  pages: {default: 4, low: 1, high: 9, about: how many}
  free: 3
regions:
  heap: {pages: $pages, thp: true}
  file: {pages: 2, kind: private file}
actors:
  parent:
    - map: heap
  child:
"""


def test_a_scenario_is_read_whole() -> None:
    """All its parts, with what was left out."""
    scenario = parse_scenario(GOOD, "f")
    assert (scenario.name, scenario.about) == ("one", "What it is.")
    assert scenario.lesson == "What there is to see."
    assert scenario.parameters["pages"].high == 9
    assert scenario.parameters["free"].default == 3
    heap, file = scenario.regions["heap"], scenario.regions["file"]
    assert (heap.shared, heap.file, heap.thp) == (False, False, True)
    assert (file.shared, file.file, file.thp) == (False, True, False)
    assert list(scenario.actors) == ["parent", "child"]
    assert scenario.actors["child"].steps == ()


def test_it_is_read_from_a_file(tmp_path: Path) -> None:
    """The error names the path."""
    path = tmp_path / "one.yaml"
    path.write_text(GOOD)
    assert read_scenario(path).name == "one"
    path.write_text("scenario: [")
    with pytest.raises(ProctraceError, match=r"one\.yaml:"):
        read_scenario(path)


@pytest.mark.parametrize(
    ("change", "where", "why"),
    [
        (("about: What it is.\n", ""), "f:1:1", "a scenario needs 'about'"),
        (("lesson", "less"), "f:3:1", "a scenario has no 'less'"),
        (("pages: {", "Pages: {"), "f:6:3", "'Pages' is no name for a parameter"),
        (("free: 3", "index: 3"), "f:7:3", "'index' is no name for a parameter"),
        (("default: 4", "default: 0"), "f:6:20", "default is 0"),
        (("  heap:", "  Heap:"), "f:9:3", "'Heap' is no name for a region"),
        (("kind: private file", "kind: file"), "f:10:26", "kind cannot be 'file'"),
        (("private file", "private file, thp: true"), "f:10:45", "a private file region has no"),
        (("  child:", "  any:"), "f:14:3", "'any' is no name for a actor"),
        (("  child:", "  child_is_long:"), "f:14:3", "'child_is_long' is no name for a actor"),
        (("map: heap", "map: hip"), "f:13:12", "region cannot be 'hip'"),
        (("pages: $pages", "pages: $page"), "f:9:17", "there is no parameter $page"),
    ],
)
def test_mistakes_are_told_with_their_place(change: tuple[str, str], where: str, why: str) -> None:
    """File, line and column."""
    with pytest.raises(ProctraceError) as caught:
        parse_scenario(GOOD.replace(*change), "f")
    assert caught.value.what == f"cannot use {where}"
    assert caught.value.why.startswith(why)
    assert caught.value.status == 2


def test_a_scenario_has_an_actor() -> None:
    """The first one is what begins."""
    with pytest.raises(ProctraceError, match="x:3:9") as caught:
        parse_scenario("scenario: a\nabout: b\nactors: {}", "x")
    assert caught.value.why == "there is no actor"


def test_parameters_are_set_from_outside() -> None:
    """Within their bounds, and only those that there are."""
    scenario = parse_scenario(GOOD, "f")
    assert with_parameters(scenario, ["pages=9"]).parameters["pages"].default == 9
    assert scenario.parameters["pages"].default == 4
    for setting, why in {
        "pages=10": "pages cannot be 10",
        "pages=x": "'pages=x' gives pages no integer",
        "pages": "'pages' gives pages no integer",
        "page=1": "one has no parameter 'page'",
    }.items():
        with pytest.raises(ProctraceError) as caught:
            with_parameters(scenario, ["free=1", setting])
        assert caught.value.why == why
        assert caught.value.what == "cannot use --set:1:2"
