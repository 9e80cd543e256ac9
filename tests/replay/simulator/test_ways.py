# SPDX-License-Identifier: Apache-2.0
"""All ways in which writes of one page may go, through copies that are shared in their turn."""

from __future__ import annotations

from tests.replay.simulator.rebuilt import Rebuilt

HEAD = "regions: {r: {pages: 6}}\nactors:\n"


def test_three_generations() -> None:
    """All orders of three writers of one page: the last one reuses, unless they write at once."""
    (entry,) = Rebuilt(f"""{HEAD}
  p: [{{map: r}}, {{write: r}}, {{fork: c}}, {{barrier: x}}, {{write: r}}, {{barrier: y}}]
  c: [{{fork: d}}, {{barrier: x}}, {{write: r}}, {{barrier: y}}]
  d: [{{barrier: x}}, {{write: r}}, {{barrier: y}}]
""").open("writes")
    assert entry["pages"] == 6
    assert entry["permitted"] in ([], ["ccc", "ccr", "crc", "rcc"])


def test_a_copy_that_is_shared_again() -> None:
    """Whether the first write copied or reused, the fork after it shares what it left."""
    ways = set()
    for seed in range(8):
        (entry,) = Rebuilt(f"""{HEAD}
  p: [{{map: r}}, {{write: r}}, {{fork: c}}, {{exit: 0}}]
  c: [{{write: r}}, {{fork: d}}, {{wait: d}}, {{write: r}}]
  d: [{{write: r}}]
""", seed=seed).open("writes")  # fmt: skip
        ways.add((tuple(entry["writers"]), tuple(entry["permitted"]), entry["simulated"]))
    # After a copy, what follows is about another page, and nothing of it is open.
    assert ways == {
        (("c", "d", "c"), ("ccr", "rcr"), "rcr"),
        (("c",), ("c", "r"), "c"),
    }
