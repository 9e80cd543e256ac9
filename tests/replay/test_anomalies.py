# SPDX-License-Identifier: Apache-2.0
"""The counters have names, sentences, and a test that makes each of them count."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from replay.anomalies import KINDS, Anomalies


def test_counters_begin_at_zero_and_only_those_above_are_found() -> None:
    """In the order of their definition."""
    anomalies = Anomalies()
    assert anomalies.found() == []
    anomalies.add("exit_repeated")
    anomalies.add("newtask_repeated", 0)
    anomalies.add("task_never_created", 3)
    found = [(anomaly.kind.name, anomaly.count) for anomaly in anomalies.found()]
    assert found == [("task_never_created", 3), ("exit_repeated", 1)]
    assert anomalies.count("exit_repeated") == 1


def test_an_unknown_counter_is_a_mistake() -> None:
    """A misspelt name does not vanish."""
    with pytest.raises(KeyError, match="no such counter: exits_repeated"):
        Anomalies().add("exits_repeated")


def test_every_counter_has_a_sentence() -> None:
    """Which ends as sentences do, since the audit continues it."""
    for kind in KINDS.values():
        assert kind.sentence[0].isupper()
        assert kind.sentence.endswith(".")


def test_every_counter_is_used_and_tested() -> None:
    """In the sources, and in a test of this folder."""
    here = Path(__file__).resolve().parent
    sources = here.parent.parent / "replay"
    used = set(
        re.findall(
            r'"(\w+)"',
            "".join(
                path.read_text() for path in sources.glob("*.py") if path.name != "anomalies.py"
            ),
        )
    )
    tested = set(
        re.findall(
            r'"(\w+)"',
            "".join(
                path.read_text()
                for path in here.glob("test_*.py")
                if path.name != "test_anomalies.py"
            ),
        )
    )
    assert set(KINDS) - used == set()
    assert set(KINDS) - tested == set()
