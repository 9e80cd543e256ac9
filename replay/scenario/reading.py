# SPDX-License-Identifier: Apache-2.0
"""Reads a scenario from YAML and checks all of it; errors name file, line and column."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from replay.scenario.amount import INDEX, read_amount
from replay.scenario.scenario import RESERVED, Actor, Parameter, Region, Scenario
from replay.scenario.steps import Names, read_steps
from replay.yaml_positions import Position, bad_value, parse_yaml, read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from replay.yaml_positions import Fields, Value

MAX_PAGES: Final = 1 << 22
"""The most pages of a region: 16 GiB."""
MAX_NAMED: Final = 256
"""The most regions, and the most actors, of a scenario."""
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,9}")
_PARAMETER: Final = re.compile(r"[a-z][a-z0-9_]{0,30}")
_FIELDS: Final = ("scenario", "about", "lesson", "parameters", "regions", "actors")
_KINDS: Final = ("private anonymous", "shared anonymous", "private file", "shared file")
_LIMIT: Final = 2**62


def read_scenario(path: Path) -> Scenario:
    """Read a scenario from a file; ProctraceError at the first place that is no good."""
    return _scenario(read_yaml(path))


def parse_scenario(text: str, source: str) -> Scenario:
    """Read a scenario from text; `source` is its name in errors."""
    return _scenario(parse_yaml(text, source))


def with_parameters(scenario: Scenario, settings: Sequence[str]) -> Scenario:
    """Give a scenario with other defaults, each as `name=value`."""
    parameters = dict(scenario.parameters)
    for place, setting in enumerate(settings, start=1):
        name, equals, number = setting.partition("=")
        at = Position("--set", 1, place)
        if name not in parameters:
            known = ", ".join(parameters) or "none"
            raise bad_value(at, f"{scenario.name} has no parameter {name!r}", f"it has: {known}")
        if not equals or not re.fullmatch(r"-?[0-9]{1,12}", number):
            raise bad_value(at, f"{setting!r} gives {name} no integer", f"write --set {name}=N")
        known_as = parameters[name]
        if not known_as.low <= int(number) <= known_as.high:
            hint = f"it may be from {known_as.low} to {known_as.high}"
            raise bad_value(at, f"{name} cannot be {number}", hint)
        parameters[name] = replace(known_as, default=int(number))
    return replace(scenario, parameters=parameters)


def _scenario(root: Value) -> Scenario:
    fields = root.fields("a scenario", _FIELDS, ("scenario", "about", "actors"))
    parameters = _parameters(fields)
    regions = _regions(fields, parameters)
    names = _actor_names(fields["actors"])
    known = Names(parameters, regions, names)
    actors = {
        name: Actor(name, read_steps(value, known), value.position)
        for name, value in fields["actors"].mapping("actors").items()
    }
    return Scenario(
        fields["scenario"].string("scenario"),
        fields["about"].string("about"),
        fields["lesson"].string("lesson").strip() if "lesson" in fields else "",
        parameters,
        regions,
        actors,
        root.position,
    )


def _parameters(fields: Fields) -> dict[str, Parameter]:
    if "parameters" not in fields:
        return {}
    value = fields["parameters"]
    found = {}
    for name, given in value.mapping("parameters").items():
        if not _PARAMETER.fullmatch(name) or name == INDEX:
            at = value.keys[name]
            raise bad_value(at, f"{name!r} is no name for a parameter", "use a-z, 0-9 and _")
        found[name] = _parameter(name, given)
    return found


def _parameter(name: str, given: Value) -> Parameter:
    if not isinstance(given.content, dict):
        return Parameter(name, given.integer(name, -_LIMIT, _LIMIT), 0, _LIMIT, "")
    fields = given.fields(name, ("default", "low", "high", "about"), ("default",))
    low, high = (
        fields[key].integer(key, -_LIMIT, _LIMIT) if key in fields else otherwise
        for key, otherwise in (("low", 0), ("high", _LIMIT))
    )
    about = fields["about"].string("about") if "about" in fields else ""
    return Parameter(name, fields["default"].integer("default", low, high), low, high, about)


def _regions(fields: Fields, parameters: Mapping[str, Parameter]) -> dict[str, Region]:
    if "regions" not in fields:
        return {}
    value = fields["regions"]
    _check_names(value, "region")
    return {name: _region(name, given, parameters) for name, given in value.mapping("").items()}


def _region(name: str, given: Value, parameters: Mapping[str, Parameter]) -> Region:
    fields = given.fields(f"region {name}", ("pages", "kind", "thp"), ("pages",))
    pages = read_amount(fields["pages"], "pages", 1, MAX_PAGES, parameters)
    kind = fields["kind"].one_of("kind", _KINDS) if "kind" in fields else _KINDS[0]
    thp = fields["thp"].boolean("thp") if "thp" in fields else False
    if thp and kind != _KINDS[0]:
        raise fields["thp"].error(f"a {kind} region has no huge pages", "leave thp away")
    return Region(name, pages, "shared" in kind, "file" in kind, thp, given.position)


def _actor_names(value: Value) -> tuple[str, ...]:
    _check_names(value, "actor")
    names = tuple(value.mapping("actors"))
    if not names:
        raise value.error("there is no actor", "add one with its steps")
    return names


def _check_names(value: Value, what: str) -> None:
    """Refuse names that are too long for `comm` with the number of an instance behind them."""
    found = value.mapping(f"{what}s")
    if len(found) > MAX_NAMED:
        raise value.error(f"there are {len(found)} {what}s", f"use at most {MAX_NAMED}")
    for name, at in value.keys.items():
        if not _NAME.fullmatch(name) or name in RESERVED:
            hint = "use up to 10 of a-z, 0-9, - and _, a letter first"
            raise bad_value(at, f"{name!r} is no name for a {what}", hint)
