# SPDX-License-Identifier: Apache-2.0
"""Why a script was not acted to its end, as errors for the user."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from tracer.actor.control import State
from traces.errors import ProctraceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.actor.control import Entry, Failure
    from tracer.actor.script import Script

_NAMED_MAX: Final = 4
_WAITS: Final = {
    State.PAUSED: "pauses",
    State.WAITING: "waits for a child",
    State.BARRIER: "waits at a barrier",
    State.KILL: "waits for another actor to pause",
    State.VFORK: "waits for its vfork child",
}


def failed(script: Script, failure: Failure) -> ProctraceError:
    """Tell that an actor could not do what the plan says."""
    why = f"{script.actors[failure.actor]}: {failure.what}"
    if failure.error:
        why += f": {os.strerror(failure.error)}"
    hint = "the trace shows how far it came"
    return ProctraceError(f"the scenario {script.name} could not be executed", why, hint)


def too_long(script: Script, asleep: Sequence[Entry]) -> ProctraceError:
    """Tell that the time was over before the script was."""
    what = f"the scenario {script.name} did not end within {script.timeout_s:g} s"
    hint = "its processes were ended; give it more time with --timeout, or see the trace"
    return ProctraceError(what, _who(script, asleep) or "its processes were still at work", hint)


def stuck(script: Script, asleep: Sequence[Entry]) -> ProctraceError:
    """Tell that actors wait for each other for ever."""
    what = f"the scenario {script.name} does not come to an end"
    hint = "see that all come to each barrier, and that no vfork child waits for its parent"
    return ProctraceError(what, _who(script, asleep), hint)


def never_began(script: Script, status: int) -> ProctraceError:
    """Tell that not even the first actor began."""
    why = f"its program ended with status {status} before the first actor began"
    hint = "this is a bug in proctrace where the program says no more than that"
    return ProctraceError(f"the scenario {script.name} was not executed", why, hint)


def _who(script: Script, asleep: Sequence[Entry]) -> str:
    said = [f"{script.actors[one.actor]} {_WAITS[one.state]} (its operation {one.at})"
            for one in asleep[:_NAMED_MAX]]  # fmt: skip
    more = len(asleep) - len(said)
    return ", ".join(said) + (f", and {more} more" if more else "")
