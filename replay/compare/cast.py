# SPDX-License-Identifier: Apache-2.0
"""What a trace says about the scenario that it is a run of: its actors and its regions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from replay.tables import columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from replay.tables import TraceTables

_MOST: Final = 2**63 - 1
EVERYWHERE: Final = "*"
"""In place of a region: all memory of a process."""


@dataclass(frozen=True, slots=True)
class RegionPages:
    """Where a region of the scenario lies."""

    name: str
    first: int
    """Its address over 4096."""
    end: int


ALL_MEMORY: Final = RegionPages(EVERYWHERE, 0, _MOST >> 12)


@dataclass(frozen=True, slots=True)
class Cast:
    """Actors by their tasks, and regions; both empty for a trace that is no run of a scenario."""

    actors: Mapping[tuple[int, int], str]
    """Name by (tid, start_ns)."""
    regions: tuple[RegionPages, ...]
    scenario: str
    parameters: Mapping[str, int]
    """Those of the scenario that it is a run of."""

    @classmethod
    def of(cls, trace: TraceTables) -> Cast:
        """Read it; what makes no sense is left out."""
        rows = columns(trace.table("actor"), "tid", "start_ns", "name")
        actors = {(tid, start): name.decode(errors="replace") for tid, start, name in rows if name}
        told = _mapping(trace.metadata.get("simulation")) or _mapping(trace.metadata.get("run"))
        scenario = told.get("scenario")
        named = scenario if isinstance(scenario, str) else ""
        regions = tuple(_told_regions(told))
        given = _mapping(told.get("parameters")).items()
        parameters = {name: value for name, value in given if isinstance(value, int)}
        return cls(actors, regions, named, parameters)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _told_regions(told: Mapping[str, Any]) -> Iterator[RegionPages]:
    regions = told.get("regions")
    for one in regions if isinstance(regions, list) else ():
        known = _mapping(one)
        name, address, pages = (known.get(key) for key in ("name", "address", "pages"))
        if not (isinstance(name, str) and isinstance(address, int) and isinstance(pages, int)):
            continue
        if 0 <= address <= _MOST and 0 <= pages <= _MOST >> 12:
            yield RegionPages(name, address >> 12, (address >> 12) + pages)
