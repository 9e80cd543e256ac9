# SPDX-License-Identifier: Apache-2.0
"""The history that the golden outputs about memory are about."""

from __future__ import annotations

from tests.histories.memory import MemoryHistory


def build_memory_story() -> MemoryHistory:
    """Tell a history in which everything that the reports on memory show happens once."""
    history = MemoryHistory()
    history.execs("sh", "/bin/server", "--port", "80")
    history.tell("sh maps 100 200, sh writes 5, sh writes 6, sh reads 7, sh writes 8")
    for page in range(100, 290):
        history.writes("sh", str(page))
    history.tell("sh forks a, a writes 5, sh writes 5, sh writes 6, a writes 100, a unmaps 8")
    for page in range(110, 150):
        history.writes("a", str(page))
    history.tell("a forks b, b moves 6 400, b writes 400, b execs /bin/ls -l, b writes 6")
    history.tell("b exits 1, a waits b, sh writes 101, a exits, sh waits a, sh writes 7")
    history.tell("sh vforks v, v execs /bin/true, v exits, sh waits v, sh forks c")
    return history
