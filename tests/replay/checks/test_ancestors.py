# SPDX-License-Identifier: Apache-2.0
"""Who stands above whom."""

from __future__ import annotations

import polars as pl

from replay.checks.ancestors import with_ancestry
from replay.checks.evidence import Evidence
from tests.replay.checks.creating import MODEL
from tests.replay.checks.mutations import orphans


def above(tgid: int, start_ns: int, reaper: int) -> bool | None:
    """Ask for one pair."""
    pair = pl.DataFrame({"tgid": [tgid], "leader_start_ns": [start_ns], "reaper_tgid": [reaper]},
                        {"tgid": pl.UInt32, "leader_start_ns": pl.UInt64,
                         "reaper_tgid": pl.UInt32})  # fmt: skip
    found: bool | None = with_ancestry(pair, Evidence(orphans(), MODEL))["is_ancestor"][0]
    return found


def test_the_chain_is_followed() -> None:
    """12 is a child of 11, which is one of 10, which is one of 1."""
    assert above(12, 2_000, 11) is True
    assert above(12, 2_000, 10) is True
    assert above(12, 2_000, 1) is True


def test_beyond_the_recording() -> None:
    """Nothing is known of 1's parents."""
    assert above(12, 2_000, 13) is None
