# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the kernel tests: compiled programs, and recordings that must be sound."""

from __future__ import annotations

import itertools
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.kernel.recording import Recording, record

if TYPE_CHECKING:
    from tests.kernel.recording import Argument

HERE = Path(__file__).resolve().parent


class Recorder(Protocol):
    """What the fixture `recorded` gives."""

    def __call__(
        self,
        *command: Argument,
        options: tuple[Argument, ...] = (),
        status: int = 0,
        unchecked: str = "",
        **run: Any,  # noqa: ANN401 what subprocess.run takes
    ) -> Recording:
        """Record a command that must end with `status`, in a recording that must be sound.

        It must also keep every rule of its kernel's model, unless `unchecked` says why not.
        """


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test in this folder, so that none can forget the gate."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.kernel)


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile every program of programs/ and give the folder they are in."""
    folder = tmp_path_factory.mktemp("programs")
    compiler = ["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-pthread"]
    for source in sorted((HERE / "programs").glob("*.c")):
        subprocess.run([*compiler, "-o", str(folder / source.stem), str(source)], check=True)
    return folder


@pytest.fixture
def recorded(tmp_path: Path) -> Recorder:
    """Give a function that records a command into a new file and checks the recording."""
    numbers = itertools.count()

    def run(
        *command: Argument,
        options: tuple[Argument, ...] = (),
        status: int = 0,
        unchecked: str = "",
        **run: Any,  # noqa: ANN401 as above
    ) -> Recording:
        recording = record(tmp_path / f"{next(numbers)}.ptrace", command, *options, **run)
        assert recording.status == status, recording.stderr.decode()
        recording.assert_sound()
        if not unchecked:
            recording.assert_keeps_the_model()
        return recording

    return run
