# SPDX-License-Identifier: Apache-2.0
"""A comparison as JSON."""

from __future__ import annotations

import json
from typing import Any

from replay.compare.comparison import Comparison, compare
from replay.compare.expectation import parse_expectation
from replay.compare.from_trace import account_of
from replay.compare.ostep import Divergence
from replay.report.compare_json import compare_json
from replay.report.json_text import document
from tests.replay.compare.runs import FAMILY, run, told


def value(found: Comparison, *divergences: Divergence) -> dict[str, Any]:
    """Give what a reader of the JSON gets."""
    parsed = json.loads(document(compare_json(found, divergences)))
    assert isinstance(parsed, dict)
    return parsed


def test_the_whole_comparison() -> None:
    """Pairs, figures, pages and differences."""
    fewer = FAMILY.replace("{fork: d}, {wait: c}, {wait: d}, ", "{wait: c}, ")
    found = value(told(fewer, FAMILY))
    assert (found["outcome"], found["aligned_by"], found["undecided"]) == ("different", "name", [])
    assert found["first_difference"] == found["differences"][0]
    first = found["differences"][0]
    assert (first["what"], first["process"], first["certainty"], first["sentence"]) == (
        "missing process", "d", "certain", "d: missing process (fork, true, exit 0)",
    )  # fmt: skip
    pairs = [(pair["actual"] and pair["actual"]["name"], pair["expected"]["name"])
             for pair in found["processes"]]  # fmt: skip
    assert pairs == [("p", "p"), ("c", "c"), (None, "d")]
    assert found["processes"][1]["actual"]["reaper"] == "p"
    assert found["figures"][0] == {"figure": "processes", "actual": 2, "expected": 3}
    assert {"process": "c", "region": "heap", "figure": "copied", "actual": 4, "expected": 4,
            "compared": True, "explained": ""} in found["pages"]  # fmt: skip
    assert found["pages_elsewhere"] == {"actual": {}, "expected": {}}


def test_what_an_expectation_does_not_state_is_null() -> None:
    """And who has no partner there."""
    text = "expectation: 1\nprocesses: [{name: p}]\nfigures: {execs: 1}\ncomplete: false"
    found = value(compare(account_of(run(FAMILY)), parse_expectation(text, "x").account))
    figures = {one["figure"]: one["expected"] for one in found["figures"]}
    assert (figures["execs"], figures["exit 3"]) == (1, None)
    assert [pair["expected"] for pair in found["processes"][1:]] == [None, None]
    assert found["pages_elsewhere"]["expected"] is None


def test_divergences() -> None:
    """By their fields."""
    one = Divergence("ostep-local-reparent", "d", "a", "b", "a", "because")
    (found,) = value(told(FAMILY, FAMILY), one)["ostep_divergences"]
    assert found == {"name": "ostep-local-reparent", "process": "d", "by_linux": "a",
                     "by_ostep": "b", "actual": "a", "why": "because"}  # fmt: skip
