# SPDX-License-Identifier: Apache-2.0
"""Creations, each with the call that made it and the first run."""

from __future__ import annotations

from replay.births import births
from replay.process import Certainty, Creation
from tests.histories.build import CLONE_THREAD, CLONE_VFORK, CLONE_VM, History, told


def creation(history: History, name: str) -> Creation:
    """Give how a task came into being."""
    made = history.task(history.forest(), name).creation
    assert made is not None
    return made


def test_a_creation_has_the_times_of_its_steps() -> None:
    """Entry, creation, return, wake-up and first run, of the right calls."""
    history = told("sh forks a, sh fails_to_fork, sh forks b, sh fails_to_fork 513")
    made = creation(history, "b")
    assert history.forest().anomalies.found() == []
    call = history.made.of("clone_call", result=history.threads["b"].tid)[0]
    assert (made.enter_ns, made.return_ns, made.syscall) == (call["enter_ns"], call["time_ns"], 57)
    started = history.made.of("started")[1]
    assert (made.wakeup_new_ns, made.first_run_ns) == (started["wakeup_new_ns"], started["time_ns"])
    assert made.enter_ns < made.time_ns < made.return_ns < made.wakeup_new_ns < made.first_run_ns
    assert made.caller == history.task(history.forest(), "sh").id
    assert made.certainty is Certainty.CERTAIN


def test_a_vfork_shows_how_long_its_caller_slept() -> None:
    """The caller sleeps until the child executes or exits."""
    made = creation(told("sh vforks a"), "a")
    assert made.blocked_ns == 500
    assert made.clone_flags == CLONE_VFORK | CLONE_VM
    assert made.syscall == 58


def test_a_call_that_had_not_returned_created_the_task() -> None:
    """A vfork whose child still runs as recording ends."""
    history = told("sh forks a, sh vforks b")
    history.made.of("clone_call")[1].update(unfinished=1, result=0, time_ns=0)
    made = creation(history, "b")
    assert (made.syscall, made.return_ns) == (58, 0)
    assert made.enter_ns == history.made.of("clone_call")[1]["enter_ns"]
    assert creation(history, "a").syscall == 57


def test_a_task_that_the_kernel_made_has_no_call() -> None:
    """An io worker appears between two calls of the same caller."""
    history = told("sh forks a, sh threads_off w, sh forks b")
    history.made.drop("clone_call", flags=CLONE_THREAD | CLONE_VM)
    history.made.of("newtask")[1]["child_flags"] = 0x10
    forest = history.forest()
    worker = history.task(forest, "w")
    assert worker.kernel
    assert worker.creation is not None
    assert (worker.creation.syscall, worker.creation.enter_ns) == (0, 0)
    assert forest.anomalies.found() == []
    assert not history.task(forest, "sh").kernel


def test_threads_are_apart_from_processes() -> None:
    """A thread is a task of its process and no process."""
    history = told("sh forks a, a threads_off t, t threads_off u, u forks b")
    forest = history.forest()
    a = history.process(forest, "a")
    assert [task.id for task in a.tasks] == [
        history.task(forest, name).id for name in ("a", "t", "u")
    ]
    assert len(forest.processes) == 3
    assert len(forest.tasks) == 5
    assert history.task(forest, "u").process == a.id
    assert forest.at_birth(history.process(forest, "b")) is a


def test_pids_in_namespaces() -> None:
    """Own pid, level and namespace."""
    history = told("sh makes_container c, c forks a")
    forest = history.forest()
    c, a = history.process(forest, "c"), history.process(forest, "a")
    assert (c.ns_pid, c.pidns_level) == (1, 1)
    assert (a.ns_pid, a.pidns_inum) == (2, c.pidns_inum)
    assert a.id.tgid > 100


def test_contradictions_are_counted() -> None:
    """Repeated rows, a wrong flag, calls and creations that do not belong together."""
    history = told("sh forks a, sh forks b, sh forks c")
    rows = history.made.rows
    rows["newtask"].append(dict(rows["newtask"][0]))
    rows["newtask"][1]["clone_flags"] = CLONE_THREAD
    history.made.drop("clone_call", result=history.threads["a"].tid)
    history.made.drop("newtask", child_tid=history.threads["c"].tid)
    found = {a.kind.name: a.count for a in history.forest().anomalies.found()}
    assert found == {
        "newtask_repeated": 1, "thread_flag_differs": 1, "newtask_without_clone": 1,
        "clone_without_newtask": 1, "task_never_created": 1,
    }  # fmt: skip


def test_a_task_taken_for_older_keeps_its_creation() -> None:
    """Both rows are there: the creation says more, and the node is marked."""
    history = told("sh forks a")
    history.adopt(history.threads["a"])
    forest = history.forest()
    a = history.process(forest, "a")
    assert forest.anomalies.count("adopted_and_created") == 1
    assert a.leader.creation is not None
    assert a.certainty is Certainty.UNKNOWN
    assert [span.reason for span in a.parents] == ["birth"]


def test_rows_come_in_order_of_creation() -> None:
    """Whatever CPU wrote them first."""
    history = told("sh forks a, sh forks b, sh forks c")
    history.made.rows["newtask"].reverse()
    started = births(history.end_recording()).get_column("child_start_ns").to_list()
    assert started == sorted(started)
    assert len(started) == 3
