# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: PLC0415 - what is heavy is imported when a command runs
"""The commands about reference models and rules: `model list|show|diff` and `explain`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Name = Annotated[str, typer.Argument(metavar="NAME", help="A model's name, or a file's path.")]

model_app = typer.Typer(rich_markup_mode=None)
"""The group of commands `proctrace model`."""


@model_app.callback()
def model() -> None:
    """Show the reference models that traces are checked against.

    Example: proctrace model show linux-6.18
    """


@model_app.command("list")
def model_list(*, as_json: _Json = False) -> None:
    """Show the bundled models.

    Example: proctrace model list
    """
    from replay.model.load import bundled_models
    from replay.report import json_text
    from replay.report import model as report
    from replay.report.screen import Screen

    models = bundled_models()
    if as_json:
        sys.stdout.write(json_text.document(report.list_json(models)))
        return
    Screen(sys.stdout).write(report.list_lines(models))


@model_app.command("show")
def model_show(name: _Name, *, as_json: _Json = False) -> None:
    """Show one model whole: steps, undo ladder, refusals, rules.

    Example: proctrace model show linux-6.18
    """
    from replay.model.load import load_model
    from replay.report import json_text
    from replay.report import model as report
    from replay.report.screen import Screen

    shown = load_model(name)
    if as_json:
        sys.stdout.write(json_text.document(report.show_json(shown)))
        return
    Screen(sys.stdout).write(report.show_lines(shown))


@model_app.command("diff")
def model_diff(
    before: Annotated[str, typer.Argument(metavar="A", help="A model's name, or a path.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The model to compare it with.")],
    *,
    as_json: _Json = False,
) -> None:
    """Show what differs between two models, and which versions changed it.

    Example: proctrace model diff linux-5.10 linux-6.18
    """
    from replay.model.diff import differences
    from replay.model.load import changes_between, load_model
    from replay.report import json_text
    from replay.report import model as report
    from replay.report.screen import Screen

    old, new = load_model(before), load_model(after)
    changes, found = changes_between(old, new), differences(old, new)
    if as_json:
        sys.stdout.write(json_text.document(report.diff_json(old, new, changes, found)))
        return
    Screen(sys.stdout).write(report.diff_lines(old, new, changes, found))


def explain(
    rule: Annotated[
        str, typer.Argument(metavar="RULE", help="A rule's id; without it all are listed.")
    ] = "",
    *,
    as_json: _Json = False,
) -> None:
    """Explain a rule that traces are checked against: what, why, where.

    Example: proctrace explain shared-objects
    """
    from replay.checks.registry import CHECKS, find_check
    from replay.report import json_text
    from replay.report.rule import rule_json, rule_lines, rules_lines
    from replay.report.screen import Screen

    chosen = [find_check(rule)] if rule else list(CHECKS)
    if as_json:
        rules = [rule_json(check) for check in chosen]
        sys.stdout.write(json_text.document({"rules": rules}))
        return
    Screen(sys.stdout).write(rule_lines(chosen[0]) if rule else rules_lines(chosen))


COMMANDS = (explain,)
"""Commands of their own; `model_app` is a group of more."""
