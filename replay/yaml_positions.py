# SPDX-License-Identifier: Apache-2.0
"""YAML that remembers where each value stood, so that an error names file, line and column.

Files are read as data only: no tag, no object, no merge key. What a file may cost is bounded
before anything is built from it: its size, how deep it nests, and how many values it holds when
every alias is counted as often as it is used. Plain scalars are YAML 1.2's: `no` and `on` are
strings, and only `true` and `false` are booleans.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import yaml

from traces.errors import STATUS_UNUSABLE_INPUT, ProctraceError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

MAX_BYTES: Final = 1 << 20
"""The largest file that is read."""
MAX_DEPTH: Final = 32
"""How deep values may nest."""
MAX_VALUES: Final = 100_000
"""How many values a file may hold, each use of an alias counted as a copy."""

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER: Final = re.compile(r"[-+]?[0-9]+|0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_MOST_DIGITS: Final = 40
_BOOLEANS: Final = {"true": True, "True": True, "false": False, "False": False}
_NULLS: Final = frozenset({"", "~", "null", "Null"})

# The type stubs keep the attributes of events apart by kind, which are told apart here at run time.
_Event: TypeAlias = Any
_Mark: TypeAlias = Any

Plain: TypeAlias = "bool | int | float | str | None"


class Position(NamedTuple):
    """Where something stands; line and column count from 1."""

    source: str
    line: int
    column: int

    def __str__(self) -> str:
        """Give it as compilers do: source:line:column."""
        return f"{self.source}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Value:
    """A value with its position: a scalar, a list of values, or values by their keys."""

    position: Position
    content: Plain | list[Value] | dict[str, Value]
    keys: dict[str, Position]
    """Where each key stands; empty unless the content is a mapping."""
    count: int
    """How many values it holds, itself included."""

    def error(self, why: str, hint: str) -> ProctraceError:
        """Give the error that names this position: why it is no good, and what to do."""
        return bad_value(self.position, why, hint)

    def mapping(self, what: str) -> dict[str, Value]:
        """Give the values by their keys; an error saying that `what` is to be a mapping."""
        if isinstance(self.content, dict):
            return self.content
        raise self.error(
            f"{what} is to be a mapping, not {self.kind()}", "write it as 'key: value' lines"
        )

    def fields(self, what: str, known: Collection[str], required: Collection[str] = ()) -> Fields:
        """Give a mapping that has no other keys than `known`, and all that are `required`."""
        found = self.mapping(what)
        for key, position in self.keys.items():
            if key not in known:
                names = ", ".join(known)
                raise bad_value(position, f"{what} has no {key!r}", f"it may have: {names}")
        for key in required:
            if key not in found:
                raise self.error(f"{what} needs {key!r}", f"add '{key}: ...'")
        return found

    def items(self, what: str) -> list[Value]:
        """Give the values of a list; an error saying that `what` is to be a list."""
        if isinstance(self.content, list):
            return self.content
        raise self.error(f"{what} is to be a list, not {self.kind()}", "write it as '- item' lines")

    def string(self, what: str) -> str:
        """Give a string that is not empty."""
        if isinstance(self.content, str) and self.content:
            return self.content
        raise self.error(f"{what} is to be a string, not {self.kind()}", "put it in quotes")

    def integer(self, what: str, low: int, high: int) -> int:
        """Give an integer from `low` to `high`, both included."""
        if isinstance(self.content, int) and not isinstance(self.content, bool):
            if low <= self.content <= high:
                return self.content
            raise self.error(f"{what} is {self.content}", f"give an integer from {low} to {high}")
        raise self.error(
            f"{what} is to be an integer, not {self.kind()}", f"give one from {low} to {high}"
        )

    def boolean(self, what: str) -> bool:
        """Give true or false."""
        if isinstance(self.content, bool):
            return self.content
        raise self.error(f"{what} is to be true or false, not {self.kind()}", "write true or false")

    def one_of(self, what: str, choices: Collection[str]) -> str:
        """Give a string that is one of the choices."""
        found = self.string(what)
        if found in choices:
            return found
        raise self.error(f"{what} cannot be {found!r}", f"it may be: {', '.join(choices)}")

    def plain(self) -> object:
        """Give the value without positions: scalars, lists and dicts."""
        if isinstance(self.content, list):
            return [item.plain() for item in self.content]
        if isinstance(self.content, dict):
            return {key: item.plain() for key, item in self.content.items()}
        return self.content

    def kind(self) -> str:
        """Say what it is, as a word for errors."""
        if self.content is None:
            return "empty"
        names = {bool: "a boolean", int: "an integer", float: "a number", str: "a string",
                 list: "a list", dict: "a mapping"}  # fmt: skip
        return names[type(self.content)]


Fields: TypeAlias = dict[str, Value]


def bad_value(position: Position, why: str, hint: str) -> ProctraceError:
    """Give the error about what stands at a position."""
    return ProctraceError(f"cannot use {position}", why, hint, status=STATUS_UNUSABLE_INPUT)


def read_yaml(path: Path) -> Value:
    """Read a file; ProctraceError when it cannot be read, is no YAML, or is beyond the bounds."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ProctraceError(
            f"cannot read {path}",
            error.strerror or str(error),
            "check the name and the permissions",
            status=STATUS_UNUSABLE_INPUT,
        ) from error
    return parse_yaml(data, str(path))


