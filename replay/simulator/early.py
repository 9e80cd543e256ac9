# SPDX-License-Identifier: Apache-2.0
"""What is open because a process ends while one of its threads is on its way.

do_group_exit() (kernel/exit.c) and de_thread() (fs/exec.c) end threads wherever they are: what such
a thread was to do in no order with that may be done or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from replay.scenario.plan import Code

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from replay.scenario.plan import Operation, Plan
    from replay.simulator.host import Host
    from replay.simulator.order import Stamp
    from replay.simulator.tasks import Process, Task

_TOUCHES: Final = frozenset({Code.READ, Code.WRITE, Code.MAP, Code.UNMAP, Code.MADVISE})
_WAITS: Final = frozenset({Code.WAIT, Code.WAIT_ALL, Code.WAITID})
_CHANGES: Final = frozenset({Code.SUBREAPER, Code.IGNORE_CHILDREN})
_ENDS_ALL: Final = frozenset({Code.EXIT, Code.DIE, Code.EXEC_ACTOR, Code.EXEC_PROGRAM})


class CutShort(NamedTuple):
    """A process one of whose threads may come further or less far."""

    process: Process
    created: tuple[int, ...]
    """Actors that it may create or not, and those that these create."""
    touched: tuple[tuple[int, int], ...]
    """(region, address space) that it may touch or not."""
    waits: bool
    """Whether it may wait for children."""
    ends: bool
    """Whether it may end the whole process itself."""
    changes: bool
    """Whether it may make its process ignore its children, or a subreaper."""


def cut_short(host: Host) -> Iterator[CutShort]:
    """Give those of which something is open."""
    for task, stamp in _threads_on_their_way(host):
        operations = _open_operations(host, task, stamp)
        codes = {operation.code for operation in operations}
        created = created_by(host.plan, operations)
        touched = {one.numbers[0] for one in operations if one.code in _TOUCHES}
        if created:
            # Whoever it creates may have all of its memory, or use it.
            touched = set(range(len(host.plan.regions)))
        waits, ends = bool(codes & _WAITS), bool(codes & _ENDS_ALL)
        changes = bool(codes & _CHANGES)
        if created or touched or waits or ends or changes:
            places = tuple((region, task.space.number) for region in sorted(touched))
            yield CutShort(task.process, created, places, waits, ends, changes)


def _threads_on_their_way(host: Host) -> Iterator[tuple[Task, Stamp]]:
    """Give the threads that were or might have been ended by another one, and when."""
    for by, stamp in host.group_ends:
        for task in host.tasks:
            born_at = task.born_at
            if task is by or task.process is not by.process:
                continue
            if born_at is None or not stamp.before(born_at):
                yield task, stamp


def _open_operations(host: Host, task: Task, stamp: Stamp) -> list[Operation]:
    """Give the operations that it may do or not; of all its process where it may end that."""
    known = int(stamp.seen[task.actor])
    # Operations begin at rising moments of the clock; what is known of was begun.
    done = sum(count < known for count in task.begun)
    left = list(task.plan.operations[done:])
    if not any(operation.code in _ENDS_ALL for operation in left):
        return left
    tasks = [other for other in host.tasks if other.process is task.process]
    return [operation for other in tasks for operation in other.plan.operations]


def ended_alone(host: Host) -> Iterator[Process]:
    """Give the processes of which it is open which of their threads gave them their status.

    Where all end alone it is the leader's, and by synchronize_group_exit() (kernel/exit.c) of
    newer kernels that of whoever is the last to end.
    """
    whole = {by.process.tgid for by, _ in host.group_ends}
    for process in host.processes.values():
        leader = process.leader.ended_at
        if leader is None or process.tgid in whole:
            continue
        others = [task for task in host.tasks if task.process is process]
        if any(
            task.own_code != process.leader.own_code
            and (task.ended_at is None or not task.ended_at.before(leader))
            for task in others
        ):
            yield process


def touched_most(plan: Plan) -> list[int]:
    """Give for each region how far a figure can be off.

    That is as many pages as there are touches of it, and those that a fork shares.
    """
    found = [region.pages for region in plan.regions]
    for actor in plan.actors:
        for operation in actor.operations:
            if operation.code in {Code.READ, Code.WRITE}:
                found[operation.numbers[0]] += operation.numbers[2]
    return found


def created_by(plan: Plan, operations: Iterable[Operation]) -> tuple[int, ...]:
    """Give the actors that operations create, and whom these create."""
    found: dict[int, None] = {}
    waiting = [operation.numbers[0] for operation in operations if operation.code is Code.CREATE]
    while waiting:
        actor = waiting.pop()
        if actor not in found:
            found[actor] = None
            waiting += (
                operation.numbers[0]
                for operation in plan.actors[actor].operations
                if operation.code in {Code.CREATE, Code.EXEC_ACTOR}
            )
    return tuple(sorted(found))
