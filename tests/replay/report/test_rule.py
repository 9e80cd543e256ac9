# SPDX-License-Identifier: Apache-2.0
"""The documentation of rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from replay.checks.registry import CHECKS
from replay.report.rule import rule_json, rule_lines, rules_lines

if TYPE_CHECKING:
    from replay.checks.check import Check


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_every_text_is_printed(check: Check) -> None:
    """In lines that fit a terminal; without line breaks in it, it is the same text."""
    lines = ["".join(text for text, _ in line) for line in rule_lines(check)]
    assert max(len(line) for line in lines) <= 100
    words = " ".join(" ".join(lines).split())
    for text in (check.what, check.why, check.limits, check.example, check.source, check.observed):
        assert " ".join(text.split()) in words


def test_the_list() -> None:
    """A line for each."""
    assert len(list(rules_lines(CHECKS))) == len(CHECKS)


def test_json_has_no_function() -> None:
    """Only texts."""
    assert all(isinstance(text, str) for text in rule_json(CHECKS[0]).values())
