# SPDX-License-Identifier: Apache-2.0
"""Strings are joined from their pieces, and what is missing from one is flagged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.text import Strings, TextFlag, What, arguments, joined_path, strings
from tests.histories.fake import FakeTrace

words = st.lists(st.binary(max_size=9).map(lambda word: word.replace(b"\0", b"")), max_size=6)


def argv_of(*pieces: tuple[int, bytes], flags: int = 0, total: int = 0) -> Strings:
    """Give the argv of one exec made of (offset, data)."""
    trace = FakeTrace()
    trace.add("exec", tid=7, time_ns=70)
    for offset, data in pieces:
        trace.add("text", tid=7, time_ns=70, what=What.ARGV, offset=offset, data=data,
                  total=total, flags=flags)  # fmt: skip
    return strings(trace.table("exec"), trace.table("text"), What.ARGV)


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([], (None, 0)),
        ([(0, b"")], (b"", 0)),
        ([(0, b"ls\0")], (b"ls\0", 0)),
        ([(3, b"-l\0"), (0, b"ls\0")], (b"ls\0-l\0", 0)),
        ([(0, b"ls\0"), (4, b"l\0")], (b"ls\0l\0", TextFlag.UNREADABLE)),
        ([(3, b"-l\0")], (b"-l\0", TextFlag.UNREADABLE)),
    ],
)
def test_pieces(pieces: list[tuple[int, bytes]], expected: tuple[bytes | None, int]) -> None:
    """In any order, one or several, with holes at any place."""
    assert list(argv_of(*pieces).rows()) == [expected]


def test_a_missing_end() -> None:
    """A string shorter than its length has lost a piece, unless it says that it was cut."""
    assert argv_of((0, b"ls\0"), total=6).flags == [TextFlag.UNREADABLE]
    assert argv_of((0, b"ls\0"), total=6, flags=1).flags == [TextFlag.TRUNCATED]
    assert argv_of((0, b"ls\0"), total=3).flags == [0]
    assert argv_of((0, b"ls\0"), (3, b"x\0"), flags=3).flags == [3]


def test_strings_belong_to_tid_and_time() -> None:
    """The same tid at another time, and another tid at the same time, are other rows."""
    trace = FakeTrace()
    for tid, time_ns in ((7, 70), (7, 71), (8, 70), (9, 99)):
        trace.add("exec", tid=tid, time_ns=time_ns)
        if tid != 9:
            data = b"%d %d" % (tid, time_ns)
            trace.add("text", tid=tid, time_ns=time_ns, what=What.PATH, data=data)
    found = strings(trace.table("exec"), trace.table("text"), What.PATH)
    assert found.data == [b"7 70", b"7 71", b"8 70", None]
    other = strings(trace.table("exec"), trace.table("text"), What.CWD)
    assert other.data == [None] * 4


@given(words)
def test_arguments_come_back(parts: list[bytes]) -> None:
    """Empty ones too."""
    assert arguments(b"".join(part + b"\0" for part in parts)) == tuple(parts)


def test_a_cut_argument_is_kept() -> None:
    """The last one lacks its end."""
    assert arguments(b"ls\0--col") == (b"ls", b"--col")


@pytest.mark.parametrize(
    ("data", "flags", "path"),
    [(b"", 0, b"/"), (b"ls\0bin\0usr\0", 0, b"/usr/bin/ls"), (b"c\0b\0", 1, b"b/c")],
)
def test_paths_are_put_together_from_the_inside(data: bytes, flags: int, path: bytes) -> None:
    """A path that was cut lacks its outer part, and so its slash."""
    assert joined_path(data, flags) == path
