# SPDX-License-Identifier: Apache-2.0
"""Reads the steps of an actor: each is one word with what it needs, as in `- write: heap`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from replay.scenario import words
from replay.scenario.amount import fixed, read_amount
from replay.scenario.creating import read_create, read_exec
from replay.scenario.scenario import (
    ALL,
    ANY,
    Access,
    Barrier,
    BecomeSubreaper,
    Die,
    Exit,
    IgnoreChildren,
    Kill,
    Madvise,
    Map,
    Pages,
    Pause,
    Repeat,
    Unmap,
    Wait,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from replay.scenario.amount import Amount
    from replay.scenario.scenario import Parameter, Region, Step
    from replay.yaml_positions import Fields, Value

MAX_TIMES: Final = 100_000
"""How often steps may be repeated."""
_MOST: Final = 2**40


@dataclass(frozen=True, slots=True)
class Names:
    """What the steps of a scenario may refer to."""

    parameters: Mapping[str, Parameter]
    regions: Mapping[str, Region]
    actors: Collection[str]


def read_steps(value: Value, names: Names) -> tuple[Step, ...]:
    """Read a list of steps; an empty one may be left empty."""
    if value.content is None:
        return ()
    return tuple(_step(item, names) for item in value.items("steps"))


def _step(item: Value, names: Names) -> Step:
    if isinstance(item.content, str) and item.content == "pause":
        return Pause(item.position)
    found = item.mapping("a step")
    if len(found) != 1:
        raise item.error(f"a step is one word, not {len(found)}", "begin each with '- '")
    ((word, value),) = found.items()
    if word not in _READERS:
        raise item.error(f"there is no step {word!r}", f"there are: {', '.join(_READERS)}, pause")
    return _READERS[word](word, value, names)


def _region(value: Value, names: Names) -> str:
    return value.one_of("region", names.regions) if names.regions else _no_region(value)


def _no_region(value: Value) -> str:
    raise value.error("the scenario has no regions", "declare one below 'regions:'")


def _map(word: str, value: Value, names: Names) -> Step:
    return (Map if word == "map" else Unmap)(_region(value, names), value.position)


_PAGE_FIELDS: Final = ("first", "count", "step", "random")


def _pages(fields: Fields, value: Value, names: Names) -> Pages:
    """Read which pages; without any field they are all of the region."""

    def amount(key: str, low: int, high: int, otherwise: int) -> Amount:
        if key not in fields:
            return fixed(key, otherwise, value.position)
        return read_amount(fields[key], key, low, high, names.parameters)

    count = amount("count", 0, _MOST, 0) if "count" in fields else None
    if "random" in fields:
        if count is None:
            raise value.error("random pages need a count", "add 'count: N'")
        if "step" in fields:
            raise fields["step"].error("random pages have no step", "remove it")
    seed = amount("random", 0, _MOST, 0) if "random" in fields else None
    return Pages(amount("first", 0, _MOST, 0), count, amount("step", 1, _MOST, 1), seed)


def _access(word: str, value: Value, names: Names) -> Step:
    write = word == "write"
    if isinstance(value.content, str):
        pages = _pages({}, value, names)
        return Access(_region(value, names), write, pages, value.position)
    fields = value.fields(word, ("region", *_PAGE_FIELDS), ("region",))
    pages = _pages(fields, value, names)
    return Access(_region(fields["region"], names), write, pages, value.position)


def _madvise(word: str, value: Value, names: Names) -> Step:
    fields = value.fields(word, ("region", "advice", "first", "count"), ("region", "advice"))
    advice = words.ADVICE[fields["advice"].one_of("advice", words.ADVICE)]
    region = _region(fields["region"], names)
    return Madvise(region, advice, _pages(fields, value, names), value.position)


def _wait(word: str, value: Value, names: Names) -> Step:
    by_id = word == "waitid"
    options = words.WEXITED if by_id else 0
    target = value
    if not isinstance(value.content, str):
        fields = value.fields(word, ("for", "options"), ("for",))
        target = fields["for"]
        if "options" in fields:
            options = _options(fields["options"], by_id=by_id)
    name = target.one_of("for whom", [*names.actors, ANY, ALL])
    if name == ALL and (by_id or options):
        raise target.error("waiting for all takes no options", "wait for any, repeatedly")
    return Wait(name, options, by_id, value.position)


def _options(value: Value, *, by_id: bool) -> int:
    options = 0
    for item in value.items("options"):
        options |= words.WAIT_OPTIONS[item.one_of("option", words.WAIT_OPTIONS)]
    only_id = words.WEXITED | words.WNOWAIT
    if not by_id and options & only_id:
        raise value.error("wait4 knows neither EXITED nor NOWAIT", "use waitid")
    if by_id and not options & words.WEXITED:
        raise value.error("waitid without EXITED reports no end", "add EXITED")
    return options


def _exit(word: str, value: Value, names: Names) -> Step:
    if word == "exit" and isinstance(value.content, dict):
        fields = value.fields("exit", ("signal",), ("signal",))
        number = fields["signal"].one_of("signal", words.ENDING_SIGNALS)
        return Die(words.ENDING_SIGNALS[number], value.position)
    status = read_amount(value, "status", 0, 255, names.parameters)
    return Exit(status, word == "exit", value.position)


def _kill(word: str, value: Value, names: Names) -> Step:
    fields = value.fields(word, ("actor", "signal"), ("actor", "signal"))
    number = words.ENDING_SIGNALS[fields["signal"].one_of("signal", words.ENDING_SIGNALS)]
    return Kill(fields["actor"].one_of("actor", names.actors), number, value.position)


def _barrier(_: str, value: Value, __: Names) -> Step:
    return Barrier(value.string("barrier"), value.position)


def _become(_: str, value: Value, __: Names) -> Step:
    value.one_of("become", ("subreaper",))
    return BecomeSubreaper(value.position)


def _ignore(_: str, value: Value, __: Names) -> Step:
    value.one_of("ignore", ("CHLD",))
    return IgnoreChildren(value.position)


def _repeat(word: str, value: Value, names: Names) -> Step:
    fields = value.fields(word, ("times", "steps"), ("times", "steps"))
    times = read_amount(fields["times"], "times", 0, MAX_TIMES, names.parameters)
    return Repeat(times, read_steps(fields["steps"], names), value.position)


def _create(word: str, value: Value, names: Names) -> Step:
    return read_create(word, value, names.actors, names.parameters)


def _exec(_: str, value: Value, names: Names) -> Step:
    return read_exec(value, names.actors, names.parameters)


_READERS: Final[dict[str, Callable[[str, Value, Names], Step]]] = {
    "map": _map, "unmap": _map, "madvise": _madvise, "read": _access, "write": _access,
    "fork": _create, "vfork": _create, "clone": _create, "thread": _create,
    "posix_spawn": _create, "exec": _exec, "wait": _wait, "waitid": _wait, "exit": _exit,
    "exit_thread": _exit, "kill": _kill, "barrier": _barrier, "become": _become,
    "ignore": _ignore, "repeat": _repeat,
}  # fmt: skip
