# SPDX-License-Identifier: Apache-2.0
"""Programs executed, tried and inherited."""

from __future__ import annotations

from replay.images import image_at
from replay.process import Certainty
from tests.histories.build import told


def test_an_image_has_its_strings() -> None:
    """Joined from pieces of a few bytes."""
    argument = "x" * 50
    history = told(f"sh forks a, a execs /usr/bin/prog -v {argument}")
    a = history.process(history.forest(), "a")
    (image,) = a.images
    row = history.made.of("exec")[0]
    assert image.argv == (b"/usr/bin/prog", b"-v", argument.encode())
    assert (image.path, image.executable) == (b"/usr/bin/prog", b"/usr/bin/prog")
    assert image.cwd == b"/home/src"
    assert (image.interpreter, image.environment) == (b"", ())
    assert (image.time_ns, image.enter_ns) == (row["time_ns"], row["enter_ns"])
    assert image.by == a.leader.id
    assert not image.argv_truncated
    assert image.certainty is Certainty.CERTAIN


def test_interpreter_and_environment() -> None:
    """Where they were recorded."""
    history = told("sh forks a, a execs")
    a = history.threads["a"]
    time_ns = history.made.of("exec")[0]["time_ns"]
    history.text(time_ns, a, 6, b"/bin/sh")
    history.text(time_ns, a, 4, b"A=1\0B=\0")
    (image,) = history.process(history.forest(), "a").images
    assert (image.interpreter, image.environment) == (b"/bin/sh", (b"A=1", b"B="))


def test_truncated_arguments_are_flagged() -> None:
    """What there is of them is certain."""
    history = told("sh forks a, a execs")
    for row in history.made.of("text", what=2):
        row["flags"] = 1
    (image,) = history.process(history.forest(), "a").images
    assert image.argv_truncated
    assert image.certainty is Certainty.CERTAIN


def test_missing_arguments_are_unknown() -> None:
    """All of them, or a piece in the middle."""
    history = told("sh forks a, a execs, a execs /bin/longer than one piece of text is")
    first, second = history.made.of("exec")
    history.made.drop("text", what=2, time_ns=first["time_ns"])
    history.made.drop("text", what=2, time_ns=second["time_ns"], offset=16)
    forest = history.forest()
    images = history.process(forest, "a").images
    assert [image.certainty for image in images] == [Certainty.UNKNOWN] * 2
    assert [image.argv_truncated for image in images] == [True, True]
    assert forest.anomalies.count("argv_missing") == 2


def test_a_failed_exec_is_no_image() -> None:
    """A search along PATH: two failures, then success."""
    history = told("sh forks a, a fails_to_exec /opt/x, a fails_to_exec /etc/x 13, a execs /bin/x")
    a = history.process(history.forest(), "a")
    assert [(f.path, f.argv, f.errno) for f in a.failed_execs] == [
        (b"/opt/x", (b"/opt/x",), 2), (b"/etc/x", (b"/etc/x",), 13),
    ]  # fmt: skip
    assert a.failed_execs[0].by == a.leader.id
    assert len(a.images) == 1


def test_a_child_inherits_what_its_creator_ran_then() -> None:
    """Before, between and after two programs, and through a child that executed nothing."""
    history = told(
        "sh forks a, a execs /bin/one, a forks b, b forks c, a execs /bin/two, a forks d,"
        "a makes_sibling e, b execs /bin/three"
    )
    forest = history.forest()
    inherited = {}
    for name in "abcde":
        image = history.process(forest, name).inherited
        inherited[name] = image.argv[0] if image is not None else None
    assert inherited == {
        "a": None, "b": b"/bin/one", "c": b"/bin/one", "d": b"/bin/two", "e": b"/bin/two",
    }  # fmt: skip


def test_image_at_a_moment() -> None:
    """Of several programs, the one that was running."""
    history = told("sh forks a, a execs /bin/1, a execs /bin/2, a execs /bin/3")
    a = history.process(history.forest(), "a")
    times = [image.time_ns for image in a.images]
    assert image_at(a, times[0] - 1) is None
    for index, time_ns in enumerate(times):
        assert image_at(a, time_ns) is a.images[index]
        assert image_at(a, time_ns + 1) is a.images[index]


def test_the_owner_after_exec() -> None:
    """A set-user-id program runs as its owner."""
    history = told("sh forks a, a execs")
    history.made.of("exec")[0].update(uid=33, cgroup=44)
    a = history.process(history.forest(), "a")
    assert (a.uid, a.cgroup) == (33, 44)


def test_an_exec_tells_a_process_of_unknown_origin_its_namespace() -> None:
    """Its creation was lost, and so was its pid there."""
    history = told("sh makes_container c, c forks a, a execs, a exits, c waits a")
    history.made.lose("newtask", child_tid=history.threads["a"].tid)
    forest = history.forest()
    a, c = history.process(forest, "a"), history.process(forest, "c")
    assert (a.ns_pid, a.pidns_inum, a.pidns_level) == (2, c.pidns_inum, 1)
    assert a.wait is not None
    assert a.wait.reaper == c.id


def test_an_exec_after_the_end_is_counted() -> None:
    """A dead process executes nothing."""
    history = told("sh forks a, a execs, a exits")
    history.made.of("exec")[0]["time_ns"] = history.tick()
    forest = history.forest()
    assert forest.anomalies.count("exec_after_end") == 1
    assert history.process(forest, "a").certainty is Certainty.UNKNOWN
