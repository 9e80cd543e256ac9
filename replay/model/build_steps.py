# SPDX-License-Identifier: Apache-2.0
"""The steps of a model file: post-conditions, observations, and their partial order."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from replay.model import terms
from replay.model.order import CycleError, linear
from replay.model.values import ALWAYS, Kind, Observation, Observed, PostCondition, Step, Target
from replay.yaml_positions import bad_value
from traces.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from replay.yaml_positions import Fields, Value

TIERS: Final = ("t0", "t1", "t2")
_STEP_KEYS: Final = (
    "title", "function", "source", "when", "calls", "only_if", "after", "before", "leaves", "errno",
    "undo", "observe",
)  # fmt: skip
_LEAVES_KEYS: Final = (*(kind.value for kind in Kind), "of", "to", "table", "when", "unless")
_OBSERVATION_KEYS: Final = (*(kind.value for kind in Observed), "at", "when", "sure")
_CALLS: Final = ("fork", "vfork", "clone", "clone3")
_TABLES: Final = ("newtask", "newtask_state")
_SMALLEST: Final = -(1 << 63)
_GREATEST: Final = (1 << 64) - 1


def build_steps(
    section: Value, labels: Collection[str]
) -> tuple[tuple[Step, ...], Mapping[str, frozenset[str]]]:
    """Give the steps in a permitted order, and what comes directly before each."""
    named = section.mapping("steps")
    after = partial_order(section, "step")
    order = permitted_order(section, after)
    return tuple(_step(name, named[name], after[name], labels) for name in order), after


def partial_order(section: Value, what: str) -> dict[str, frozenset[str]]:
    """Give what comes directly before each item of a section, from its `after` and `before`."""
    named = section.mapping(f"{what}s")
    after: dict[str, set[str]] = {name: set() for name in named}
    for name, value in named.items():
        fields = value.mapping(f"{what} {name}")
        for key in ("after", "before"):
            if key not in fields:
                continue
            for item in fields[key].items(f"{key} of {what} {name}"):
                other = terms.word(item, item.string(f"an item of {key}"), named, what)
                first, then = (other, name) if key == "after" else (name, other)
                after[then].add(first)
    return {name: frozenset(earlier) for name, earlier in after.items()}


def permitted_order(section: Value, after: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """Give a linear order; an error at an item that would have to come before itself."""
    try:
        return linear(after)
    except CycleError as error:
        value = section.mapping("steps")[error.path[0]].mapping("a step")
        place = next(value[key].position for key in ("after", "before") if key in value)
        chain = " before ".join(error.path)
        raise bad_value(place, f"the order goes round: {chain}", "take one of them away") from error


def observations(fields: Fields, key: str, what: str) -> tuple[Observation, ...]:
    """Give a list of observations, empty where the field is not there."""
    if key not in fields:
        return ()
    return tuple(
        _observation(item, f"an observation of {what}") for item in fields[key].items(what)
    )


def by_tier(fields: Fields, what: str) -> Mapping[str, tuple[Observation, ...]]:
    """Give the observations of each tier."""
    if "observe" not in fields:
        return MappingProxyType(dict.fromkeys(TIERS, ()))
    where = f"observe of {what}"
    found = terms.known_fields(fields["observe"], where, TIERS)
    return MappingProxyType({tier: observations(found, tier, where) for tier in TIERS})


def _step(name: str, value: Value, after: frozenset[str], labels: Collection[str]) -> Step:
    what = f"step {name}"
    fields = terms.known_fields(value, what, _STEP_KEYS)
    undo = terms.text(fields, "undo", what)
    if undo:
        terms.word(fields["undo"], undo, labels, "undo label")
    errors = fields["errno"].items(f"errno of {what}") if "errno" in fields else []
    leaves = fields["leaves"].mapping(f"leaves of {what}") if "leaves" in fields else {}
    for item in fields["calls"].items(f"calls of {what}") if "calls" in fields else []:
        item.one_of(f"a call of {what}", _CALLS)
    return Step(
        id=name,
        title=terms.required(value, what, "title").string(f"title of {what}"),
        function=terms.text(fields, "function", what),
        source=terms.text(fields, "source", what),
        when=terms.condition(fields, "when", what),
        calls=terms.texts(fields, "calls", what),
        only_if=terms.text(fields, "only_if", what),
        after=after,
        leaves=tuple(_leaves(one, found) for one, found in leaves.items()),
        errno=tuple(terms.errno(item, f"an errno of {what}") for item in errors),
        undo=undo,
        observe=by_tier(fields, what),
    )


def _leaves(name: str, value: Value) -> PostCondition:
    what = f"post-condition {name}"
    fields = terms.known_fields(value, what, _LEAVES_KEYS)
    kinds = [kind for kind in Kind if kind.value in fields]
    if len(kinds) != 1:
        raise value.error(f"{what} needs one of {', '.join(Kind)}", "say one thing in each")
    kind = kinds[0]
    table = terms.text(fields, "table", what) or _TABLES[0]
    if "table" in fields:
        fields["table"].one_of(f"table of {what}", _TABLES)
    bits, named = 0, ""
    wanted: int | Target = 0
    if kind in (Kind.SET, Kind.CLEARED):
        field = terms.required(value, what, "of").string(f"of of {what}")
        bits = terms.task_mask(fields[kind.value], f"{kind} of {what}")
        named = ", ".join(terms.texts(fields, kind.value, what))
        place = fields["of"]
    else:
        place = fields[kind.value]
        field = place.string(f"{kind} of {what}")
    if kind is Kind.EQUAL:
        wanted, named = _target(terms.required(value, what, "to"), what)
    _check_field(place, field, kind, table)
    return PostCondition(
        name, kind, field, table, terms.condition(fields, "when", what), bits, wanted, named,
        terms.text(fields, "unless", what),
    )  # fmt: skip


def _target(value: Value, what: str) -> tuple[int | Target, str]:
    if isinstance(value.content, str):
        if value.content in terms.TASK_STATES:
            return terms.TASK_STATES[value.content], value.content
        known = [*terms.TASK_STATES, *Target]
        return Target(terms.word(value, value.content, known, "value")), value.content
    number = value.integer(f"to of {what}", _SMALLEST, _GREATEST)
    return number, str(number)


def _check_field(place: Value, field: str, kind: Kind, table: str) -> None:
    """Refuse a column that the table does not have; a task is its columns `*_tid` and so on."""
    if table not in TABLES:
        return
    columns = TABLES[table].column_names()
    needed = f"child_{field}" if kind in (Kind.SHARED, Kind.COPIED) else field
    if needed not in columns and f"{needed}_tid" not in columns:
        known = [column.removeprefix("child_") for column in columns]
        terms.word(place, field, known, f"column of {table}")


def _observation(value: Value, what: str) -> Observation:
    fields = terms.known_fields(value, what, _OBSERVATION_KEYS)
    kinds = [kind for kind in Observed if kind.value in fields]
    if len(kinds) != 1:
        raise value.error(f"{what} needs one of {', '.join(Observed)}", "say one thing in each")
    kind = kinds[0]
    named = fields[kind.value]
    whole = isinstance(named.content, int) and not isinstance(named.content, bool)
    name = str(named.content) if whole else named.string(f"{kind} of {what}")
    sure = fields["sure"].boolean(f"sure of {what}") if "sure" in fields else True
    when = terms.condition(fields, "when", what) if "when" in fields else ALWAYS
    return Observation(kind, name, terms.texts(fields, "at", what), when, sure)
