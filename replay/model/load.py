# SPDX-License-Identifier: Apache-2.0
"""Gives reference models: by name or path, and the one for a kernel."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from replay.model.build import build_model
from replay.model.files import bundled_names, read_model

if TYPE_CHECKING:
    from replay.model.values import Change, Model
    from replay.yaml_positions import Value

_RELEASE: Final = re.compile(r"(\d{1,3})\.(\d{1,3})(?!\d)")


def load_model(name_or_path: str) -> Model:
    """Load a bundled model by name (`linux-6.18`, `textbook`) or any by its path.

    A path has a slash or ends in `.yaml`. ProctraceError names file, line and column of whatever
    is wrong with it.
    """
    whole, files = read_model(name_or_path)
    return build_model(whole, tuple(_name(file) for file in files[1:]))


@cache
def bundled_models() -> tuple[Model, ...]:
    """Load every bundled model, oldest kernel first, those of no kernel last; only once."""
    return tuple(load_model(name) for name in bundled_names())


@dataclass(frozen=True, slots=True)
class Choice:
    """The model for a kernel, and what a reader must know of the choice."""

    model: Model
    note: str
    """Empty where the model is about that release; else one sentence."""


def model_for(release: str) -> Choice:
    """Choose the bundled model for a kernel release such as `6.18.44-amd64`.

    It is the newest that is not newer than the kernel. For a kernel older than all of them, or a
    release that cannot be read, it is the oldest or the newest one, and the note says so.
    """
    models = [model for model in bundled_models() if model.kernel is not None]
    oldest, newest = models[0], models[-1]
    found = _RELEASE.match(release)
    if found is None:
        note = f"the trace does not say its kernel ({release!a}): the newest model is taken"
        return Choice(newest, note)
    version = int(found[1]), int(found[2])
    fitting = [model for model in models if model.kernel is not None and model.kernel <= version]
    if not fitting:
        return Choice(oldest, f"no model is as old as Linux {release}: {oldest.name} is taken")
    model = fitting[-1]
    if model is newest and model.kernel is not None and version > model.kernel:
        release = f"{version[0]}.{version[1]}"
        return Choice(model, f"no model is as new as Linux {release}: {model.name} is taken")
    return Choice(model, "")


def _name(file: Value) -> str:
    fields = file.mapping("a model")
    return fields["name"].string("name") if "name" in fields else file.position.source


def changes_between(before: Model, after: Model) -> tuple[Change, ...]:
    """Give the changes noted on the way from one model to one that extends it, oldest first.

    Empty where neither extends the other; from newer to older they are those that are undone.
    """
    old, new = (after, before) if after.name in before.extends else (before, after)
    if old.name not in new.extends:
        return ()
    way = new.extends[: new.extends.index(old.name)]
    on_the_way = [load_model(name) for name in reversed(way) if name in bundled_names()]
    return tuple(change for model in [*on_the_way, new] for change in model.changes)
