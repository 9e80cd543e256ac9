# SPDX-License-Identifier: Apache-2.0
"""Counters of what replay noticed."""

from __future__ import annotations

from replay.anomalies import Anomaly, AnomalyKind, Severity
from replay.report.noticed import noticed_json, noticed_lines

ODD = Anomaly(AnomalyKind("odd", Severity.DATA_LOSS, "Something."), 1200)


def test_a_counter() -> None:
    """With its name, what it means and the sentence."""
    lines = ["".join(text for text, _ in line) for line in noticed_lines([ODD], "seen")]
    assert lines == ["", "seen", "  1,200  odd  data loss  Something."]
    assert noticed_json([ODD]) == [
        {"name": "odd", "severity": "data loss", "count": 1200, "sentence": "Something."}
    ]


def test_nothing_noticed() -> None:
    """No heading over nothing."""
    assert list(noticed_lines([], "seen")) == []
