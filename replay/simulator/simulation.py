# SPDX-License-Identifier: Apache-2.0
"""Simulates a scenario on a model, and writes the trace that a recorder would have written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from replay.simulator.host import BEGIN_NS, HUGE_ZERO_PFN, ZERO_PFN
from replay.simulator.machine import Machine
from replay.simulator.openness import add_openness, limits
from traces.writer import TraceWriter

if TYPE_CHECKING:
    from typing import BinaryIO

    from replay.model.values import Model
    from replay.scenario.plan import Plan
    from replay.simulator.host import Host
    from traces.metadata import JsonValue

SIMULATION_VERSION: Final = 1
"""Of the metadata block `simulation`."""
_FACTS: Final = (
    "task_created", "fork_event", "child_woken", "first_run", "slept", "last_switch", "reaper",
    "woken", "system_call_entry", "system_call_result", "program_executed", "task_ended",
    "signal_sent", "page_faults", "mapping_calls",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Simulation:
    """A scenario that was simulated."""

    plan: Plan
    model: Model
    seed: int
    parameters: dict[str, int]
    host: Host

    @property
    def status(self) -> int:
        """Exit status of the first process, 128 + n after signal n."""
        code = self.host.tasks[0].process.exit_code
        return 128 + (code & 0x7F) if code & 0x7F else code >> 8

    def write(self, file: BinaryIO) -> None:
        """Write the trace to a file open for writing bytes."""
        writer = TraceWriter(file)
        for name, value in self._metadata().items():
            writer.metadata(name, value)
        self.host.rows.write(writer)
        writer.finish()

    def _metadata(self) -> dict[str, JsonValue]:
        created = self.host.rows.count("newtask")
        simulation: dict[str, Any] = {
            "version": SIMULATION_VERSION,
            "scenario": self.plan.scenario,
            "model": self.model.name,
            "seed": self.seed,
            "parameters": self.parameters,
            "regions": [
                {"name": one.name, "address": one.address, "pages": one.pages}
                for one in self.plan.regions
            ],
            "limits": limits(self.host),
        }
        kernel = ".".join(map(str, self.model.kernel)) if self.model.kernel else self.model.name
        return {
            "host": {"kernel": kernel, "machine": "x86_64", "hostname": "simulated"},
            "recording": {
                "command": f"proctrace simulate {self.plan.scenario}",
                "begin_ns": BEGIN_NS,
                "end_ns": self.host.now_ns,
                "status": self.status,
                "stopped_by": "end of the simulation",
                "faults": True,
            },
            "plan": [
                {"fact": fact, "certainty": "observed", "hook": "simulated", "why": ""}
                for fact in _FACTS
            ],
            "memory": {"levels": 4, "zero_pfn": ZERO_PFN, "huge_zero_pfn": HUGE_ZERO_PFN,
                       "page_descriptors": True},
            "audit": {
                "newtasks_followed": created, "newtasks_other": 0, "proc_stat_processes": created,
                "exits_followed": self.host.rows.count("exit"), "stable": True,
            },
            "simulation": simulation,
        }  # fmt: skip


def simulate(plan: Plan, model: Model, seed: int, parameters: dict[str, int]) -> Simulation:
    """Simulate a plan; the same arguments give the same trace, byte by byte.

    ProctraceError when actors wait for each other for ever.
    """
    host = Machine(plan, model, seed).run()
    for task in host.tasks:
        name = plan.actors[task.actor].name.encode()
        host.rows.add("actor", tid=task.tid, start_ns=task.start_ns, actor=task.actor, name=name)
    add_openness(host)
    return Simulation(plan, model, seed, parameters, host)


def is_simulated(metadata: dict[str, Any]) -> bool:
    """Tell a simulated trace from a recorded one."""
    return isinstance(metadata.get("simulation"), dict)
