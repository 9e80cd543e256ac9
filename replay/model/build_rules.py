# SPDX-License-Identifier: Apache-2.0
"""The other sections of a model file: undo ladder, refusals, COW rule, sequences, sentences."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from replay.model import terms
from replay.model.build_steps import by_tier, observations, partial_order, permitted_order
from replay.model.values import (
    Change,
    CowCase,
    Decision,
    Event,
    Refusal,
    Sentence,
    Sequence,
    UndoLabel,
)
from replay.yaml_positions import bad_value

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from replay.yaml_positions import Fields, Value

_MOST_COUNT: Final = (1 << 31) - 1
_CALLS: Final = ("clone", "clone3")
_EXIT_SIGNALS: Final = ("nonzero", "invalid")
_REFUSAL_KEYS: Final = ("when", "calls", "exit_signal", "only_if", "errno", "step", "source")
_SEQUENCE_KEYS: Final = ("title", "source", "events", "settings")
_EVENT_KEYS: Final = ("title", "function", "after", "before", "observe")


def changes(fields: Fields) -> tuple[Change, ...]:
    """Give what the generation changed."""
    found = []
    for item in fields["changes"].items("changes") if "changes" in fields else []:
        one = terms.known_fields(item, "a change", ("what", "since", "commit"))
        what = terms.required(item, "a change", "what").string("what of a change")
        since = terms.required(item, "a change", "since").string("since of a change")
        found.append(Change(what, since, terms.text(one, "commit", "a change")))
    return tuple(found)


def undo_ladder(fields: Fields) -> tuple[UndoLabel, ...]:
    """Give the rungs from the first entered to the last; each goes on to a rung that exists."""
    if "undo" not in fields:
        return ()
    section = fields["undo"]
    found, nexts = [], {}
    for label, value in section.mapping("undo").items():
        what = f"undo {label}"
        one = terms.known_fields(value, what, ("functions", "next", "observe"))
        follows = terms.text(one, "next", what)
        if follows:
            terms.word(one["next"], follows, section.mapping("undo"), "undo label")
            nexts[label] = follows
        functions = terms.texts(one, "functions", what)
        found.append(UndoLabel(label, functions, follows, observations(one, "observe", what)))
    for label in nexts:
        _check_ends(label, nexts, section)
    return tuple(sorted(found, key=lambda rung: -_length(rung.label, nexts)))


def refusals(fields: Fields, steps: Collection[str]) -> tuple[Refusal, ...]:
    """Give the refused combinations."""
    if "refused" not in fields:
        return ()
    return tuple(
        _refusal(name, value, steps) for name, value in fields["refused"].mapping("refused").items()
    )


def cow_cases(fields: Fields) -> tuple[CowCase, ...]:
    """Give the lines of the COW rule in the order in which they are tried."""
    if "cow" not in fields:
        return ()
    found = []
    for value in fields["cow"].items("cow"):
        what = "a line of cow"
        one = terms.known_fields(
            value, what,
            ("id", "decision", "why", "exclusive", "refcount", "mapcount", "source"),
        )  # fmt: skip
        choices = tuple(decision.value for decision in Decision)
        decision = terms.required(value, what, "decision").one_of("decision", choices)
        exclusive = one["exclusive"].boolean("exclusive") if "exclusive" in one else None
        found.append(
            CowCase(
                terms.required(value, what, "id").string("id"),
                Decision(decision),
                terms.required(value, what, "why").string("why"),
                exclusive,
                _range(one, "refcount"),
                _range(one, "mapcount"),
                terms.text(one, "source", what),
            )
        )
    return tuple(found)


def sequences(fields: Fields) -> tuple[Sequence, ...]:
    """Give the rules of vfork, exec, exit, wait and reparenting."""
    if "sequences" not in fields:
        return ()
    return tuple(
        _sequence(name, value) for name, value in fields["sequences"].mapping("sequences").items()
    )


def sentences(fields: Fields) -> tuple[Sentence, ...]:
    """Give the sentences of a book."""
    if "sentences" not in fields:
        return ()
    found = []
    for name, value in fields["sentences"].mapping("sentences").items():
        what = f"sentence {name}"
        one = terms.known_fields(value, what, ("says", "rules", "kernel"))
        rules = terms.required(value, what, "rules").mapping(f"rules of {what}")
        found.append(
            Sentence(
                name,
                terms.required(value, what, "says").string(f"says of {what}"),
                tuple((rule, terms.texts(rules, rule, what)) for rule in rules),
                terms.text(one, "kernel", what),
            )
        )
    return tuple(found)


def _refusal(name: str, value: Value, steps: Collection[str]) -> Refusal:
    what = f"refusal {name}"
    fields = terms.known_fields(value, what, _REFUSAL_KEYS)
    step = terms.required(value, what, "step")
    for item in fields["calls"].items("calls") if "calls" in fields else []:
        item.one_of(f"a call of {what}", _CALLS)
    signal = terms.text(fields, "exit_signal", what)
    if signal:
        fields["exit_signal"].one_of(f"exit_signal of {what}", _EXIT_SIGNALS)
    return Refusal(
        id=name,
        when=terms.condition(fields, "when", what),
        calls=terms.texts(fields, "calls", what) or _CALLS,
        exit_signal=signal,
        only_if=terms.text(fields, "only_if", what),
        errno=terms.errno(terms.required(value, what, "errno"), f"errno of {what}"),
        step=terms.word(step, step.string(f"step of {what}"), steps, "step"),
        source=terms.text(fields, "source", what),
    )


def _sequence(name: str, value: Value) -> Sequence:
    what = f"sequence {name}"
    fields = terms.known_fields(value, what, _SEQUENCE_KEYS)
    section = terms.required(value, what, "events")
    events = section.mapping(f"events of {what}")
    after = partial_order(section, "event")
    order = permitted_order(section, after)
    settings = fields["settings"].mapping(f"settings of {what}") if "settings" in fields else {}
    return Sequence(
        id=name,
        title=terms.required(value, what, "title").string(f"title of {what}"),
        source=terms.text(fields, "source", what),
        events=tuple(_event(one, events[one], after[one]) for one in order),
        settings=MappingProxyType({key: _setting(key, one) for key, one in settings.items()}),
    )


def _event(name: str, value: Value, after: frozenset[str]) -> Event:
    what = f"event {name}"
    fields = terms.known_fields(value, what, _EVENT_KEYS)
    title = terms.required(value, what, "title").string(f"title of {what}")
    function = terms.text(fields, "function", what)
    return Event(name, title, function, after, by_tier(fields, what))


def _setting(name: str, value: Value) -> str | int | bool | tuple[str, ...]:
    if isinstance(value.content, list):
        return tuple(item.string(f"an item of {name}") for item in value.content)
    if isinstance(value.content, bool | int):
        return value.content
    return value.string(name)


def _range(fields: Mapping[str, Value], key: str) -> tuple[int, int] | None:
    if key not in fields:
        return None
    ends = fields[key].items(key)
    if len(ends) != 2:
        raise fields[key].error(f"{key} is to be [from, to]", "write both ends, as in [1, 1]")
    low, high = (end.integer(f"an end of {key}", 0, _MOST_COUNT) for end in ends)
    if low > high:
        raise fields[key].error(f"{key} ends before it begins", "write the smaller end first")
    return low, high


def _check_ends(label: str, nexts: dict[str, str], section: Value) -> None:
    seen = [label]
    while seen[-1] in nexts:
        following = nexts[seen[-1]]
        if following in seen:
            place = terms.at_key(section, label)
            raise bad_value(place, f"the ladder comes back to {following}", "end it somewhere")
        seen.append(following)


def _length(label: str, nexts: dict[str, str]) -> int:
    count = 0
    while label in nexts:
        label, count = nexts[label], count + 1
    return count
