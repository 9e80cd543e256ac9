# SPDX-License-Identifier: Apache-2.0
"""Action lists of OSTEP's fork.py, done by the real kernel; `make scenarios` does all twenty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kernel.recording import proctrace
from tests.kernel.scenarios import ostep_mistakes, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "actions",
    ["a+b,b+c,c-", "a+b,b+c,c+d,b-", "a+b,b+c,b+d,c+e,d+f,b-,c-", "P+Q,Q+R,R+S,S+T,Q-,S-"],
)
def test_trees_are_those_of_the_kernel(tmp_path: Path, actions: str) -> None:
    """And where fork.py has others, by either of its rules, the rule is named."""
    recording = run(f"--ostep={actions}", tmp_path / "a.ptrace")
    recording.assert_sound()
    assert ostep_mistakes(actions, recording.trace) == []
    done = proctrace("compare", recording.path, "--ostep", actions)
    assert done.returncode == 0, done.stdout.decode()
    other = actions.rpartition(",")[0]
    assert proctrace("compare", recording.path, "--ostep", other).returncode == 1
