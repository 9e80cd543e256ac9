# SPDX-License-Identifier: Apache-2.0
"""Who is the parent, at birth and after it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from replay.process import Certainty, ParentReason, ProcessId
from tests.histories.build import History, told

if TYPE_CHECKING:
    from replay.forest import ProcessForest


def parents(history: History, forest: ProcessForest, name: str) -> list[tuple[str, str]]:
    """Give name and reason of all parents of a process, oldest first."""
    names = {proc.identity: proc.name for proc in history.procs}
    spans = history.process(forest, name).parents
    return [(names[span.parent] if span.parent else "", span.reason) for span in spans]


def test_clone_parent_gives_a_sibling() -> None:
    """The child has the caller's parent; the call is the caller's all the same."""
    history = told("sh forks a, a makes_sibling b")
    forest = history.forest()
    b = history.process(forest, "b")
    assert parents(history, forest, "b") == [("sh", "birth")]
    assert b.leader.creation is not None
    assert b.leader.creation.caller == history.process(forest, "a").leader.id


def test_an_orphan_goes_to_init() -> None:
    """Init is outside the recording: it is named, and no node."""
    history = told("sh forks a, a forks b, a exits, sh waits a")
    forest = history.forest()
    assert parents(history, forest, "b") == [("a", "birth"), ("init", "init")]
    b = history.process(forest, "b")
    assert forest.parent(b) is None
    assert b.parents[1].since_ns == history.made.of("exit")[0]["time_ns"]
    assert b.parents[1].certainty is Certainty.CERTAIN


def test_an_orphan_goes_to_the_nearest_subreaper_and_on() -> None:
    """A chain of adoptions, each with its time."""
    history = told(
        "sh adopts_orphans, sh forks a, a adopts_orphans, a forks b, b forks c,"
        "b exits, a waits b, a exits, sh waits a"
    )
    forest = history.forest()
    assert parents(history, forest, "c") == [
        ("b", "birth"), ("a", "subreaper"), ("sh", "subreaper"),
    ]  # fmt: skip
    times = [span.since_ns for span in history.process(forest, "c").parents]
    assert times == sorted(times)


def test_another_thread_is_no_other_parent() -> None:
    """A thread's children go to another thread of the same process."""
    history = told("sh forks a, a threads_off t, t forks b, t ends, b exits, a waits b")
    forest = history.forest()
    assert parents(history, forest, "b") == [("a", "birth")]
    assert history.process(forest, "b").wait is not None


def test_children_of_a_leader_that_exits_first() -> None:
    """They stay children of the process as long as a thread lives."""
    history = told("sh forks a, a threads_off t, a forks b, a ends, t forks c, t ends")
    forest = history.forest()
    assert parents(history, forest, "b") == [("a", "birth"), ("init", "init")]
    assert parents(history, forest, "c") == [("a", "birth"), ("init", "init")]


def test_the_init_of_a_namespace_adopts() -> None:
    """An orphan never leaves its pid namespace."""
    history = told("sh adopts_orphans, sh makes_container c, c forks a, a forks b, a exits")
    forest = history.forest()
    assert parents(history, forest, "b") == [("a", "birth"), ("c", "init")]


def test_a_reaper_outside_the_recording_in_a_namespace() -> None:
    """Its pid there is not known: mostly it is the init, so the reason is inferred."""
    history = told("sh makes_container c, c forks a, a forks b, a exits")
    history.made.of("dead")[0].update(reaper_tid=777, reaper_tgid=777, reaper_start_ns=7)
    history.made.of("dead")[0]["reaper_tid"] = 777
    span = history.process(history.forest(), "b").parents[-1]
    assert span.parent == ProcessId(777, 7)
    assert (span.reason, span.certainty) == (ParentReason.INIT, Certainty.INFERRED)


def test_a_change_that_was_not_recorded_shows_at_the_exit() -> None:
    """It happened when the parent ended."""
    history = told("sh adopts_orphans, sh forks a, a forks b, a exits, sh waits a, b exits")
    history.made.lose("orphan")
    forest = history.forest()
    assert parents(history, forest, "b") == [("a", "birth"), ("sh", "seen")]
    span = history.process(forest, "b").parents[1]
    assert span.certainty is Certainty.INFERRED
    assert span.since_ns == history.made.of("exit")[0]["time_ns"]
    assert forest.anomalies.count("parent_seen_late") == 1


