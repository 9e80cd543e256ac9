# SPDX-License-Identifier: Apache-2.0
"""Writes that might go otherwise, and all the ways in which they might."""

from __future__ import annotations

from tests.replay.simulator.rebuilt import Rebuilt

HEAD = "regions: {r: {pages: 6}}\nactors:\n"


def test_two_that_write_at_once() -> None:
    """One copies and one reuses, and it is open which."""
    (entry,) = Rebuilt(f"""{HEAD}
  p: [{{map: r}}, {{write: r}}, {{fork: c}}, {{write: r}}, {{barrier: x}}, {{wait: c}}]
  c: [{{write: {{region: r, count: 4}}}}, {{barrier: x}}]
""").open("writes")
    assert (entry["region"], entry["pages"]) == ("r", 4)
    assert sorted(entry["writers"]) == ["c", "p"]
    assert entry["permitted"] == ["cc", "cr", "rc"]


def test_a_write_beside_an_end() -> None:
    """Copied while the other is there, else reused."""
    (entry,) = Rebuilt(f"""{HEAD}
  p: [{{map: r}}, {{write: r}}, {{fork: c}}, {{write: r}}, {{wait: c}}]
  c: []
""").open("writes")
    assert (entry["writers"], entry["permitted"]) == (["p"], ["c", "r"])


def test_nothing_is_open_where_an_order_is_given() -> None:
    """By a barrier, or by a wait."""
    told = Rebuilt(f"""{HEAD}
  p: [{{map: r}}, {{write: r}}, {{fork: c}}, {{barrier: x}}, {{write: r}}, {{barrier: y}}]
  c: [{{write: r}}, {{barrier: x}}, {{barrier: y}}]
""")
    assert told.open("writes") == []


def test_nothing_is_open_where_somebody_keeps_the_page() -> None:
    """However many others write and end beside it."""
    told = Rebuilt(f"""{HEAD}
  p: [{{map: r}}, {{write: r}}, {{repeat: {{times: 20, steps: [{{fork: c}}]}}}}, {{wait: all}}]
  c: [{{write: r}}]
""")
    assert told.open("writes") == []


def test_many_orders_are_not_tried() -> None:
    """Then it is said that the writes are open, and not how."""
    told = Rebuilt(f"""{HEAD}
  p: [{{map: r}}, {{write: r}}, {{repeat: {{times: 9, steps: [{{fork: c}}]}}}}, {{write: r}}]
  c: [{{write: r}}]
""")
    assert [entry["permitted"] for entry in told.open("writes")] == [[]]
