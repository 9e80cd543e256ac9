# SPDX-License-Identifier: Apache-2.0
"""Model files: where they lie, and how one file goes on from the one that it extends.

A file that extends another is laid over it: mappings are joined key by key, everything else is
replaced, and a key without a value (`~`) is taken away.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from replay.model.terms import required, suggestion
from replay.yaml_positions import Value, bad_value, read_yaml
from traces.errors import STATUS_UNUSABLE_INPUT, ProctraceError

if TYPE_CHECKING:
    from replay.yaml_positions import Position

FOLDER: Final = Path(__file__).parent
OWN_KEYS: Final = ("name", "title", "kernel", "extends", "changes", "sentences")
"""What a file says of itself alone, and does not inherit."""
MOST_EXTENDS: Final = 32
"""How long a chain of models may be."""


def bundled_names() -> tuple[str, ...]:
    """Give the names of the bundled models, oldest kernel first, then those without a kernel."""
    names = (path.stem for path in FOLDER.glob("*.yaml"))
    return tuple(sorted(names, key=_name_rank))


def read_model(name_or_path: str) -> tuple[Value, tuple[Value, ...]]:
    """Give a model's content with everything that it extends in it, and the files it came from.

    The files are the model's own first. ProctraceError where a file cannot be read or used.
    """
    path = _found(name_or_path)
    if path is None:
        raise ProctraceError(
            f"there is no model {name_or_path!a}",
            f"the models are {', '.join(bundled_names())}",
            f"{suggestion(name_or_path, bundled_names())}give the path of a file for one of yours",
            status=STATUS_UNUSABLE_INPUT,
        )
    files = _chain(path)
    whole = files[-1]
    for file in reversed(files[:-1]):
        whole = laid_over(_inherited(whole), file)
    return whole, files


def laid_over(base: Value, patch: Value) -> Value:
    """Give a value with a patch laid over it; positions are those of where each part stands."""
    if not isinstance(base.content, dict) or not isinstance(patch.content, dict):
        return patch
    content, keys = dict(base.content), dict(base.keys)
    for key, value in patch.content.items():
        if value.content is None and key in content:
            del content[key], keys[key]
        else:
            content[key] = laid_over(content[key], value) if key in content else value
            keys[key] = patch.keys[key]
    return Value(patch.position, content, keys, base.count + patch.count)


def _chain(path: Path) -> tuple[Value, ...]:
    files: list[Value] = []
    seen: list[Path] = []
    at: Position | None = None
    while True:
        if at is not None and path.resolve() in seen:
            chain = " extends ".join([*(one.stem for one in seen), path.stem])
            raise bad_value(at, f"it extends itself: {chain}", "end the chain at a model")
        if at is not None and len(files) == MOST_EXTENDS:
            raise bad_value(at, f"more than {MOST_EXTENDS} models extend one another", "join some")
        seen.append(path.resolve())
        file = _read_bundled(path) if path.parent == FOLDER else read_yaml(path)
        files.append(file)
        fields = file.mapping("a model")
        if "extends" not in fields:
            return tuple(files)
        named = required(file, "a model", "extends").string("extends")
        at = fields["extends"].position
        found = _found(named, path.parent)
        if found is None:
            names = bundled_names()
            hint = f"{suggestion(named, names)}the bundled ones are {', '.join(names)}"
            raise bad_value(at, f"there is no model {named!r}", hint)
        path = found


@cache
def _read_bundled(path: Path) -> Value:
    """Read a file that does not change; most models extend several of them."""
    return read_yaml(path)


def _found(name: str, folder: Path | None = None) -> Path | None:
    """Give the file of a bundled model, or of a path (relative to `folder`)."""
    bundled = FOLDER / f"{name}.yaml"
    if name in bundled_names():
        return bundled
    looks_like_path = "/" in name or name.endswith((".yaml", ".yml"))
    if not looks_like_path or "\0" in name:
        return None
    path = Path(name) if folder is None else folder / name
    return path if folder is None or path.exists() else None


def _inherited(value: Value) -> Value:
    content = value.mapping("a model")
    kept = {key: one for key, one in content.items() if key not in OWN_KEYS}
    keys = {key: value.keys[key] for key in kept}
    return Value(value.position, kept, keys, value.count)


def _name_rank(name: str) -> tuple[int, tuple[int, ...], str]:
    parts = name.removeprefix("linux-").split(".")
    if name.startswith("linux-") and all(part.isdigit() for part in parts):
        return 0, tuple(int(part) for part in parts), name
    return 1, (), name
