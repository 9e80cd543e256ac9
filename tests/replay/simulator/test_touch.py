# SPDX-License-Identifier: Apache-2.0
"""Which faults there are, of each kind of region, as replay classifies them."""

from __future__ import annotations

import pytest

from tests.replay.simulator.pages import classes
from tests.replay.simulator.told import acted


def touched(kind: str, pages: int, *steps: str) -> list[str]:
    """Give the classes of the faults of one process."""
    region = f"regions: {{r: {{pages: {pages}, kind: {kind}}}}}\n"
    return classes(acted(f"{region}actors: {{p: [{{map: r}}, {', '.join(steps)}]}}"))["p"]


@pytest.mark.parametrize(
    ("kind", "steps", "expected"),
    [
        ("private anonymous", ["{write: r}"], ["first_touch"] * 3),
        ("private anonymous", ["{read: r}", "{write: r}"], ["zero_page"] * 3 + ["zero_copy"] * 3),
        ("private anonymous", ["{write: r}", "{read: r}", "{write: r}"], ["first_touch"] * 3),
        ("private file", ["{read: r}"], ["file_read"]),
        ("private file", ["{write: r}"], ["file_cow"] * 3),
        ("private file", ["{read: r}", "{write: r}"], ["file_read"] + ["file_cow"] * 3),
        ("shared anonymous", ["{write: r}", "{read: r}"], ["shared_write"] * 3),
        ("shared anonymous", ["{read: r}", "{write: r}"], ["file_read"] * 3),
        ("shared file", ["{read: r}", "{write: r}"], ["file_read"]),
        ("shared file", ["{write: r}"], ["shared_write"] * 3),
    ],
)
def test_faults_by_kind_of_region(kind: str, steps: list[str], expected: list[str]) -> None:
    """kernel.md's table of what each access does."""
    assert touched(kind, 3, *steps) == expected


def test_a_read_maps_the_pages_around() -> None:
    """Sixteen that are aligned, so far as they are in the page cache."""
    assert touched("private file", 40, "{read: r}") == ["file_read"] * 3
    assert (
        touched("shared file", 40, "{read: {region: r, first: 15, count: 2}}") == ["file_read"] * 2
    )
    lone = ["{write: {region: r, first: 2, count: 1}}", "{unmap: r}"]
    assert touched("shared anonymous", 16, *lone) == ["shared_write"]
    found = touched("private file", 16, "{write: {region: r, count: 1}}", "{read: r}")
    assert found == ["file_cow", "file_read"]


def test_what_is_around_ends_with_the_vma() -> None:
    """GIVEN advice for pages 8 to 11 in the middle, THEN the block from 12 on goes beyond 16."""
    advice = "{madvise: {region: r, first: 8, count: 4, advice: DONTFORK}}"
    reads = [f"{{read: {{region: r, first: {first}, count: {count}}}}}"
             for first, count in ((12, 2), (6, 6), (12, 8))]  # fmt: skip
    assert touched("shared file", 40, advice, *reads) == ["file_read"] * 3
    beyond = "{read: {region: r, first: 28, count: 1}}"
    assert touched("shared file", 40, advice, *reads, beyond) == ["file_read"] * 4
    assert touched("shared file", 40, advice, "{read: r}") == ["file_read"] * 5


def test_a_page_is_touched_once_in_an_operation() -> None:
    """However often it is drawn."""
    drawn = touched("private anonymous", 2, "{write: {region: r, count: 50, random: 1}}")
    assert drawn == ["first_touch"] * 2


def test_pages_that_were_dropped_are_made_anew() -> None:
    """Private ones; shared ones are still there."""
    text = "{madvise: {region: r, advice: DONTNEED}}"
    found = touched("private anonymous", 2, "{write: r}", text, "{write: r}")
    assert found == ["first_touch"] * 4
    found = touched("shared anonymous", 2, "{write: r}", text, "{read: r}")
    assert found == ["shared_write"] * 2 + ["file_read"]
