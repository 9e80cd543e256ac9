# SPDX-License-Identifier: Apache-2.0
"""Huge pages: made, shared, split and opened."""

from __future__ import annotations

import pytest

from tests.replay.simulator.pages import classes
from tests.replay.simulator.told import acted

HEAD = "regions: {r: {pages: 1100, thp: true}}\nactors:\n"


def of_parent(*steps: str, model: str = "linux-6.18") -> list[str]:
    """Give the classes of the faults of a process alone."""
    return classes(acted(f"{HEAD}  p: [{{map: r}}, {', '.join(steps)}]", model=model))["p"]


def test_one_fault_makes_512_pages() -> None:
    """And what is left of the region has small ones."""
    assert of_parent("{write: r}") == ["huge_first_touch"] * 2 + ["first_touch"] * 76
    assert of_parent("{read: r}") == ["huge_zero"] * 2 + ["zero_page"] * 76


def test_a_block_with_a_small_page_stays_small() -> None:
    """A huge page is made only where nothing is."""
    found = of_parent(
        "{write: {region: r, count: 1}}", "{madvise: {region: r, advice: DONTNEED, count: 1}}",
        "{write: {region: r, count: 2}}",
    )  # fmt: skip
    assert found == ["huge_first_touch", "first_touch"]
    hidden = of_parent(
        "{madvise: {region: r, advice: NOHUGEPAGE, first: 9, count: 1}}",
        "{write: {region: r, count: 3}}",
    )
    assert hidden == ["first_touch"] * 3


@pytest.mark.parametrize(
    ("model", "expected"),
    [("linux-6.18", ["huge_zero", "huge_first_touch"]),
     ("linux-6.12", ["huge_zero", "zero_copy", "zero_copy"])],
)  # fmt: skip
def test_a_write_to_huge_zeros(model: str, expected: list[str]) -> None:
    """do_huge_zero_wp_pmd() since 6.13; before, the entry is split."""
    pages = "{region: r, first: 3, count: 2}"
    assert of_parent(f"{{read: {pages}}}", f"{{write: {pages}}}", model=model) == expected


def test_a_shared_huge_page_is_split_by_a_write() -> None:
    """One small page is copied for each that is written; the other process keeps it whole."""
    found = classes(acted(f"""{HEAD}
  p:
    - map: r
    - write: {{region: r, count: 1}}
    - fork: c
    - wait: c
    - write: {{region: r, count: 2}}
  c: [{{write: {{region: r, first: 7, count: 3}}}}]
"""))  # fmt: skip
    assert found["c"] == ["huge_split", "copy", "copy"]
    assert found["p"] == ["huge_first_touch", "huge_reuse"]


def test_a_child_gets_huge_zeros() -> None:
    """do_huge_pmd_anonymous_page() prepares the anon_vma for a read, too; small zeros do not."""
    found = classes(acted(f"""{HEAD}
  p: [{{map: r}}, {{read: {{region: r, count: 3}}}}, {{fork: c}}]
  c: [{{read: {{region: r, count: 3}}}}]
"""))  # fmt: skip
    assert (found["p"], found.get("c", [])) == (["huge_zero"], [])
