# SPDX-License-Identifier: Apache-2.0
"""Messages of C code that are no use on a terminal."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tracer.compiler_log import reporting
from traces.errors import ProctraceError


def _fail() -> None:
    with reporting("cannot do it", b"int x;"):
        os.write(2, b"error: said by C\n")
        raise Exception("it\n  failed")  # noqa: TRY002 - bcc raises no narrower class


def test_a_failure_names_its_log(capfd: pytest.CaptureFixture[str]) -> None:
    """With the messages and the program; nothing of it is printed."""
    with pytest.raises(ProctraceError) as caught:
        _fail()
    assert (caught.value.what, caught.value.why) == ("cannot do it", "it failed")
    found = re.search(r"(/\S+\.log)$", caught.value.hint)
    assert found
    log = Path(found[1])
    assert log.read_text() == "error: said by C\n\n---- the program ----\nint x;"
    log.unlink()
    assert capfd.readouterr().err == ""


def test_what_goes_well_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """Warnings are lost, and descriptor 2 is the user's again."""
    with reporting("cannot do it"):
        os.write(2, b"warning\n")
    os.write(2, b"ours\n")
    assert capfd.readouterr().err == "ours\n"
