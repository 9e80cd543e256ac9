# SPDX-License-Identifier: Apache-2.0
"""Makes a model of what its files say; whatever is wrong is an error at its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from replay.model import terms
from replay.model.build_rules import changes, cow_cases, refusals, sentences, sequences, undo_ladder
from replay.model.build_steps import build_steps
from replay.model.files import OWN_KEYS
from replay.model.order import closure
from replay.model.values import Model

if TYPE_CHECKING:
    from replay.yaml_positions import Fields, Value

_SECTIONS: Final = ("steps", "undo", "refused", "cow", "sequences")
_MOST_VERSION: Final = 999


def build_model(whole: Value, names: tuple[str, ...]) -> Model:
    """Make the model of a file laid over those that it extends; `names` are those models'."""
    what = "a model"
    fields = terms.known_fields(whole, what, (*OWN_KEYS, *_SECTIONS))
    name = terms.required(whole, what, "name").string("name")
    undo = undo_ladder(fields)
    labels = {rung.label for rung in undo}
    steps, after = build_steps(terms.required(whole, what, "steps"), labels)
    order = tuple(step.id for step in steps)
    return Model(
        name=name,
        title=terms.required(whole, what, "title").string("title"),
        kernel=_kernel(fields),
        extends=names,
        changes=changes(fields),
        steps=steps,
        undo=undo,
        refused=refusals(fields, set(order)),
        cow=cow_cases(fields),
        sequences=sequences(fields),
        sentences=sentences(fields),
        before=closure(after, order),
    )


def _kernel(fields: Fields) -> tuple[int, int] | None:
    if "kernel" not in fields:
        return None
    value = fields["kernel"]
    major, _, minor = value.string("kernel").partition(".")
    if not (major.isdigit() and minor.isdigit()) or max(int(major), int(minor)) > _MOST_VERSION:
        raise value.error("kernel is to be a release such as '6.18'", 'write it in quotes: "6.18"')
    return int(major), int(minor)
