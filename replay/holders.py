# SPDX-License-Identifier: Apache-2.0
"""Which process held a pid in a pid namespace when a wait call reported it."""

from __future__ import annotations

from bisect import bisect_left
from operator import itemgetter
from typing import TYPE_CHECKING

from replay.before import INITIAL_PIDNS_INUM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.nodes import Nodes
    from replay.process import Process


class PidHolders:
    """The processes that had a pid in a namespace, one after the other as it was used again."""

    def __init__(self, processes: list[Process], nodes: Nodes) -> None:
        """Index processes, given in order of creation, by each pid that they are known to have.

        A process has a pid in its own namespace and in each one above: known are its own, the
        one in the initial namespace, and the one that its creator's clone call returned.
        """
        self._holders: dict[tuple[int, int], list[tuple[int, Process]]] = {}
        for process in processes:
            self._add(process.pidns_inum, process.ns_pid, process)
            if process.pidns_inum != INITIAL_PIDNS_INUM:
                self._add(INITIAL_PIDNS_INUM, process.id.tgid, process)
        for inum, pid, process in nodes.foreign_pids:
            if inum != INITIAL_PIDNS_INUM:
                self._add(inum, pid, process)

    def _add(self, inum: int, pid: int, process: Process) -> None:
        creation = process.tasks[0].creation
        born_ns = creation.time_ns if creation is not None else 0
        holders = self._holders.get((inum, pid))
        if holders is None:
            self._holders[inum, pid] = [(born_ns, process)]
        else:
            holders.append((max(born_ns, holders[-1][0]), process))

    def between(self, inum: int, pid: int, enter_ns: int, return_ns: int) -> Iterator[Process]:
        """Give those that may have held the pid at some time of a call, the oldest first.

        One whose successor was born before the call began had lost its pid by then.
        """
        holders = self._holders.get((inum, pid), [])
        first = max(0, bisect_left(holders, enter_ns, key=itemgetter(0)) - 1)
        for index in range(first, len(holders)):
            born_ns, process = holders[index]
            if born_ns > return_ns:
                return
            yield process
