# SPDX-License-Identifier: Apache-2.0
"""A comparison as values for JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from replay.compare.account import NOBODY
from replay.compare.difference import Sureness
from replay.compare.sums import in_order, sums
from replay.report.compare import sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from replay.compare.account import Account
    from replay.compare.comparison import Comparison
    from replay.compare.difference import Difference
    from replay.compare.ostep import Divergence


def compare_json(found: Comparison, divergences: Sequence[Divergence] = ()) -> dict[str, Any]:
    """Give the whole comparison; `processes` are pairs, null where one has no partner."""
    return {
        "outcome": found.outcome.name.lower(),
        "actual": found.actual.what,
        "expected": found.expected.what,
        "aligned_by": "name" if found.alignment.by_name else "structure",
        "notes": list(found.notes),
        "undecided": list(found.undecided),
        "first_difference": None if found.first is None else _difference(found.first),
        "differences": [_difference(one) for one in found.differences],
        "permitted": [_difference(one) for one in found.permitted],
        "processes": _pairs(found),
        "figures": _figures(found),
        "pages": [
            {
                "process": found.expected.members[row.place.member].label,
                "region": row.place.region,
                "figure": row.figure,
                "actual": row.actual,
                "expected": row.expected,
                "compared": row.compared,
                "explained": row.explained,
            }
            for row in found.pages
        ],
        "pages_elsewhere": {
            "actual": _elsewhere(found.actual),
            "expected": _elsewhere(found.expected),
        },
        "ostep_divergences": [asdict(one) for one in divergences],
    }


def _difference(one: Difference) -> dict[str, Any]:
    return {
        "what": one.what.value,
        "process": one.subject,
        "figure": one.figure,
        "actual": one.actual,
        "expected": one.expected,
        "certainty": "permitted" if one.sureness is Sureness.PERMITTED else one.sureness.value,
        "at_ns": one.at_ns,
        "why": one.why,
        "sentence": sentence(one),
    }


def _pairs(found: Comparison) -> list[dict[str, Any]]:
    here = found.alignment.to_actual
    pairs: list[tuple[int | None, int | None]] = [
        (here.get(at), at) for at in range(len(found.expected.members))
    ]
    pairs += [(at, None) for at in found.alignment.extra]
    return [
        {
            "actual": None if actual is None else _member(found.actual, actual),
            "expected": None if expected is None else _member(found.expected, expected),
        }
        for actual, expected in pairs
    ]


def _member(account: Account, number: int) -> dict[str, Any]:
    one = account.members[number]

    def name(who: int | None) -> str | None:
        return None if who is None or who == NOBODY else account.members[who].label

    return {
        "name": one.label,
        "parent": name(one.parent),
        "born": one.born,
        "program": one.program,
        "programs": one.programs,
        "end": one.end,
        "fate": None if one.fate is None else one.fate.value,
        "reaper": name(one.reaper),
        "last_parent": name(one.guardian),
        "threads": one.threads,
    }


def _figures(found: Comparison) -> list[dict[str, Any]]:
    here, there = sums(found.actual), sums(found.expected)
    names = in_order([*here, *there])
    otherwise = None if found.expected.partial else 0
    return [
        {"figure": name, "actual": here.get(name, 0), "expected": there.get(name, otherwise)}
        for name in names
    ]


def _elsewhere(account: Account) -> dict[str, int] | None:
    return None if account.pages is None else dict(sorted(account.pages.elsewhere.items()))
