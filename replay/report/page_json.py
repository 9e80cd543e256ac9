# SPDX-License-Identifier: Apache-2.0
"""The story of one page as JSON.

Addresses are numbers; processes are named as in the tree's JSON, `TGID@START_NS`. Physical pages
have numbers of their own within a story: a frame may hold one after another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from replay.memory.story import Happening
from replay.report import json_text
from replay.report.tree_json import id_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from replay.memory.lineage import Physical, Telling
    from replay.report.page_facts import FaultPlaces, PageFacts, StoryFacts


def page_json(facts: PageFacts) -> dict[str, object]:
    """Give the stories as a value for JSON."""
    return {
        "address": facts.address,
        "process": id_text(facts.process),
        "command": facts.who.command(facts.process),
        "stories": [_story(facts, story) for story in facts.stories],
    }


def _story(facts: PageFacts, story: StoryFacts) -> dict[str, object]:
    return {
        "program": facts.who.program(story.space),
        "mapping": story.where,
        "pages": [
            {
                "page": page.number,
                "name": story.names[page.number],
                "frame": None if page.frame < 0 else page.frame,
                "holds": page.holds,
                "older": page.older,
            }
            for page in story.lineage.pages
        ],
        "steps": [_step(facts, story, telling) for telling in story.lineage.tellings],
        "held_at_end": [
            {**_who(facts, space), "page": page.number} for space, page in story.lineage.held
        ],
    }


def _step(facts: PageFacts, story: StoryFacts, telling: Telling) -> dict[str, object]:
    step = telling.step
    value: dict[str, object] = {
        "time_ns": step.time_ns,
        "what": step.happening,
        **_who(facts, step.space),
        "address": step.address,
        "before": _number(telling.before),
        "after": _number(telling.after),
        "holders": _names(facts, telling.holders),
        "still_have_before": _names(facts, telling.left),
    }
    match step.happening:
        case Happening.FAULT:
            value |= _fault(facts, story.faults[step.fault], telling)
        case Happening.SHARED:
            value["child"] = id_text(facts.who.owner(step.other))
        case Happening.MOVED:
            value["to"] = step.other
        case Happening.DROPPED:
            value["call"] = facts.call(step.time_ns)
        case Happening.ENDED:
            value["how"] = facts.ending(step.space)
    return value


def _fault(facts: PageFacts, places: FaultPlaces, telling: Telling) -> dict[str, object]:
    row = telling.row or {}
    process, tid = facts.writer(telling)
    read = bool(row["flags"] & 8)
    return {
        "class": row["class"],
        "by": id_text(process),
        "tid": tid,
        "fault_ns": row["time_ns"],
        "took_ns": row["took_ns"],
        "accessed": row["address"],
        "accessed_in": _place(places.at),
        "ip": row["ip"],
        "instruction_in": _place(places.by),
        "kernel_mode": bool(row["flags"] & 1),
        "major": bool(row["flags"] & 2),
        "refcount": row["refcount"] if read else None,
        "mapcount": row["mapcount"] if read else None,
        "old_pte": row["old_pte"],
        "new_pte": row["new_pte"],
        "differs": telling.differs,
    }


def _place(place: dict[str, Any]) -> dict[str, object] | None:
    if not place["known"]:
        return None
    names = ("path", "section", "symbol")
    found = {name: None if place[name] is None else json_text.text(place[name]) for name in names}
    return {"kind": place["kind"], "mapping": place["mapping"] or None, **found}


def _who(facts: PageFacts, space: int) -> dict[str, object]:
    return {"process": id_text(facts.who.owner(space)), "program": facts.who.program(space)}


def _names(facts: PageFacts, spaces: Iterable[int]) -> list[str | None]:
    return [id_text(facts.who.owner(space)) for space in spaces]


def _number(page: Physical | None) -> int | None:
    return None if page is None else page.number