def test_a_change_that_was_not_recorded_between_two_that_were() -> None:
    """What the exit shows comes before what happened to the zombie later."""
    history = told(
        "sh adopts_orphans, sh forks a, a adopts_orphans, a forks b, b forks c, b exits,"
        "a waits b, c exits, a exits, sh waits c, sh waits a"
    )
    history.made.lose("orphan", tid=history.threads["b"].tid)
    forest = history.forest()
    assert parents(history, forest, "c") == [
        ("b", "birth"), ("a", "seen"), ("sh", "subreaper"),
    ]  # fmt: skip
    seen = history.process(forest, "c").parents[1]
    assert seen.since_ns == history.made.of("exit")[0]["time_ns"]


def test_orphans_whose_reaper_is_not_recorded() -> None:
    """Without the last switch of the parent they are left without a new one."""
    history = told("sh adopts_orphans, sh forks a, a forks b, a exits, sh waits a")
    history.made.lose("dead", tid=history.threads["a"].tid)
    forest = history.forest()
    assert parents(history, forest, "b") == [("a", "birth")]
    assert forest.anomalies.count("orphans_without_reaper") == 1


def test_an_orphan_that_was_reaped_before_it_could_be_asked() -> None:
    """Its father leaves a zombie behind, and whoever gets it lets it go at once."""
    history = told("sh forks a, a forks b, b exits, a exits")
    [left] = history.made.of("dead", tid=history.threads["a"].tid)
    assert left["reaper_tid"]
    left.update(reaper_tid=0, reaper_tgid=0, reaper_start_ns=0)
    assert history.forest().anomalies.count("orphans_without_reaper") == 0
    history.made.lose("exit", tid=history.threads["b"].tid)
    assert history.forest().anomalies.count("orphans_without_reaper") == 1


def test_orphans_of_an_identity_that_ended_twice() -> None:
    """The old leader's children went to the thread that took its identity."""
    history = told(
        "sh forks a, a threads_off t, a forks b, t execs, a forks c, a exits, sh waits a"
    )
    forest = history.forest()
    assert parents(history, forest, "b") == [("a", "birth"), ("init", "init")]
    assert parents(history, forest, "c") == [("a", "birth"), ("init", "init")]


def test_an_orphan_that_is_no_process() -> None:
    """Its creation was lost, and it has no event."""
    history = told("sh adopts_orphans, sh forks a, a forks b, a exits")
    history.made.of("orphan")[0]["child_tid"] = 9999
    history.made.of("orphan")[0]["child_tgid"] = 9999
    assert history.forest().anomalies.count("orphan_unknown") == 1


def test_a_parent_that_is_a_thread_of_nobody() -> None:
    """A thread outside the recording does not tell its process."""
    history = told("sh forks a")
    history.made.of("newtask")[0].update(real_parent_tid=8, real_parent_tgid=7)
    forest = history.forest()
    span = history.process(forest, "a").parents[0]
    assert (span.parent, span.certainty) == (None, Certainty.UNKNOWN)
    assert forest.anomalies.count("parent_unknown") == 1


def test_a_cycle_is_cut() -> None:
    """Two processes that would be each other's parents: one is cut loose and marked."""
    history = told("sh forks a, a forks b")
    b = history.is_(history.threads["b"], "real_parent_")
    history.made.of("newtask", child_tid=history.threads["a"].tid)[0].update(b)
    forest = history.forest()
    assert forest.anomalies.count("parent_cycle") == 1
    assert len(list(forest.walk())) == 3
    certainties = [history.process(forest, name).certainty for name in "ab"]
    assert Certainty.UNKNOWN in certainties


def test_a_process_of_unknown_origin_lives_where_its_parent_does() -> None:
    """Without newtask and exec rows the namespace is taken from the parent: waits still match."""
    history = told("sh forks a, a forks b, b exits, a waits b, a exits, sh waits a")
    history.made.lose("newtask", child_tid=history.threads["a"].tid)
    forest = history.forest()
    a, b = history.process(forest, "a"), history.process(forest, "b")
    assert a.pidns_inum == b.pidns_inum
    assert a.ns_pid == a.id.tgid
    assert b.wait is not None
    assert b.wait.reaper == a.id
