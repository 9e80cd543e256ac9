# SPDX-License-Identifier: Apache-2.0
"""Model files made for a test, and the error that one gives."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from replay.model.load import load_model
from traces.errors import STATUS_UNUSABLE_INPUT, ProctraceError

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "name: mine\ntitle: Mine\n"
STEPS = HEAD + "steps:\n  first: {title: First}\n  second: {title: Second, after: [first]}\n"


def write(folder: Path, text: str, name: str = "mine.yaml") -> str:
    """Write a model file; give its path."""
    path = folder / name
    path.write_text(dedent(text))
    return str(path)


def error_of(folder: Path, text: str) -> tuple[str, str, str]:
    """Give line:column, why and hint of the error that a model file gives.

    Where the text has a § in it, that is taken out, and the error must be at its place.
    """
    path = write(folder, text.replace("§", ""))
    with pytest.raises(ProctraceError) as caught:
        load_model(path)
    assert caught.value.status == STATUS_UNUSABLE_INPUT
    where = caught.value.what.removeprefix(f"cannot use {path}:")
    if "§" in text:
        above, before = text[: text.index("§")].count("\n"), text[: text.index("§")]
        assert where == f"{above + 1}:{len(before) - before.rfind(chr(10))}"
    return where, caught.value.why, caught.value.hint