def parse_yaml(data: bytes | str, source: str) -> Value:
    """Parse one YAML document; `source` is the file's name in errors."""
    start = Position(source, 1, 1)
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    if len(raw) > MAX_BYTES:
        raise bad_value(start, f"it is longer than {MAX_BYTES} bytes", "split the file")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        at = Position(source, line, error.start - raw.rfind(b"\n", 0, error.start))
        raise bad_value(at, "it is not UTF-8", "save the file as UTF-8") from error
    try:
        return _Composer(source, yaml.parse(text, Loader=_LOADER)).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = _position(source, mark) if mark is not None else start
        why = " ".join((error.problem or error.context or "a syntax error").split())
        raise bad_value(at, f"it is not YAML: {why}", "check indentation and quotes") from error
    except yaml.YAMLError as error:
        why = " ".join(str(error).split())
        raise bad_value(start, f"it is not YAML: {why}", "save the file as plain text") from error


class _Composer:
    """Builds values from the events of the YAML parser, and stops at the bounds."""

    def __init__(self, source: str, events: Iterator[_Event]) -> None:
        self._source = source
        self._events = events
        self._anchors: dict[str, Value] = {}
        self._count = 0

    def document(self) -> Value:
        found: Value | None = None
        for event in self._events:
            if isinstance(event, yaml.StreamStartEvent | yaml.StreamEndEvent):
                continue
            if isinstance(event, yaml.DocumentEndEvent):
                continue
            if isinstance(event, yaml.DocumentStartEvent):
                if found is not None:
                    raise bad_value(
                        self._at(event), "a second document begins", "keep one in each file"
                    )
                found = self._value(next(self._events), MAX_DEPTH)
        if found is None:
            raise bad_value(Position(self._source, 1, 1), "it is empty", "write something into it")
        return found

    def _at(self, event: _Event) -> Position:
        return _position(self._source, event.start_mark)

    def _value(self, event: _Event, depth: int) -> Value:
        at = self._at(event)
        if depth == 0:
            raise bad_value(at, f"it nests deeper than {MAX_DEPTH}", "make it flatter")
        if isinstance(event, yaml.AliasEvent):
            value = self._anchors.get(event.anchor or "")
            if value is None:
                raise bad_value(at, f"*{event.anchor} has no anchor before it", "define it first")
            self._add(at, value.count)
            return Value(at, value.content, value.keys, value.count)
        self._add(at, 1)
        value = self._new(event, at, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = value
        return value

    def _new(self, event: _Event, at: Position, depth: int) -> Value:
        before = self._count
        if event.tag not in (None, "!"):
            raise bad_value(at, f"it has the tag {event.tag}", "write it without a tag")
        keys: dict[str, Position] = {}
        if isinstance(event, yaml.ScalarEvent):
            content: Plain | list[Value] | dict[str, Value] = (
                _plain(event.value, at) if event.implicit[0] else event.value
            )
        elif isinstance(event, yaml.SequenceStartEvent):
            content = list(self._sequence(depth))
        else:
            content = self._mapping(depth, keys)
        return Value(at, content, keys, self._count - before + 1)

    def _sequence(self, depth: int) -> Iterator[Value]:
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            yield self._value(event, depth - 1)

    def _mapping(self, depth: int, keys: dict[str, Position]) -> dict[str, Value]:
        found: dict[str, Value] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            at = self._at(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise bad_value(at, "a key is to be a plain word", "write 'key: value'")
            if event.value in found:
                raise bad_value(at, f"{event.value!r} stands here twice", "remove one of them")
            found[event.value] = self._value(next(self._events), depth - 1)
            keys[event.value] = at
        return found

    def _add(self, at: Position, count: int) -> None:
        self._count += count
        if self._count > MAX_VALUES:
            raise bad_value(at, f"it holds more than {MAX_VALUES} values", "make it smaller")


def _position(source: str, mark: _Mark) -> Position:
    return Position(source, mark.line + 1, mark.column + 1)


def _plain(text: str, at: Position) -> Plain:
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text):
        if len(text) > _MOST_DIGITS:
            raise bad_value(at, "the number is too long", f"use up to {_MOST_DIGITS} digits")
        base = {"0x": 16, "0o": 8}.get(text[:2], 10)
        return int(text, base)
    return float(text) if _FLOAT.fullmatch(text) else text
