# SPDX-License-Identifier: Apache-2.0
"""Compares an output with the file that holds what it should be.

PROCTRACE_UPDATE_GOLDEN=1 writes the files anew, to be read before they are committed; where CI is
set it is refused, because a test that writes what it expects cannot fail.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

UPDATE_VARIABLE = "PROCTRACE_UPDATE_GOLDEN"


def check_golden(golden: Path, output: str) -> None:
    """Fail unless the file holds exactly this output."""
    if os.environ.get(UPDATE_VARIABLE) == "1":
        if os.environ.get("CI"):
            pytest.fail(f"{UPDATE_VARIABLE} is refused where CI is set")
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(output, encoding="utf-8")
    assert golden.exists(), f"no {golden.name}; {UPDATE_VARIABLE}=1 writes it"
    assert output == golden.read_text(encoding="utf-8")
