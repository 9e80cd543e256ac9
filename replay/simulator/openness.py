# SPDX-License-Identifier: Apache-2.0
"""What a scenario leaves open: said in metadata instead of being decided by accident."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from replay.simulator.early import created_by, cut_short, ended_alone, touched_most

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.simulator.host import Host
    from replay.simulator.order import Stamp
    from replay.simulator.tasks import Process
    from replay.simulator.uses import OpenFigures
    from traces.metadata import JsonValue

MOST_BATCHED_PAGES: Final = 31
"""PAGEVEC_SIZE (include/linux/pagevec.h): pages that each CPU may hold a reference to on their
way to the LRU lists; 15 in older kernels."""
WRITES, WAIT, ORPHAN, ENDED, FIGURES = 1, 2, 3, 4, 5
"""`what` of table `open`."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A wait call that had more than one answer."""

    by: str
    operation: int
    begin: Stamp
    may_find_none: bool
    """WNOHANG."""
    children: tuple[Process, ...]
    """All that it might have waited for then, in the kernel's order."""
    reported: Process | None


def openness(host: Host) -> dict[str, list[dict[str, JsonValue]]]:
    """Give what is open, by kind; SCENARIO.md says what each entry means."""
    return {
        "writes": list(_writes(host)),
        "waits": list(_waits(host)),
        "orphans": list(_orphans(host)),
        "ended": list(_ended(host)),
        "figures": list(_figures(host)),
    }


def add_openness(host: Host) -> None:
    """Write it as rows of table `open`."""
    rows = host.rows
    for one in _writes(host):
        rows.add("open", what=WRITES, region=_text(one["region"]), pages=_number(one["pages"]),
                 others=_list(one["writers"]), permitted=_list(one["permitted"]),
                 reported=_text(one["simulated"]))  # fmt: skip
    for one in _waits(host):
        rows.add("open", what=WAIT, actor=_text(one["by"]), operation=_number(one["operation"]),
                 others=_list(one["may_report"]), none=_number(one["may_find_none"]),
                 reported=_text(one["reported"]))  # fmt: skip
    for one in _orphans(host):
        rows.add("open", what=ORPHAN, actor=_text(one["parent"]), others=_list([one["child"]]),
                 none=_number(one["may_be_unheard"]))  # fmt: skip
    for one in _ended(host):
        rows.add("open", what=ENDED, actor=_text(one["process"]), others=_list(one["may_create"]),
                 none=_number(one["may_end"]))  # fmt: skip
    for one in _figures(host):
        rows.add("open", what=FIGURES, region=_text(one["region"]), pages=_number(one["pages"]),
                 others=_list(one["spaces"]))  # fmt: skip


def _text(value: JsonValue) -> bytes:
    return value.encode() if isinstance(value, str) else b""


def _number(value: JsonValue) -> int:
    return value if isinstance(value, int) else 0


def _list(value: JsonValue) -> bytes:
    names = value if isinstance(value, list) else []
    return b"".join(_text(name) + b"\0" for name in names)


def limits(host: Host) -> list[JsonValue]:
    """Give what no simulation of this scenario can know of the real kernel."""
    found: list[JsonValue] = []
    if host.memory.sharing.reused:
        found.append({
            "what": "transient_reference",
            "most_pages_per_cpu": MOST_BATCHED_PAGES,
            "why": "a CPU may still hold a reference to pages that were made lately; a page that "
            "is reused here is copied then",
        })  # fmt: skip
    if any(region.thp for region in host.plan.regions):
        found.append({
            "what": "huge_page",
            "why": "a huge page may not be had, or not be switched on; then there are small ones",
        })  # fmt: skip
    if any(region.file for region in host.plan.regions):
        found.append({
            "what": "fault_around",
            "why": "how many pages a read maps around it depends on fault_around_bytes and on "
            "the sizes of the page cache's folios",
        })  # fmt: skip
    return found


def _name(host: Host, actor: int) -> str:
    return host.plan.actors[actor].name


def _writes(host: Host) -> Iterator[dict[str, JsonValue]]:
    for one in host.memory.sharing.open_writes():
        yield {
            "region": host.plan.regions[one.region].name,
            "pages": one.pages,
            "writers": [_name(host, host.memory.owners[space]) for space in one.spaces],
            "permitted": list(one.permitted),
            "simulated": one.taken,
        }


