# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.targets: who runs already is followed, and looking for them comes to an end."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tracer import start_state, targets
from tracer.request import Request
from tracer.start_state import StartTask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Looks = Callable[[int], list[int]]


class Session:
    """A session that follows who is wanted, and `born`, the children of those."""

    def __init__(self, born: Iterable[int] = ()) -> None:
        self.wanted: list[int] = []
        self._born = set(born)

    def follow_now(self, tids: Iterable[int]) -> None:
        self.wanted += tids

    def followed_tids(self) -> set[int]:
        return self._born


class Writer:
    """A writer that keeps the tids of start_task."""

    def __init__(self) -> None:
        self.tids: list[int] = []

    def rows(self, table: str, columns: dict[str, Any]) -> None:
        assert table == "start_task"
        self.tids += columns["tid"].tolist()


def _task(tid: int) -> StartTask:
    return StartTask(tid, tid, 1, 0, b"S", b"x", b"", b"", b"", tid, 0)


@pytest.fixture
def follow(monkeypatch: pytest.MonkeyPatch) -> Callable[[Session, Looks], tuple[list[int], int]]:
    """Give a function that follows a tree; it gives the rows written and how often it looked."""

    def run(session: Session, looks: Looks) -> tuple[list[int], int]:
        seen = 0

        def trees(_pids: object) -> list[StartTask]:
            nonlocal seen
            seen += 1
            return [_task(tid) for tid in looks(seen)]

        monkeypatch.setattr(start_state, "trees", trees)
        writer = Writer()
        targets.follow(Request(None, pids=(1,)), None, session, writer)  # type: ignore[arg-type]
        return writer.tids, seen

    return run


@pytest.fixture
def _all_living(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start_state, "is_living", lambda _: True)


@pytest.mark.usefixtures("_all_living")
def test_a_child_born_between_look_and_follow_is_found(follow: Any) -> None:  # noqa: ANN401
    """Its parent was not followed yet as it forked."""
    session = Session()
    rows, looks = follow(session, lambda look: [10] if look == 1 else [10, 11])
    assert session.wanted == rows == [10, 11]
    assert looks == 3


@pytest.mark.usefixtures("_all_living")
def test_a_tree_that_always_forks_is_looked_at_twice(follow: Any) -> None:  # noqa: ANN401
    """Whoever is new then is the child of somebody who is followed, and so followed itself."""
    session = Session(born=range(100, 200))
    rows, looks = follow(session, lambda look: [10, 100 + look][:look])
    assert session.wanted == rows == [10]
    assert looks == 2


@pytest.mark.usefixtures("_all_living")
def test_looking_ends_even_if_nobody_is_ever_followed(follow: Any) -> None:  # noqa: ANN401
    """Recording has to begin some time."""
    _, looks = follow(Session(), lambda look: [look])
    assert looks == targets._LOOKS_MAX  # noqa: SLF001


def test_who_has_ended_is_not_wanted(follow: Any) -> None:  # noqa: ANN401
    """Its tid may be another's soon."""
    with subprocess.Popen(["true"]) as ended:
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        session = Session()
        rows, _ = follow(session, lambda _: [ended.pid, os.getpid()])
    assert session.wanted == rows == [os.getpid()]


def test_the_command_waits_for_its_exec() -> None:
    """What the recorder's child does before that is none of the command's."""

    class WithCommand(Session):
        def follow_from_exec(self, tid: int) -> None:
            self.wanted.append(tid)

    class Launched:
        pid = os.getpid()

    session, writer = WithCommand(), Writer()
    request = Request(Path("a"), command=("true",))
    targets.follow(request, Launched(), session, writer)  # type: ignore[arg-type]
    assert session.wanted == writer.tids == [os.getpid()]
