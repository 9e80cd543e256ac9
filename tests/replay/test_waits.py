# SPDX-License-Identifier: Apache-2.0
"""What a parent did about each child: slept for it, reaped it later, never, or had no need to."""

from __future__ import annotations

import pytest

from replay.forest import ProcessForest
from replay.process import Certainty, Choice, End, ParentReason, WaitOutcome
from tests.histories.build import History, told


def outcome(story: str, name: str = "a") -> WaitOutcome:
    """Tell a story and give the outcome of one process."""
    history = told(story)
    forest = history.forest()
    assert [anomaly.kind.name for anomaly in forest.anomalies.found()] == []
    return wait_of(history, forest, name)


def wait_of(history: History, forest: ProcessForest, name: str) -> WaitOutcome:
    """Give the outcome of a process."""
    wait = history.process(forest, name).wait
    assert wait is not None
    return wait


def end_of(history: History, forest: ProcessForest, name: str) -> End:
    """Give the end of a process."""
    end = history.process(forest, name).end
    assert end is not None
    return end


@pytest.mark.parametrize(
    ("story", "choice"),
    [
        ("sh forks a, sh sleeps, a exits, sh waits a", Choice.WAITED),
        ("sh forks a, a exits, sh waits a", Choice.WAITED_LATER),
        ("sh forks a, sh polls_in_vain, a exits, sh polls a", Choice.WAITED_LATER),
        ("sh forks a, a exits", Choice.NEVER),
        ("sh ignores_children, sh forks a, a exits", Choice.AUTO_REAPED),
        ("sh forks a, sh sleeps", Choice.ALIVE),
        ("sh forks a, sh sleeps, a faults, sh waits_by_id a", Choice.WAITED),
    ],
)
def test_the_choice_of_a_parent(story: str, choice: Choice) -> None:
    """Each choice, with certainty."""
    wait = outcome(story)
    assert (wait.choice, wait.certainty) == (choice, Certainty.CERTAIN)


def test_times_of_a_wait() -> None:
    """How long the call slept, when it returned, and how long the zombie stood."""
    history = told("sh forks a, sh sleeps, a exits 1, sh waits a")
    forest = history.forest()
    wait, end = wait_of(history, forest, "a"), end_of(history, forest, "a")
    row = history.made.of("wait")[0]
    assert wait.reaper == history.process(forest, "sh").id
    assert wait.wait_enter_ns == row["enter_ns"] < end.time_ns
    assert wait.blocked_ns == row["blocked_total_ns"] > 0
    assert wait.reaped_ns == row["time_ns"]
    assert wait.zombie_ns == row["time_ns"] - end.time_ns


def test_a_call_before_the_end_waited_even_if_it_needed_no_sleep() -> None:
    """The child ended on another CPU while the call was looking at it."""
    history = told("sh forks a, a exits, sh waits a")
    row = history.made.of("wait")[0]
    row["enter_ns"] = history.made.of("exit")[0]["time_ns"] - 1
    wait = wait_of(history, history.forest(), "a")
    assert (wait.choice, wait.blocked_ns) == (Choice.WAITED, 0)


def test_a_poll_is_no_wait_even_if_it_began_before_the_end() -> None:
    """With WNOHANG the parent did not intend to sleep."""
    history = told("sh forks a, a exits, sh polls a")
    row = history.made.of("wait")[0]
    row["enter_ns"] = history.made.of("exit")[0]["time_ns"] - 1
    assert wait_of(history, history.forest(), "a").choice is Choice.WAITED_LATER


def test_a_zombie_at_the_end_stood_until_the_last_event() -> None:
    """The parent lives on and does other things."""
    history = told("sh forks a, a exits, sh forks b")
    forest = history.forest()
    wait, end = wait_of(history, forest, "a"), end_of(history, forest, "a")
    assert wait.zombie_ns == history.now_ns - end.time_ns
    assert wait.reaper is None


def test_a_zombie_stood_until_its_parent_ended() -> None:
    """Then init, which is not followed, takes it."""
    history = told("sh forks a, a forks b, b exits, a exits, sh waits a, sh forks c")
    forest = history.forest()
    wait = wait_of(history, forest, "b")
    assert wait.choice is Choice.NEVER
    a, b = end_of(history, forest, "a"), end_of(history, forest, "b")
    assert wait.zombie_ns == a.time_ns - b.time_ns


def test_a_subreaper_reaps_a_zombie_that_its_parent_never_did() -> None:
    """The choice is that of the parent; the reaper is named all the same."""
    history = told(
        "sh adopts_orphans, sh forks a, a forks b, b exits, a exits, sh waits b, sh waits a"
    )
    forest = history.forest()
    wait = wait_of(history, forest, "b")
    assert (wait.choice, wait.reaper) == (Choice.NEVER, history.process(forest, "sh").id)