def _waits(host: Host) -> Iterator[dict[str, JsonValue]]:
    for choice in host.choices:
        names, sure = [], False
        for child in choice.children:
            ended = child.ended_at
            # One that ends after the call, if at all, only a call that blocks may report.
            if ended is None or (choice.may_find_none and choice.begin.before(ended)):
                continue
            names.append(_name(host, child.actor))
            if ended.before(choice.begin):
                # do_wait_thread() (kernel/exit.c) takes the first zombie of the list.
                sure = True
                break
        if len(names) > 1 or (names and choice.may_find_none and not sure):
            reported = choice.reported
            yield {
                "by": choice.by,
                "operation": choice.operation,
                "may_report": names,
                "may_find_none": choice.may_find_none and not sure,
                "reported": None if reported is None else _name(host, reported.actor),
            }


def _orphans(host: Host) -> Iterator[dict[str, JsonValue]]:
    """Give the children of which it is open who gets to know of their end."""
    short = list(cut_short(host))
    fickle = {one.process.tgid for one in short if one.changes}
    alone = {one.process.tgid for one in short if one.waits or one.ends}
    alone |= {host.processes[actor].tgid for actor in _may_fault(host) if actor in host.processes}
    for child in host.processes.values():
        parent = child.born_of
        if parent is None:
            continue
        if child.leader.born_at is not None and (
            parent.tgid in fickle or _any_unordered(child.leader.born_at, parent.attitudes)
        ):
            # SIG_IGN is inherited by whoever is created after it.
            fickle.add(child.tgid)
        # A parent that ignores it, or does not come to its wait, does not get to know of it.
        unheard = parent.tgid in fickle | alone or (
            child.ended_at is not None and _any_unordered(child.ended_at, parent.attitudes)
        )
        if unheard or _is_open(child, parent):
            yield {
                "child": _name(host, child.actor),
                "parent": _name(host, parent.actor),
                "may_be_unheard": unheard,
            }


def _is_open(child: Process, parent: Process) -> bool:
    """Tell whether what becomes of a child depends on an order that is open."""
    ended = child.ended_at
    above: list[Stamp] = []
    if parent.ended_at is None or child.reaper is parent:
        return False
    ancestor = parent.born_of
    while ancestor is not None:
        above += ancestor.attitudes
        if ancestor.attitudes and ancestor.ended_at is not None:
            above.append(ancestor.ended_at)
        ancestor = ancestor.born_of
    if ended is not None and _any_unordered(ended, [parent.ended_at, *above]):
        return True
    return _any_unordered(parent.ended_at, above)


def _any_unordered(one: Stamp, others: list[Stamp]) -> bool:
    return any(not one.before(other) and not other.before(one) for other in others)


def _ended(host: Host) -> Iterator[dict[str, JsonValue]]:
    """Give the processes that may end otherwise, or while one of their threads is on its way."""
    for short in cut_short(host):
        yield {
            "process": _name(host, short.process.actor),
            "may_create": [_name(host, actor) for actor in short.created],
            "may_end": short.ends,
        }
    for process in ended_alone(host):
        yield {"process": _name(host, process.actor), "may_create": [], "may_end": True}
    for actor in _may_fault(host):
        created = created_by(host.plan, host.plan.actors[actor].operations)
        yield {
            "process": _name(host, actor),
            "may_create": [_name(host, one) for one in created],
            "may_end": True,
        }


def _may_fault(host: Host) -> list[int]:
    """Give the processes that may be ended by SIGSEGV or not."""
    owners = host.memory.owners
    found = {owners[space] for one in _open_figures(host) if one.may_fault for space in one.spaces}
    return sorted(found)


def _open_figures(host: Host) -> list[OpenFigures]:
    doubtful = [place for short in cut_short(host) for place in short.touched]
    return list(host.memory.uses.open_figures(host.plan.regions, doubtful))


def _figures(host: Host) -> Iterator[dict[str, JsonValue]]:
    """Give the regions whose figures are open altogether."""
    most = touched_most(host.plan)
    for one in _open_figures(host):
        spaces = [_name(host, host.memory.owners[space]) for space in one.spaces]
        yield {
            "region": host.plan.regions[one.region].name,
            "spaces": list(dict.fromkeys(spaces)),
            "pages": most[one.region],
        }
