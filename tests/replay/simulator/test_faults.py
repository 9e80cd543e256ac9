# SPDX-License-Identifier: Apache-2.0
"""What the columns of a fault say of the page that it found."""

from __future__ import annotations

from tests.replay.simulator.rebuilt import Rebuilt


def test_a_fault_says_what_it_found() -> None:
    """Entry, level, exclusiveness and counts before; the entry after."""
    told = Rebuilt("""
regions: {r: {pages: 1}, h: {pages: 512, thp: true}}
actors:
  p: [{map: r}, {map: h}, {write: r}, {write: h}, {fork: c}, {wait: c}, {write: r}, {write: h}]
  c: [{write: r}]
""")
    first, huge, copy, reuse, opened = told.rows("fault")
    assert (first["old_pte"], first["error_code"], first["flags"]) == (0, 6, 4)
    assert (huge["old_level"], huge["new_level"]) == (1, 2)
    assert (copy["error_code"], copy["flags"], copy["mapcount"]) == (7, 12, 2)
    assert copy["old_pte"] >> 12 & 0xFFFFFFFF == first["new_pte"] >> 12
    assert copy["new_pte"] >> 12 != first["new_pte"] >> 12
    assert (reuse["flags"], reuse["refcount"]) == (12, 1)
    assert reuse["new_pte"] == first["new_pte"]
    assert (opened["old_level"], opened["new_level"], opened["mapcount"]) == (2, 2, 1)
