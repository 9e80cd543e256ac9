# SPDX-License-Identifier: Apache-2.0
"""Running things with less than root."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_NOBODY = 65534


def without_privilege() -> list[str]:
    """Give the setpriv command that gives up root: as nobody, where nobody can read the project.

    Where the project lies in a folder of root alone it is uid 0 without any capability, which can
    load no BPF program either.
    """
    none = ["--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
    nobody = [f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"]
    can_read = ["setpriv", *nobody, *none, sys.executable, "-c", "import proctrace, polars"]
    done = subprocess.run(can_read, check=False, capture_output=True, cwd=ROOT)
    return ["setpriv", *([] if done.returncode else nobody), *none]