def test_a_subreaper_waits_for_an_orphan() -> None:
    """The orphan lived when it was adopted: the choice is that of its new parent."""
    wait = outcome(
        "sh adopts_orphans, sh forks a, a forks b, a exits, sh waits a,"
        "sh sleeps, b exits, sh waits b",
        "b",
    )
    assert wait.choice is Choice.WAITED


def test_the_choice_of_a_process_that_is_not_recorded_is_unknown() -> None:
    """Nobody saw what init or the parent of the root command did."""
    story = "sh forks a, a forks b, a exits, sh waits a, b exits, sh exits"
    assert outcome(story, "b").choice is Choice.UNKNOWN
    assert outcome(story, "sh").choice is Choice.UNKNOWN
    assert outcome(story, "sh").certainty is Certainty.UNKNOWN


def test_another_thread_of_the_parent_waits() -> None:
    """The reaper is a process, whichever of its threads calls."""
    history = told("sh threads_off t, sh forks a, t sleeps, a exits, t waits a")
    forest = history.forest()
    wait = wait_of(history, forest, "a")
    assert (wait.choice, wait.reaper) == (Choice.WAITED, history.process(forest, "sh").id)


def test_waitid_with_wnowait_reaps_nothing() -> None:
    """The zombie is still there for the wait4 that follows."""
    history = told("sh forks a, a exits, sh peeks a, sh waits a")
    wait = wait_of(history, history.forest(), "a")
    assert wait.reaped_ns == history.made.of("wait", syscall=61)[0]["time_ns"]
    assert outcome("sh forks a, a exits, sh peeks a").choice is Choice.NEVER


def test_a_stop_is_no_end() -> None:
    """wait4 with WUNTRACED reports a stopped child, which ends later."""
    history = told("sh forks a, sh sees_stop a, a exits 7, sh waits a")
    wait = wait_of(history, history.forest(), "a")
    assert wait.reaped_ns == history.made.of("wait", options=0)[0]["time_ns"]
    assert outcome("sh forks a, sh sees_stop a").choice is Choice.ALIVE


def test_wait_without_a_status_reaped_if_it_could_report_nothing_else() -> None:
    """wait(NULL) does not tell why it returned; only with WUNTRACED could it be for a stop."""
    history = told("sh forks a, a exits, sh waits_blindly a")
    wait = wait_of(history, history.forest(), "a")
    assert (wait.choice, wait.certainty) == (Choice.WAITED_LATER, Certainty.CERTAIN)
    history.made.of("wait")[0].update(options=2)
    wait = wait_of(history, history.forest(), "a")
    assert (wait.choice, wait.certainty) == (Choice.WAITED_LATER, Certainty.INFERRED)


def test_a_leader_that_ended_first_reaps_itself_with_its_last_thread() -> None:
    """At the leader's own last switch it was a zombie; the last thread's says what came of it."""
    history = told("sh ignores_children, sh forks a, a threads_off t, a ends 0, t ends 0")
    wait = wait_of(history, history.forest(), "a")
    assert (wait.choice, wait.certainty) == (Choice.AUTO_REAPED, Certainty.CERTAIN)


def test_wait_without_a_status_before_the_end_was_a_stop() -> None:
    """wait4(pid, NULL, WUNTRACED): a child that ended only afterwards was not reaped by it."""
    history = told("sh forks a, sh sees_stop a, a exits")
    history.made.of("wait")[0].update(got=0, status=0)
    forest = history.forest()
    assert wait_of(history, forest, "a").choice is Choice.NEVER


def test_without_its_last_switch_a_child_may_have_reaped_itself() -> None:
    """Nothing was reported as lost, but zombie or not is not known."""
    history = told("sh forks a, a exits")
    history.made.drop("dead")
    assert wait_of(history, history.forest(), "a").choice is Choice.UNKNOWN


def test_waitid_without_siginfo_names_the_child_by_its_argument() -> None:
    """waitid(P_PID, pid, NULL, WEXITED) reports nothing, and reaps all the same."""
    history = told("sh forks a, a exits, sh waits_by_id a")
    history.made.of("wait")[0].update(ns_pid=0, got=0, code=0, status=0)
    wait = wait_of(history, history.forest(), "a")
    assert (wait.choice, wait.certainty) == (Choice.WAITED_LATER, Certainty.CERTAIN)


def test_each_use_of_a_pid_has_its_own_wait() -> None:
    """The same pid three times, reaped in three ways."""
    history = History(last_pid=102)
    history.host.used.add(100)
    history.tell("sh forks a, a exits 1, sh waits a, sh forks b, sh sleeps, b exits 2, sh waits b")
    history.tell("sh forks c, c exits 3")
    forest = history.forest()
    processes = [history.process(forest, name) for name in "abc"]
    assert len({process.id.tgid for process in processes}) == 1
    choices = [process.wait and process.wait.choice for process in processes]
    assert choices == [Choice.WAITED_LATER, Choice.WAITED, Choice.NEVER]


