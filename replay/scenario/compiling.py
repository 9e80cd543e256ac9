# SPDX-License-Identifier: Apache-2.0
"""Makes the plan of a scenario: repeats unrolled, actors numbered, names resolved.

Each creation of an actor makes an instance of it. Where there are several they are called
`worker.1`, `worker.2` and so on, in the order of creation that the scenario tells.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from replay.scenario.amount import INDEX
from replay.scenario.operations import Layout, alone, program_name
from replay.scenario.plan import (
    ENDS,
    MAX_ACTORS,
    MAX_OPERATIONS,
    NOBODY,
    Code,
    Made,
    Operation,
    Plan,
    PlanActor,
    PlanBarrier,
)
from replay.scenario.scenario import (
    ALL,
    ANY,
    Barrier,
    Create,
    Exec,
    Kill,
    Repeat,
    Scenario,
    Step,
    Wait,
)
from replay.scenario.words import THREAD
from replay.yaml_positions import Position, bad_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_PAGE: Final = 4096
_P_ALL, _P_PID = 0, 1


def compile_plan(scenario: Scenario) -> Plan:
    """Make the plan; ProctraceError where the parameters make it impossible or too large."""
    return _Compiler(scenario).plan()


@dataclass(eq=False)
class _Instance:
    """An actor that will be in the plan."""

    number: int
    actor: str
    index: int
    """How many of the same actor there were before."""
    made: Made
    parent: int
    steps: Sequence[Step]
    thread: bool = False
    lineage: tuple[str, ...] = ()
    """The actors that led here, for the depth of one that creates itself."""
    children: dict[str, list[int]] = field(default_factory=dict)
    """Numbers of those it created, by actor, shared over exec."""
    waited: set[int] = field(default_factory=set)
    """Numbers of those it waited for by name, shared over exec."""
    killed: set[int] = field(default_factory=set)
    operations: list[Operation] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Unresolved:
    """A reference to an actor that somebody else creates."""

    instance: _Instance
    place: int
    actor: str
    taken: set[int]
    """Those that are not meant any more."""
    takes: bool
    """Whether the one that is found is not meant the next time."""
    position: Position


class _Compiler:
    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._values = {name: one.default for name, one in scenario.parameters.items()}
        self._layout = Layout.of(scenario, self._values)
        self._instances: list[_Instance] = []
        self._waiting: deque[_Instance] = deque()
        self._created: Counter[str] = Counter()
        self._operations = 0
        self._unresolved: list[_Unresolved] = []
        self._meetings: dict[str, Counter[int]] = {}
        """How often each instance comes to the barriers of a name."""

    def plan(self) -> Plan:
        root = next(iter(self._scenario.actors.values()))
        self._add(root.name, Made.ROOT, NOBODY, root.steps, root.position)
        while self._waiting:
            self._fill(self._waiting.popleft())
        self._resolve()
        barriers, numbers = self._barriers()
        for instance in self._instances:
            self._number_barriers(instance, numbers)
        actors = tuple(
            PlanActor(self._name(one), one.made, one.parent, tuple(one.operations))
            for one in self._instances
        )
        return Plan(self._scenario.name, self._layout.regions, barriers, actors)

    def _add(
        self, actor: str, made: Made, parent: int, steps: Sequence[Step], position: Position
    ) -> _Instance:
        if len(self._instances) >= MAX_ACTORS:
            why = f"there are more than {MAX_ACTORS} tasks"
            hint = "use fewer, and a depth where an actor creates itself"
            raise bad_value(position, why, hint)
        instance = _Instance(len(self._instances), actor, self._created[actor], made, parent, steps)
        self._created[actor] += 1
        self._instances.append(instance)
        self._waiting.append(instance)
        return instance

    def _name(self, instance: _Instance) -> str:
        if self._created[instance.actor] == 1:
            return instance.actor
        return f"{instance.actor}.{instance.index + 1}"

    def _fill(self, instance: _Instance) -> None:
        values = {**self._values, INDEX: instance.index}
        self._steps(instance, instance.steps, values)
        if not instance.operations or instance.operations[-1].code not in ENDS:
            self._emit(instance, Code.EXIT_THREAD if instance.thread else Code.EXIT, 0)

    def _steps(self, instance: _Instance, steps: Sequence[Step], values: dict[str, int]) -> None:
        for step in steps:
            if instance.operations and instance.operations[-1].code in ENDS:
                why = "this step is never reached"
                raise bad_value(step.position, why, "remove it, or what ends the actor before it")
            if isinstance(step, Repeat):
                for _ in range(step.times.value(values)):
                    self._steps(instance, step.steps, values)
            else:
                self._one(instance, step, values)
            if self._operations > MAX_OPERATIONS:
                why = f"there are more than {MAX_OPERATIONS} operations"
                raise bad_value(step.position, why, "repeat less often")

    def _emit(
        self, instance: _Instance, code: Code, *numbers: int, argv: tuple[str, ...] = ()
    ) -> None:
        instance.operations.append(Operation(code, numbers, argv))
        self._operations += 1

    def _one(self, instance: _Instance, step: Step, values: dict[str, int]) -> None:
        match step:
            case Create():
                self._create(instance, step, values)
            case Exec():
                self._exec(instance, step, values)
            case Wait():
                self._wait(instance, step)
            case Kill(actor, signal, position):
                self._emit(instance, Code.KILL, NOBODY, signal)
                self._refer(instance, actor, position, instance.killed, takes=True)
            case Barrier(name):
                met = self._meetings.setdefault(name, Counter())
                self._emit(instance, Code.BARRIER, met[instance.number], argv=(name,))
                met[instance.number] += 1
            case _:
                instance.operations.append(alone(step, self._layout, values))
                self._operations += 1

    def _create(self, instance: _Instance, step: Create, values: dict[str, int]) -> None:
        spawns = step.spawns
        name = step.actor or program_name(step)
        lineage = (*instance.lineage, instance.actor)
        if step.depth is not None and lineage.count(name) > step.depth.value(values):
            return
        if name in lineage and step.depth is None and spawns is None:
            why = f"{name} creates itself without end"
            raise bad_value(step.position, why, "give it a depth: {actor: ..., depth: N}")
        steps = (spawns,) if spawns is not None else self._scenario.actors[name].steps
        child = self._add(name, Made.CREATED, instance.number, steps, step.position)
        child.lineage = lineage
        child.thread = bool(step.flags & THREAD)
        instance.children.setdefault(name, []).append(child.number)
        self._emit(instance, Code.CREATE, child.number, step.flags, step.signal, step.syscall)

    def _exec(self, instance: _Instance, step: Exec, values: dict[str, int]) -> None:
        if not step.actor:
            status = step.status.value(values)
            self._emit(instance, Code.EXEC_PROGRAM, len(step.argv), status, argv=step.argv)
            return
        lineage = (*instance.lineage, instance.actor)
        steps = self._scenario.actors[step.actor].steps
        if lineage.count(step.actor) > 1 or (
            step.actor in lineage and instance.made is Made.EXECUTED
        ):
            why = f"{step.actor} executes itself without end"
            raise bad_value(step.position, why, "execute another actor")
        image = self._add(step.actor, Made.EXECUTED, instance.number, steps, step.position)
        image.lineage, image.children = lineage, instance.children
        image.waited = instance.waited
        self._emit(instance, Code.EXEC_ACTOR, image.number)

    def _wait(self, instance: _Instance, step: Wait) -> None:
        if step.target == ALL:
            self._emit(instance, Code.WAIT_ALL)
            return
        idtype = _P_ALL if step.target == ANY else _P_PID
        if step.by_id:
            self._emit(instance, Code.WAITID, NOBODY, step.options, idtype)
        else:
            self._emit(instance, Code.WAIT, NOBODY, step.options)
        if step.target != ANY:
            reaps = not step.options & 0x01000001
            self._refer(instance, step.target, step.position, instance.waited, takes=reaps)

    def _refer(
        self, instance: _Instance, actor: str, position: Position, taken: set[int], *, takes: bool
    ) -> None:
        """Put in the oldest instance created here and not taken; where there is none, later."""
        place = len(instance.operations) - 1
        one = _Unresolved(instance, place, actor, taken, takes, position)
        if not self._found(one, instance.children.get(actor, [])):
            self._unresolved.append(one)

    def _found(self, one: _Unresolved, candidates: Iterable[int]) -> bool:
        number = next((number for number in candidates if number not in one.taken), None)
        if number is None:
            return False
        self._put(one.instance, one.place, number)
        if one.takes:
            one.taken.add(number)
        return True

    def _put(self, instance: _Instance, place: int, number: int) -> None:
        old = instance.operations[place]
        numbers = (number, *old.numbers[1:])
        instance.operations[place] = Operation(old.code, numbers, old.argv)

    def _resolve(self) -> None:
        """Take for others' children each time the next instance of that name."""
        for one in self._unresolved:
            there = (
                other.number
                for other in self._instances
                if other.actor == one.actor and other.made is not Made.EXECUTED
            )
            if not self._found(one, there):
                why = f"there is no {'other ' if one.taken else ''}task {one.actor} by then"
                raise bad_value(one.position, why, "create it before, and wait for it once")

    def _barriers(self) -> tuple[tuple[PlanBarrier, ...], dict[tuple[str, int], int]]:
        barriers: list[PlanBarrier] = []
        numbers: dict[tuple[str, int], int] = {}
        for name, met in self._meetings.items():
            for turn in range(max(met.values())):
                numbers[name, turn] = len(barriers)
                participants = sum(times > turn for times in met.values())
                barriers.append(PlanBarrier(name, participants))
        return tuple(barriers), numbers

    def _number_barriers(self, instance: _Instance, numbers: dict[tuple[str, int], int]) -> None:
        for place, operation in enumerate(instance.operations):
            if operation.code is Code.BARRIER:
                number = numbers[operation.argv[0], operation.numbers[0]]
                instance.operations[place] = Operation(Code.BARRIER, (number,))
