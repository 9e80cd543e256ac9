# SPDX-License-Identifier: Apache-2.0
"""Control groups of the tests' own, which are gone when the test is over."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def own_cgroup(*, kind: str = "", having: str = "") -> Iterator[Path]:
    """Make a group in a mounted hierarchy of this type, or in one whose groups have this file.

    It is removed whatever happens. Skips the test where there is no such hierarchy.
    """
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    for _, place, found, *_ in mounts:
        if found != kind and not (having and found.startswith("cgroup")):
            continue
        folder = Path(place) / f"proctrace-test-{os.getpid()}"
        folder.mkdir()
        try:
            if not having or (folder / having).exists():
                yield folder
                return
        finally:
            folder.rmdir()
    pytest.skip(f"no hierarchy of control groups with {having or kind} is mounted")