def test_a_pid_used_again_before_the_wait_returned() -> None:
    """Two threads are in wait calls all the time; both uses of the pid end before either returns.

    The zombie's pid is free before the call that reaps it returns.
    """
    history = History(last_pid=103)
    history.host.used.add(100)
    history.tell("sh threads_off t, sh forks a, t sleeps, a exits 1, sh waits a")
    history.tell("sh forks b, b exits 2, t waits b")
    assert history.threads["a"].tid == history.threads["b"].tid
    first, second = history.made.of("wait")
    first["time_ns"], second["time_ns"] = second["time_ns"], second["time_ns"] + 1
    forest = history.forest()
    assert forest.anomalies.count("wait_status_differs") == 0
    assert wait_of(history, forest, "a").reaped_ns == first["time_ns"]
    assert wait_of(history, forest, "b").reaped_ns == second["time_ns"]


def test_a_tracer_does_not_reap_for_the_parent() -> None:
    """A wait4 of a process that is no parent leaves the zombie to the parent."""
    history = told("sh forks tracer, sh forks a, a exits, sh waits a")
    row = dict(history.made.of("wait")[0])
    tracer = history.threads["tracer"]
    history.made.rows["wait"].insert(0, {**row, **history.is_(tracer), "time_ns": row["enter_ns"]})
    forest = history.forest()
    wait = wait_of(history, forest, "a")
    assert wait.reaper == history.process(forest, "sh").id
    assert forest.anomalies.count("wait_child_unknown") == 1


def test_a_lost_exit_is_known_from_the_wait() -> None:
    """The wait call told the status; when it ended is not known."""
    history = told("sh forks a, a exits 5, sh waits a")
    history.made.lose("exit", tid=history.threads["a"].tid)
    forest = history.forest()
    end, wait = end_of(history, forest, "a"), wait_of(history, forest, "a")
    assert (end.time_ns, end.status, end.certainty) == (0, 5, Certainty.INFERRED)
    assert (wait.choice, wait.certainty) == (Choice.WAITED_LATER, Certainty.INFERRED)


def test_a_lost_wait_leaves_the_outcome_unknown() -> None:
    """That no wait was recorded says nothing where records were lost."""
    history = told("sh forks a, a exits 5, sh waits a")
    history.made.lose("wait")
    assert wait_of(history, history.forest(), "a").choice is Choice.UNKNOWN


def test_a_cut_trace_leaves_open_outcomes_unknown() -> None:
    """What was reaped before the cut is known; what was not may have been reaped after it."""
    history = told("sh forks a, a exits, sh waits a, sh forks b, b exits, sh forks c")
    trace = history.end_recording()
    trace.complete = False
    trace.drop("end_task")
    forest = ProcessForest.from_trace(trace)
    assert wait_of(history, forest, "a").choice is Choice.WAITED_LATER
    assert wait_of(history, forest, "b").choice is Choice.UNKNOWN
    assert wait_of(history, forest, "c").choice is Choice.UNKNOWN
    assert forest.anomalies.found() == []


def test_a_reaper_that_was_not_recorded_as_parent_is_inferred_from_its_wait() -> None:
    """The rows of the reparenting are missing; only a parent can have reaped the zombie."""
    history = told(
        "sh adopts_orphans, sh forks a, a forks b, b exits, a exits, sh waits b, sh waits a"
    )
    history.made.lose("orphan")
    forest = history.forest()
    b = history.process(forest, "b")
    assert [span.reason for span in b.parents] == [ParentReason.BIRTH, ParentReason.SEEN]
    assert forest.parent(b) is history.process(forest, "sh")
    assert b.wait is not None
    assert b.wait.choice is Choice.NEVER


def test_a_status_that_contradicts_the_exit_is_counted() -> None:
    """The exit row is believed."""
    history = told("sh forks a, a exits 5, sh waits a")
    history.made.of("wait")[0]["status"] = 6 << 8
    forest = history.forest()
    assert forest.anomalies.count("wait_status_differs") == 1
    assert end_of(history, forest, "a").status == 5


def test_children_that_die_with_the_init_of_their_namespace() -> None:
    """zap_pid_ns_processes() kills them, and has the init ignore SIGCHLD before it does."""
    history = told("sh makes_container c, c forks a, c ignores_children, c exits, sh kills a")
    forest = history.forest()
    assert wait_of(history, forest, "a").choice is Choice.AUTO_REAPED
    assert forest.parent(history.process(forest, "a")) is history.process(forest, "c")
    assert forest.anomalies.found() == []
