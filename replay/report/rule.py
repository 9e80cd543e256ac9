# SPDX-License-Identifier: Apache-2.0
"""The documentation of a rule as text and as JSON."""

from __future__ import annotations

import textwrap
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from replay.report.screen import BOLD, DIM, PLAIN, Line, aligned

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from replay.checks.check import Check

_WIDTH: Final = 80
_TEXTS: Final = (
    ("asks", "what"),
    ("why", "why"),
    ("limits", "limits"),
    ("example", "example"),
    ("kernel", "source"),
    ("observed", "observed"),
)


def rule_lines(check: Check) -> Iterator[Line]:
    """Give all that is known of a rule."""
    yield [(check.id, BOLD), (f"  {check.title}", PLAIN)]
    for label, name in _TEXTS:
        yield []
        for index, part in enumerate(textwrap.wrap(getattr(check, name), _WIDTH - 10)):
            yield [(f"{'' if index else label:<10}", DIM), (part, PLAIN)]


def rules_lines(checks: Sequence[Check]) -> Iterator[Line]:
    """Give a line for each rule."""
    yield from aligned([[(check.id, BOLD), (check.title, PLAIN)] for check in checks])


def rule_json(check: Check) -> dict[str, Any]:
    """Give the texts of a rule."""
    return {
        field.name: getattr(check, field.name) for field in fields(check) if field.name != "run"
    }
