# SPDX-License-Identifier: Apache-2.0
"""Reads an expectation file, which any simulator can write: EXPECTATION.md says what it may hold.

What it does not state is not compared.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from replay.compare.account import Account
from replay.compare.cast import EVERYWHERE, RegionPages
from replay.compare.expected_processes import ProcessReader
from replay.compare.sums import is_sum
from replay.compare.tolerance import Tolerance
from replay.yaml_positions import bad_value, parse_yaml

if TYPE_CHECKING:
    from replay.yaml_positions import Fields, Value

VERSION: Final = 1
_MOST: Final = 2**53
_MOST_PAGES: Final = 2**35
_HIGHEST: Final = 2**47
_HEAD: Final = ("expectation", "about", "ordered", "complete", "regions", "processes", "figures",
                "tolerances")  # fmt: skip
_PERCENT: Final = re.compile(r"([0-9]{1,3})%")


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a file says."""

    account: Account
    tolerances: tuple[Tolerance, ...]
    regions: tuple[RegionPages, ...]
    """Where its regions lie in a trace that is no run of a scenario."""


def parse_expectation(text: str, source: str) -> Expectation:
    """Read it from text; `source` is its name in errors."""
    return expectation_of(parse_yaml(text, source))


def is_expectation(value: Value) -> bool:
    """Tell an expectation from a scenario."""
    return isinstance(value.content, dict) and "expectation" in value.content


def expectation_of(root: Value) -> Expectation:
    """Read what a file holds; ProctraceError at the first place that is no good."""
    fields = root.fields("an expectation", _HEAD, ("expectation",))
    fields["expectation"].integer("expectation", VERSION, VERSION)
    if "processes" not in fields and "figures" not in fields:
        raise root.error("it expects nothing", "add 'processes' or 'figures'")
    places = tuple(_region(name, value) for name, value in _mapping(fields, "regions").items())
    reader = ProcessReader.of(fields.get("processes"))
    regions = tuple(dict.fromkeys(place.region for place in reader.pages.counts))
    account = Account(
        fields["about"].string("about") if "about" in fields else "an expectation",
        reader.members,
        regions=regions or None,
        pages=reader.pages if regions else None,
        figures=_figures(fields),
        ordered=_is_true(fields, "ordered", otherwise=False),
        whole=_is_true(fields, "complete", otherwise=True) and "processes" in fields,
        partial=True,
    )
    return Expectation(account, tuple(_tolerances(fields)), places)


def _mapping(fields: Fields, key: str) -> dict[str, Value]:
    return fields[key].mapping(key) if key in fields else {}


def _is_true(fields: Fields, key: str, *, otherwise: bool) -> bool:
    return fields[key].boolean(key) if key in fields else otherwise


def _region(name: str, value: Value) -> RegionPages:
    fields = value.fields(f"region {name}", ("address", "pages"), ("address", "pages"))
    if name == EVERYWHERE:
        raise value.error(f"{name} stands for all memory", "give the region another name")
    address = fields["address"].integer("address", 0, _HIGHEST)
    if address % 4096:
        raise fields["address"].error("a region begins with a page", "give a multiple of 4096")
    first = address >> 12
    return RegionPages(name, first, first + fields["pages"].integer("pages", 1, _MOST_PAGES))


def _figures(fields: Fields) -> dict[str, int] | None:
    if "figures" not in fields:
        return None
    given = fields["figures"]
    found = {}
    for name, value in given.mapping("figures").items():
        if not is_sum(name):
            hint = "as compare shows it: processes, created by fork, execs, exit 0, waited for, …"
            raise bad_value(given.keys[name], f"no figure is called {name!r}", hint)
        found[name] = value.integer(name, 0, _MOST)
    return found


def _tolerances(fields: Fields) -> list[Tolerance]:
    found = []
    for name, value in _mapping(fields, "tolerances").items():
        match = _PERCENT.fullmatch(value.content) if isinstance(value.content, str) else None
        amount = int(match[1]) if match else value.integer(name, 0, _MOST)
        found.append(Tolerance(name, amount, percent=bool(match)))
    return found
