# SPDX-License-Identifier: Apache-2.0
"""What every error must look like that a user can cause."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

_ERROR = re.compile(r"proctrace: (\S.*)\n  (?:why|usage): (\S.*)\n  hint: (\S.*)\n")


def the_error(done: subprocess.CompletedProcess[bytes], status: int) -> str:
    """Give the one error on stderr: three lines, nothing else, no traceback, this status."""
    text = done.stderr.decode()
    assert done.returncode == status, text
    assert _ERROR.fullmatch(text), text
    return text
