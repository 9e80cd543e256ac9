# SPDX-License-Identifier: Apache-2.0
"""Files of models, and how one is laid over another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from replay.model.files import bundled_names, laid_over, read_model
from replay.yaml_positions import parse_yaml
from tests.replay.model.writing import HEAD, STEPS, error_of, write
from traces.errors import ProctraceError

if TYPE_CHECKING:
    from pathlib import Path


def test_the_bundled_ones() -> None:
    """Oldest kernel first, by version and not by letter; the book last."""
    names = bundled_names()
    assert names[0] == "linux-5.10"
    assert names.index("linux-6.6") < names.index("linux-6.12")
    assert names[-1] == "textbook"


def test_laying_one_over_another() -> None:
    """Mappings are joined, the rest is replaced, and nothing takes away."""
    base = parse_yaml("a: {b: 1, c: [1, 2], d: 3}\ne: 4", "base")
    patch = parse_yaml("a: {c: [9], d: ~, f: 5}", "patch")
    found = laid_over(base, patch)
    assert found.plain() == {"a": {"b": 1, "c": [9], "f": 5}, "e": 4}
    inner = found.mapping("found")["a"].mapping("a")
    assert inner["b"].position.source == "base"
    assert inner["f"].position.source == "patch"


def test_what_a_file_says_of_itself_is_not_inherited(tmp_path: Path) -> None:
    """Name and kernel are its own."""
    whole, files = read_model(write(tmp_path, f"{HEAD}extends: linux-6.18\n"))
    fields = whole.mapping("a model")
    assert "kernel" not in fields
    assert fields["name"].plain() == "mine"
    assert [file.position.source.rpartition("/")[2] for file in files[:2]] == [
        "mine.yaml", "linux-6.18.yaml",
    ]  # fmt: skip
    assert files[-1].position.source.endswith("linux-5.10.yaml")


def test_one_extends_a_file_beside_it(tmp_path: Path) -> None:
    """By a path that is relative to it."""
    write(tmp_path, STEPS, "base.yaml")
    whole, _ = read_model(write(tmp_path, f"{HEAD}extends: ./base.yaml\n"))
    assert set(whole.mapping("a model")["steps"].mapping("steps")) == {"first", "second"}


def test_one_that_extends_itself(tmp_path: Path) -> None:
    """Through another; the place is where it is said."""
    write(tmp_path, f"{HEAD}extends: mine.yaml\n", "base.yaml")
    where, why, _ = error_of(tmp_path, f"{HEAD}extends: base.yaml\n")
    assert where.endswith("base.yaml:3:10")
    assert why == "it extends itself: mine extends base extends mine"


@pytest.mark.parametrize("name", ["linux-6.19", "nowhere.yaml"])
def test_one_that_extends_nothing(tmp_path: Path, name: str) -> None:
    """Names those there are."""
    where, why, hint = error_of(tmp_path, f"{HEAD}extends: {name}\n")
    assert (where, why) == ("3:10", f"there is no model '{name}'")
    assert "the bundled ones are linux-5.10" in hint


def test_a_name_that_there_is_not() -> None:
    """Says which was meant."""
    with pytest.raises(ProctraceError) as caught:
        read_model("textbok")
    assert "did you mean textbook?" in caught.value.hint


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """Is an error, not a traceback; a folder is, too."""
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(ProctraceError) as caught:
            read_model(f"{path}/")
        assert caught.value.status == 2
