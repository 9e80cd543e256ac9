# SPDX-License-Identifier: Apache-2.0
"""YAML with positions: values as YAML 1.2 has them, errors where they are, and bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.yaml_positions import MAX_BYTES, MAX_DEPTH, Position, parse_yaml, read_yaml
from traces.errors import ProctraceError

if TYPE_CHECKING:
    from pathlib import Path


def the_error(text: str | bytes) -> ProctraceError:
    """Give the error that a text causes."""
    with pytest.raises(ProctraceError) as caught:
        parse_yaml(text, "x.yaml")
    assert "\n" not in caught.value.what + caught.value.why + caught.value.hint
    assert caught.value.status == 2
    return caught.value


def test_values_are_those_of_yaml_1_2() -> None:
    """Words that YAML 1.1 takes for booleans, times and octals stay what they look like."""
    text = "[1, -2, 0x10, 0o17, 010, 1.5, 1e3, true, no, on, 1:30, ~, '5', \"x\", a b]"
    values = [1, -2, 16, 15, 10, 1.5, 1000.0, True, "no", "on", "1:30", None, "5", "x", "a b"]
    found = parse_yaml(text, "x").plain()
    assert found == values
    assert [type(value) for value in found] == [type(value) for value in values]


def test_positions_count_from_one() -> None:
    """Each value and each key knows its line and column."""
    root = parse_yaml("a: 1\nb:\n  - x\n  - {c: 2}\n", "f")
    second = root.mapping("it")["b"].items("b")[1]
    assert second.position == Position("f", 4, 5)
    assert second.keys["c"] == Position("f", 4, 6)
    assert str(second.mapping("x")["c"].position) == "f:4:9"


@pytest.mark.parametrize(
    ("text", "where", "why"),
    [
        ("a: [1", "x.yaml:2:1", "it is not YAML"),
        ("a: 1\na: 2", "x.yaml:2:1", "'a' stands here twice"),
        ("a: !!python/object:os.system 1", "x.yaml:1:4", "it has the tag"),
        ("a: !x 1", "x.yaml:1:4", "it has the tag !x"),
        ("a: *b", "x.yaml:1:4", "*b has no anchor"),
        ("a: &b [*b]", "x.yaml:1:8", "*b has no anchor"),
        ("? [1]\n: 2", "x.yaml:1:3", "a key is to be a plain word"),
        ("", "x.yaml:1:1", "it is empty"),
        ("a: 1\n---\nb: 2", "x.yaml:2:1", "a second document"),
        (b"a: 1\nb: \xff", "x.yaml:2:4", "it is not UTF-8"),
        ("a: \x07", "x.yaml:1:1", "it is not YAML"),
        ("1" * 41, "x.yaml:1:1", "the number is too long"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), f"x.yaml:1:{MAX_DEPTH + 1}", "it nests"),
        ("#" * MAX_BYTES + "\n", "x.yaml:1:1", "it is longer"),
    ],
)
def test_errors_name_their_place(text: str | bytes, where: str, why: str) -> None:
    """Whatever is wrong is told with file, line and column."""
    error = the_error(text)
    assert error.what == f"cannot use {where}"
    assert error.why.startswith(why)


def test_an_alias_is_a_copy_at_its_own_place() -> None:
    """What is named once can be used again."""
    root = parse_yaml("a: &x [1, 2]\nb: *x\n", "f").mapping("it")
    assert root["b"].plain() == [1, 2]
    assert root["b"].position == Position("f", 2, 4)


def test_aliases_cannot_multiply_without_bound() -> None:
    """The billion laughs are counted as what they stand for."""
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 10)}]" for at in range(1, 10)]
    assert "holds more than" in the_error("\n".join(lines)).why


def test_fields_refuse_what_is_unknown_and_ask_for_what_is_missing() -> None:
    """The error about a key is at the key."""
    root = parse_yaml("a: 1\n  \nbee: 2\n", "f")
    with pytest.raises(ProctraceError, match="f:3:1") as caught:
        root.fields("the thing", ("a", "b"))
    assert caught.value.why == "the thing has no 'bee'"
    with pytest.raises(ProctraceError, match="f:1:1") as caught:
        root.fields("the thing", ("a", "bee", "c"), ("c",))
    assert caught.value.why == "the thing needs 'c'"
    assert root.fields("it", ("a", "bee"), ("a",))["a"].integer("a", 0, 1) == 1


@pytest.mark.parametrize(
    ("text", "ask", "why"),
    [
        ("5", lambda value: value.integer("n", 0, 4), "n is 5"),
        ("true", lambda value: value.integer("n", 0, 4), "n is to be an integer, not a boolean"),
        ("x", lambda value: value.boolean("b"), "b is to be true or false, not a string"),
        ("''", lambda value: value.string("s"), "s is to be a string, not a string"),
        ("1", lambda value: value.string("s"), "s is to be a string, not an integer"),
        ("x", lambda value: value.one_of("s", ["y", "z"]), "s cannot be 'x'"),
        ("{a: 1}", lambda value: value.items("l"), "l is to be a list, not a mapping"),
        ("[]", lambda value: value.mapping("m"), "m is to be a mapping, not a list"),
        ("~", lambda value: value.mapping("m"), "m is to be a mapping, not empty"),
    ],
)
def test_a_value_of_another_kind_is_refused(text: str, ask: object, why: str) -> None:
    """Each question says what it wanted and what it got."""
    assert callable(ask)
    with pytest.raises(ProctraceError) as caught:
        ask(parse_yaml(text, "f"))
    assert caught.value.why == why


def test_values_that_fit_are_given() -> None:
    """The other half of the above."""
    root = parse_yaml("{s: x, b: false, n: -1, l: [], c: y}", "f").mapping("it")
    assert root["s"].string("s") == "x"
    assert root["b"].boolean("b") is False
    assert root["n"].integer("n", -1, 0) == -1
    assert root["l"].items("l") == []
    assert root["c"].one_of("c", ["y"]) == "y"


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """So is one that is not there."""
    with pytest.raises(ProctraceError, match="cannot read") as caught:
        read_yaml(tmp_path / "none.yaml")
    assert caught.value.why == "No such file or directory"
    there = tmp_path / "there.yaml"
    there.write_text("a: 1")
    assert read_yaml(there).plain() == {"a": 1}


@given(st.one_of(st.text(), st.binary(), st.text("[]{}:,&*!a1 \n-#'\"|>%@")))
def test_any_text_gives_a_value_or_an_error(text: str | bytes) -> None:
    """No input ends in anything else."""
    try:
        parse_yaml(text, "x").plain()
    except ProctraceError as error:
        assert error.what.startswith("cannot use x:")  # noqa: PT017 - text without fault is fine
