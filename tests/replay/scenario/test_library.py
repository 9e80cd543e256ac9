# SPDX-License-Identifier: Apache-2.0
"""The scenarios of the package: complete, documented, and found by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from replay.scenario.compiling import compile_plan
from replay.scenario.library import FOLDER, library_names, open_scenario
from traces.errors import ProctraceError

if TYPE_CHECKING:
    from pathlib import Path

NAMES = library_names()


def test_each_lesson_is_there() -> None:
    """The textbook's, each by its name."""
    assert set(NAMES) >= {
        "fork-and-write", "exec-drops-the-image", "sequential-shell", "background-job", "vfork",
        "threads-share", "orphan-adopted", "zombie", "pre-fork-workers", "fork-bomb", "gc-sweep",
    }  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_scenario_of_the_package_is_whole(name: str) -> None:
    """It is named as its file, says what there is to see, and makes a plan."""
    scenario = open_scenario(name)
    assert scenario.name == name
    assert scenario.about.endswith(".")
    assert scenario.lesson
    assert all(parameter.about for parameter in scenario.parameters.values())
    assert compile_plan(scenario).scenario == name
    assert (FOLDER / f"{name}.yaml").read_text().startswith("# SPDX-License-Identifier: Apache-2.0")


def test_a_path_is_a_path(tmp_path: Path) -> None:
    """A word with a dot or a slash in it."""
    path = tmp_path / "mine.yaml"
    path.write_text("scenario: mine\nabout: mine\nactors: {a: }")
    assert open_scenario(str(path)).name == "mine"
    with pytest.raises(ProctraceError, match=r"cannot read fork-and-write\.yaml"):
        open_scenario("fork-and-write.yaml")


def test_an_unknown_name_is_refused() -> None:
    """With what might be meant."""
    with pytest.raises(ProctraceError, match="there is no scenario 'zombi'") as caught:
        open_scenario("zombi")
    assert caught.value.hint == "did you mean zombie?"
    with pytest.raises(ProctraceError) as caught:
        open_scenario("qqqqq")
    assert caught.value.hint == "a file is named with its ending: ./mine.yaml"
