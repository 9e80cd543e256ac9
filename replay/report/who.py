# SPDX-License-Identifier: Apache-2.0
"""Processes and address spaces by name, as `pid command`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from replay.memory.walk import NOWHERE, Made
from replay.report.life import program_name, short_name
from traces.shown import shown

if TYPE_CHECKING:
    from replay.forest import ProcessForest
    from replay.memory.spaces import AddressSpaces
    from replay.process import Process, ProcessId


class Who:
    """Names what a report speaks of; a name is the program without its folders."""

    def __init__(self, forest: ProcessForest, spaces: AddressSpaces) -> None:
        self._processes, self._spaces = forest.processes, spaces.spaces

    def command(self, id_: ProcessId) -> str:
        """Give the program that a process executed last; empty where it is not known."""
        return short_name(self._processes.get(id_))

    def process(self, id_: ProcessId) -> str:
        """Give `4120 make`."""
        return f"{id_.tgid} {self.command(id_)}".rstrip()

    def program(self, space: int) -> str:
        """Give the program in an address space, which its process may have left since."""
        while self._spaces[space].made is Made.FORK and self._spaces[space].parent != NOWHERE:
            space = self._spaces[space].parent
        root = self._spaces[space]
        process = self._processes.get(root.process)
        if process is None:
            return ""
        if root.made is Made.EXEC:
            for image in process.images:
                if image.time_ns == root.begin_ns:
                    return program_name(image)
        return _first_program(process)

    def owner(self, space: int) -> ProcessId:
        """Give the process that an address space was made for."""
        return self._spaces[space].process

    def space(self, space: int) -> str:
        """Give `4120 make`, with the program that the process ran in that address space."""
        return f"{self.owner(space).tgid} {self.program(space)}".rstrip()

    def fork(self, child: int) -> str:
        """Give `4121 sh by 4120 make` for the fork that made an address space."""
        one = self._spaces[child]
        name = self.process(one.process)
        return name if one.parent == NOWHERE else f"{name} by {self.space(one.parent)}"


def _first_program(process: Process) -> str:
    if process.inherited is not None:
        return program_name(process.inherited)
    return shown(process.leader.comm) if process.leader.comm else short_name(process)
