# SPDX-License-Identifier: Apache-2.0
"""What differs between two models, section by section and down to the single value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from replay.model.values import FlagCondition
from replay.names import CLONE_FLAGS, flag_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.model.values import Model

_SECTIONS: Final = ("steps", "undo", "refused", "cow", "sequences", "sentences")
_KEYS: Final = ("id", "label")


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that differs; None where one of the models has nothing there."""

    place: str
    """`steps.alloc_pid.errno`."""
    before: str | None
    after: str | None


def differences(before: Model, after: Model) -> tuple[Difference, ...]:
    """Give what differs between two models, in the order of the files."""
    return tuple(
        difference
        for section in _SECTIONS
        for difference in _between(section, getattr(before, section), getattr(after, section))
    )


def plain(value: object) -> object:
    """Give a value of a model as one of JSON: flags by name, sets in order."""
    if isinstance(value, FlagCondition):
        return {
            field.name: flag_names(mask, CLONE_FLAGS)
            for field in fields(value)
            if (mask := getattr(value, field.name))
        }
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, frozenset | tuple):
        return [plain(one) for one in (sorted(value) if isinstance(value, frozenset) else value)]
    return value


def _between(place: str, before: object, after: object) -> Iterator[Difference]:
    if before == after:
        return
    old, new = _named(before), _named(after)
    if old is None or new is None:
        yield Difference(place, _text(before), _text(after))
        return
    for key in [*old, *(key for key in new if key not in old)]:
        where = f"{place}.{key}"
        if key not in new:
            yield Difference(where, _text(old[key]), None)
        elif key not in old:
            yield Difference(where, None, _text(new[key]))
        else:
            yield from _between(where, old[key], new[key])


def _named(value: object) -> dict[str, Any] | None:
    """Give the parts of a value by name; None for one that is compared as a whole."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple) and value and all(_key(one) for one in value):
        return {_key(one): one for one in value}
    if is_dataclass(value) and not isinstance(value, FlagCondition):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return None


def _key(value: object) -> str:
    return next((str(getattr(value, key)) for key in _KEYS if hasattr(value, key)), "")


def _text(value: object) -> str:
    """Give a value in one line; of one with a title, that."""
    title = getattr(value, "title", "")
    if isinstance(title, str) and title:
        return title
    return _words(plain(value))


def _words(value: object) -> str:
    if isinstance(value, dict):
        parts = (f"{key}: {_words(one)}" for key, one in value.items() if one not in ("", [], {}))
        return "{" + ", ".join(parts) + "}"
    if isinstance(value, list):
        return ", ".join(_words(one) for one in value) or "nothing"
    return "nothing" if value in ("", None) else str(value)
