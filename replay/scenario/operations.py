# SPDX-License-Identifier: Apache-2.0
"""Steps that concern nobody but their own actor, as operations; and where regions lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from replay.scenario.plan import (
    FIRST_ADDRESS,
    HUGE_BYTES,
    MAX_PLAN_PAGES,
    NO_SEED,
    REGION_GAP_BYTES,
    Code,
    Operation,
    PlanRegion,
)
from replay.scenario.scenario import (
    Access,
    BecomeSubreaper,
    Create,
    Die,
    Exit,
    IgnoreChildren,
    Madvise,
    Map,
    Pages,
    Pause,
    Scenario,
    Step,
    Unmap,
)
from replay.yaml_positions import bad_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PAGE: Final = 4096


@dataclass(frozen=True, slots=True)
class Layout:
    """The regions of a plan, and the number of each name."""

    regions: tuple[PlanRegion, ...]
    numbers: Mapping[str, int]

    @classmethod
    def of(cls, scenario: Scenario, values: Mapping[str, int]) -> Layout:
        """Give each region its address; ProctraceError when there are too many pages."""
        numbers = {name: at for at, name in enumerate(scenario.regions)}
        return cls(tuple(_lay_out(scenario, values)), numbers)


def _lay_out(scenario: Scenario, values: Mapping[str, int]) -> Iterator[PlanRegion]:
    address, whole = FIRST_ADDRESS, 0
    for region in scenario.regions.values():
        pages = region.pages.value(values)
        whole += pages
        if whole > MAX_PLAN_PAGES:
            why = f"the regions have more than {MAX_PLAN_PAGES} pages"
            raise bad_value(region.position, why, "use fewer pages")
        yield PlanRegion(region.name, address, pages, region.shared, region.file, region.thp)
        end = address + pages * _PAGE + REGION_GAP_BYTES
        address = -(-end // HUGE_BYTES) * HUGE_BYTES


def alone(step: Step, layout: Layout, values: Mapping[str, int]) -> Operation:
    """Give the operation of a step that names no other actor."""
    match step:
        case Map(region) | Unmap(region):
            code = Code.MAP if isinstance(step, Map) else Code.UNMAP
            return Operation(code, (layout.numbers[region],))
        case Madvise(region, advice, pages):
            number, first, count, *_ = _touched(region, pages, layout, values)
            return Operation(Code.MADVISE, (number, advice, first, count))
        case Access(region, write, pages):
            touched = _touched(region, pages, layout, values)
            return Operation(Code.WRITE if write else Code.READ, touched)
        case Exit(status, whole):
            code = Code.EXIT if whole else Code.EXIT_THREAD
            return Operation(code, (status.value(values),))
        case Die(signal):
            return Operation(Code.DIE, (signal,))
        case Pause() | BecomeSubreaper() | IgnoreChildren():
            return Operation(_PLAIN[type(step)])
    raise TypeError(type(step).__name__)


_PLAIN: Final[dict[type, Code]] = {
    Pause: Code.PAUSE,
    BecomeSubreaper: Code.SUBREAPER,
    IgnoreChildren: Code.IGNORE_CHILDREN,
}


def _touched(
    region: str, pages: Pages, layout: Layout, values: Mapping[str, int]
) -> tuple[int, ...]:
    """Give the numbers of READ and WRITE: region, first, count, step, seed, span."""
    number = layout.numbers[region]
    there = layout.regions[number].pages
    first, step = pages.first.value(values), pages.step.value(values)
    seed = NO_SEED if pages.seed is None else pages.seed.value(values)
    span = max(there - first, 0)
    count = -(-span // step) if pages.count is None else pages.count.value(values)
    last = first + (count - 1) * step if seed == NO_SEED else first
    if count and last >= there:
        why = f"page {last} is beyond the {there} pages of {region}"
        raise bad_value(pages.first.position, why, "use a smaller first, count or step")
    return number, first, count, step, seed, span


def program_name(step: Create) -> str:
    """Name the task that posix_spawn makes for a program after the program."""
    argv = step.spawns.argv if step.spawns is not None else ()
    base = argv[0].rsplit("/", 1)[-1].lower() if argv else ""
    kept = "".join(letter for letter in base if letter.isalnum())[:10]
    return kept if kept[:1].isalpha() else "program"
