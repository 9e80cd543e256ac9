# SPDX-License-Identifier: Apache-2.0
"""The words of the model files: flags, states, errors, with an error at the place of a wrong one.

Flags are written without their prefix (`VM`, not `CLONE_VM`), as the manual page clone(2) talks
of them in tables; with the prefix they are understood, too. A bit without a name is a number.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from replay.model.values import ALWAYS, FlagCondition
from replay.names import CLONE_FLAGS, TASK_FLAGS, errno_name
from replay.yaml_positions import bad_value

if TYPE_CHECKING:
    from collections.abc import Collection

    from replay.yaml_positions import Fields, Position, Value

_CLONE: Final = {name.removeprefix("CLONE_"): bit for bit, name in CLONE_FLAGS.items()}
_TASK: Final = {name: bit for bit, name in TASK_FLAGS.items()}
ERRNO_NUMBERS: Final = {
    name: number for number in range(1, 517) if not (name := errno_name(number)).isdigit()
}
"""Numbers of the errors that process creation can give, on x86-64."""
_MOST_BITS: Final = (1 << 64) - 1

TASK_STATES: Final = {
    "TASK_RUNNING": 0x0,
    "TASK_INTERRUPTIBLE": 0x1,
    "TASK_UNINTERRUPTIBLE": 0x2,
    "TASK_WAKING": 0x200,
    "TASK_NEW": 0x800,
}
"""Values of task->__state, include/linux/sched.h of 5.10 to 6.18."""


def suggestion(word: str, known: Collection[str]) -> str:
    """Give `did you mean X? ` for a word close to a known one; empty where none is."""
    close = get_close_matches(word, known)
    return f"did you mean {close[0]}? " if close else ""


def known_fields(value: Value, what: str, known: Collection[str]) -> Fields:
    """Give the fields of a mapping; an error at the first key that is not known."""
    found = value.mapping(what)
    for key in found:
        if key not in known:
            hint = f"{suggestion(key, known)}it may have: {', '.join(known)}"
            raise bad_value(value.keys[key], f"{what} has no {key!r}", hint)
    return found


def required(value: Value, what: str, key: str) -> Value:
    """Give a field that must be there."""
    fields = value.mapping(what)
    if key not in fields:
        raise value.error(f"{what} needs {key!r}", f"add '{key}: ...'")
    return fields[key]


def text(fields: Fields, key: str, what: str) -> str:
    """Give a string, empty where the field is not there."""
    return fields[key].string(f"{key} of {what}") if key in fields else ""


def texts(fields: Fields, key: str, what: str) -> tuple[str, ...]:
    """Give a list of strings, empty where the field is not there."""
    if key not in fields:
        return ()
    return tuple(
        item.string(f"an item of {key} of {what}") for item in fields[key].items(f"{key} of {what}")
    )


def condition(fields: Fields, key: str, what: str) -> FlagCondition:
    """Give the condition on clone flags in a field; the one that always holds without it."""
    if key not in fields:
        return ALWAYS
    where = f"{key} of {what}"
    found = known_fields(fields[key], where, ("all", "any", "none"))
    masks = {name: clone_mask(value, f"{name} of {where}") for name, value in found.items()}
    return FlagCondition(**masks)


def clone_mask(value: Value, what: str) -> int:
    """Give the bits of a list of clone flags."""
    mask = 0
    for item in value.items(what):
        if isinstance(item.content, str):
            mask |= _bit(item, item.content.removeprefix("CLONE_"), _CLONE, "clone flag")
        else:
            mask |= item.integer(f"a flag of {what}", 1, _MOST_BITS)
    return mask


def task_mask(value: Value, what: str) -> int:
    """Give the bits of a list of PF_* flags."""
    return sum(
        _bit(item, item.string(f"a flag of {what}"), _TASK, "task flag")
        for item in value.items(what)
    )


def errno(value: Value, what: str) -> str:
    """Give the name of an error."""
    return word(value, value.string(what), ERRNO_NUMBERS, "error")


def word(value: Value, found: str, known: Collection[str], what: str) -> str:
    """Give a word that is one of those known; an error at its place otherwise."""
    if found not in known:
        hint = suggestion(found, known) or "look at the bundled models for those there are"
        raise bad_value(value.position, f"there is no {what} {found!r}", hint.strip())
    return found


def at_key(value: Value, key: str) -> Position:
    """Give the place of a key."""
    return value.keys.get(key, value.position)


def _bit(value: Value, name: str, known: dict[str, int], what: str) -> int:
    return known[word(value, name, known, what)]
