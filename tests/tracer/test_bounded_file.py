# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.bounded_file: no offset and no length takes it beyond its bounds."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import pytest

from tracer import bounded_file
from tracer.bounded_file import BoundedFile

if TYPE_CHECKING:
    from pathlib import Path


def test_what_lies_within_is_read_exactly() -> None:
    """By offset, as a string, and as a stream."""
    file = BoundedFile(io.BytesIO(b"abc\0defg"))
    assert file.size == 8
    assert file.at(2, 3) == b"c\0d"
    assert file.string(0, 10) == b"abc"
    assert file.string(4, 10) == b"defg"
    assert file.string(4, 2) == b"de"
    assert file.seek(5) == 5
    assert file.tell() == 5
    assert file.read(2) == b"ef"
    assert file.read() == b"g"


@pytest.mark.parametrize("offset", [8, 9, 2**31, 2**63, 2**64 + 1])
def test_beyond_the_end_there_is_nothing(offset: int) -> None:
    """Offsets that no file has are no errors."""
    file = BoundedFile(io.BytesIO(b"12345678"))
    assert file.at(offset, 2**64) == b""
    assert file.string(offset, 9) == b""
    assert file.seek(offset) == 8
    assert file.read(2**64) == b""


def test_a_long_string_is_read_in_two_steps() -> None:
    """The first guess of 128 bytes is not the limit."""
    file = BoundedFile(io.BytesIO(b"x" * 128 + b"y" * 300 + b"\0z"))
    assert file.string(0, 8192) == b"x" * 128 + b"y" * 300
    assert file.string(0, 200) == b"x" * 128 + b"y" * 72
    assert file.string(300, 128) == b"y" * 128
    assert file.string(300, 8192) == b"y" * 128


def test_a_sparse_file_of_any_size_is_read_in_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file may claim a petabyte and hold nothing."""
    monkeypatch.setattr(bounded_file, "AT_ONCE_BYTES", 1000)
    path = tmp_path / "sparse"
    path.touch()
    os.truncate(path, 1 << 42)
    with path.open("rb") as file:
        bounded = BoundedFile(file)
        assert len(bounded.at(0, 1 << 42)) == 1000
        assert len(bounded.read(1 << 41)) == 65536


def test_reading_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A parser that a file sends round and round is stopped."""
    monkeypatch.setattr(bounded_file, "_PIECES", 3)
    file = BoundedFile(io.BytesIO(b"1234"))
    for _ in range(3):
        file.seek(0)
        assert file.read(1) == b"1"
    with pytest.raises(ValueError, match="no end"):
        file.read(1)
