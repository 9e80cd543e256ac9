# SPDX-License-Identifier: Apache-2.0
"""The tree as JSON, against the history that was told."""

from __future__ import annotations

import json
from typing import Any

from replay.forest import ProcessForest
from replay.report.json_text import compact
from replay.report.tree import Tree
from replay.report.tree_json import id_text, process_items
from tests.replay.story import HOSTILE, build_story


def _items() -> dict[str, dict[str, Any]]:
    history = build_story()
    forest = ProcessForest.from_trace(history.end_recording())
    tree = Tree(forest.processes, forest.roots)
    items = [json.loads(compact(item)) for item in process_items(tree)]
    by_id = {item["id"]: item for item in items}
    assert len(by_id) == len(items) == len(forest.processes)
    named = {proc.identity: proc.name for proc in history.procs}
    return {named[item["pid"], item["start_ns"]]: item for item in items}


ITEMS = _items()


def test_parents_and_children_name_each_other() -> None:
    """The list is flat, so both directions have to agree."""
    by_id = {item["id"]: item for item in ITEMS.values()}
    for item in ITEMS.values():
        for child in item["children"]:
            assert by_id[child]["parent"] == item["id"]


def test_a_creation() -> None:
    """The word, the call, every flag by its full name."""
    created = ITEMS["as"]["created"]
    assert created["how"] == "vfork-like"
    assert created["syscall"] == "clone3"
    assert created["flags"] == ["CLONE_VM", "CLONE_VFORK"]
    assert created["exit_signal"] == "SIGCHLD"
    assert created["by"] == ITEMS["cc"]["id"]
    assert ITEMS["sh"]["created"] is None


def test_images_and_failures() -> None:
    """Each argv as it was, hostile or not."""
    assert [image["argv"] for image in ITEMS["as"]["images"]] == [["as"], ["ld"]]
    assert ITEMS["cc"]["images"][0]["argv"] == ["cc", "-c", "a file.c", HOSTILE]
    assert ITEMS["cc"]["failed_execs"][0]["errno"] == "ENOENT"
    assert ITEMS["forked"]["images"] == []
    assert ITEMS["forked"]["inherited"]["argv"] == ["sh", "build.sh"]


def test_ends() -> None:
    """A status or a signal, never both; null while it ran."""
    assert (ITEMS["forked"]["end"]["status"], ITEMS["forked"]["end"]["signal"]) == (3, None)
    assert (ITEMS["box"]["end"]["status"], ITEMS["box"]["end"]["signal"]) == (None, "SIGKILL")
    assert ITEMS["box"]["end"]["killed_by"] == ITEMS["sh"]["id"]
    assert ITEMS["worker"]["end"]["core_dumped"] is True
    assert ITEMS["server"]["end"] is None


def test_waits_parents_and_threads() -> None:
    """What the columns of the tree say, exactly."""
    assert ITEMS["true"]["wait"]["choice"] == "waited"
    assert ITEMS["true"]["wait"]["blocked_ns"] > 0
    assert [span["reason"] for span in ITEMS["orphan"]["parents"]] == ["birth", "init"]
    assert [thread["end"] is None for thread in ITEMS["server"]["threads"]] == [False, True]
    assert (ITEMS["box"]["ns_pid"], ITEMS["box"]["pidns_level"]) == (1, 1)


def test_identities() -> None:
    """As text, because JSON readers round numbers of this size."""
    assert ITEMS["sh"]["id"] == f"{ITEMS['sh']['pid']}@{ITEMS['sh']['start_ns']}"
    assert id_text(None) is None
