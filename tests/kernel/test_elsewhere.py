# SPDX-License-Identifier: Apache-2.0
"""A trace is read on another machine: without bcc, without root, and the same each time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.kernel.recording import clean_environment
from tests.kernel.unprivileged import ROOT, without_privilege

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.kernel.conftest import Recorder
    from tests.kernel.recording import Recording

DEMO = ROOT / "tests" / "kernel" / "programs" / "demo.sh"
COMMANDS = ("replay", "tree", "info", "dump", "audit")

WITHOUT_BCC = """\
import sys
sys.modules["bcc"] = None
import proctrace
status = proctrace.main()
assert not any(name == "tracer" or name.startswith("tracer.") for name in sys.modules)
sys.exit(status)
"""


@pytest.fixture
def public() -> Iterator[Path]:
    """Give a folder that everybody can enter; pytest's own are for their owner alone."""
    folder = Path(tempfile.mkdtemp(prefix="proctrace-test-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def demo(recorded: Recorder) -> Recording:
    """Record the demonstration: forks, a pipeline, a failed exec, a signal."""
    return recorded("sh", DEMO)


@pytest.mark.parametrize("command", COMMANDS)
def test_replay_needs_neither_bcc_nor_root(demo: Recording, public: Path, command: str) -> None:
    """With bcc hidden and as nobody, each command says the same as for root with bcc."""
    # GIVEN a recording, copied to where another user can read it
    copy = public / "copy.ptrace"
    shutil.copy(demo.path, copy)
    copy.chmod(0o644)
    privileged = [sys.executable, "-c", "import proctrace, sys; sys.exit(proctrace.main())"]
    hidden = [*without_privilege(), sys.executable, "-c", WITHOUT_BCC]
    # WHEN it is read with and without
    outputs = [
        subprocess.run(
            [*python, command, str(copy), "--json"],
            check=False,
            capture_output=True,
            cwd=ROOT,
            env=clean_environment(),
        )
        for python in (privileged, hidden)
    ]
    # THEN both say the same
    assert [output.returncode for output in outputs] == [0, 0], outputs[1].stderr.decode()
    assert outputs[0].stdout == outputs[1].stdout != b""


@pytest.mark.parametrize("command", COMMANDS)
def test_json_is_the_same_byte_for_byte(demo: Recording, command: str) -> None:
    """Twice the same command, with another hash seed, gives the same bytes."""
    outputs = {
        subprocess.run(
            [sys.executable, "-m", "proctrace", command, demo.path, "--json"],
            check=True,
            capture_output=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    assert outputs != {b""}
