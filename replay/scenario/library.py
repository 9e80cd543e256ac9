# SPDX-License-Identifier: Apache-2.0
"""The scenarios that come with the package, and how a scenario is found by name or path."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Final

from replay.scenario.reading import read_scenario
from traces.errors import STATUS_UNUSABLE_INPUT, ProctraceError

if TYPE_CHECKING:
    from replay.scenario.scenario import Scenario

FOLDER: Final = Path(__file__).parent / "library"
"""Where they lie, one file each, named as the scenario is."""


def library_names() -> list[str]:
    """Give the names of the scenarios of the package, in order."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def open_scenario(name_or_path: str) -> Scenario:
    """Give a scenario by its name in the package, or by the path of a file.

    A word with a slash or a dot in it is a path.
    """
    if "/" in name_or_path or "." in name_or_path:
        return read_scenario(Path(name_or_path))
    names = library_names()
    if name_or_path in names:
        return read_scenario(FOLDER / f"{name_or_path}.yaml")
    close = get_close_matches(name_or_path, names)
    raise ProctraceError(
        f"there is no scenario {name_or_path!r}",
        f"those of the package are {', '.join(names)}",
        f"did you mean {close[0]}?" if close else "a file is named with its ending: ./mine.yaml",
        status=STATUS_UNUSABLE_INPUT,
    )
