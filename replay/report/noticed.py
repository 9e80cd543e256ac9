# SPDX-License-Identifier: Apache-2.0
"""Counters of what replay noticed, as text and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from replay.anomalies import Anomaly, Severity
from replay.report.screen import BAD, BOLD, DIM, NOTABLE, PLAIN, Line, Piece, aligned

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_STYLES: Final = {Severity.INFO: PLAIN, Severity.DATA_LOSS: NOTABLE, Severity.ERROR: BAD}


def noticed_json(anomalies: Iterable[Anomaly]) -> list[dict[str, object]]:
    """Give the counters as values for JSON."""
    return [
        {
            "name": anomaly.kind.name,
            "severity": anomaly.kind.severity,
            "count": anomaly.count,
            "sentence": anomaly.kind.sentence,
        }
        for anomaly in anomalies
    ]


def noticed_lines(anomalies: list[Anomaly], title: str) -> Iterator[Line]:
    """Give a heading and a line for each counter; nothing where there are none."""
    if not anomalies:
        return
    yield []
    yield [(title, BOLD)]
    rows: list[list[Piece]] = [
        [
            (f"{anomaly.count:,}", PLAIN),
            (anomaly.kind.name, PLAIN),
            (str(anomaly.kind.severity), _STYLES[anomaly.kind.severity]),
            (anomaly.kind.sentence, DIM),
        ]
        for anomaly in anomalies
    ]
    yield from aligned(rows, indent="  ", numbers=(0,))
