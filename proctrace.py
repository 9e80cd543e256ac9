# SPDX-License-Identifier: Apache-2.0
"""The root of the command line: joins the commands of both sides and shows every error alike.

An error is three lines on stderr: what, why, and a hint. A traceback comes only with `--debug`.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command

from traces.errors import STATUS_UNUSABLE_INPUT, ProctraceError

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROOMS: Final = {
    "tracer.commands": ("record", "doctor"),
    "replay.commands": (
        "replay", "tree", "info", "dump", "audit", "cow", "page", "steps", "check",
        "explain", "simulate", "compare", "model",
    ),
}  # fmt: skip
"""The module that registers a command: a known command imports that module alone."""

_RUN: Final = "run"
"""The one command that both rooms do together, so that it belongs to neither."""
_STATUS_INTERRUPTED: Final = 128 + 2
_STATUS_BROKEN_PIPE: Final = 128 + 13
_STANDARD_ERROR: Final = 2
_DEBUG: Final = "--debug"
_HELP: Final = ("-h", "--help")
_WHOLE_SENTENCE: Final = 1_000
"""As many letters as the first sentence of a command's help may have."""


_SECTIONS: Final = {
    "Record": ("record", "run", "doctor"),
    "See what happened": ("replay", "tree", "cow", "page", "steps"),
    "Check": ("check", "explain", "model", "audit"),
    "Predict": ("simulate", "compare"),
    "Look into a file": ("info", "dump"),
}
"""The commands as the help shows them, in the order in which they are needed."""


class _Root(TyperGroup):
    """A group of commands that ends quietly when whoever reads its output has gone."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - as in invoke()
        """Write the commands by section, each with its first sentence."""
        width = max(map(len, self.list_commands(ctx)))
        for title, names in _SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(
                    [
                        (name.ljust(width), self.commands[name].get_short_help_str(_WHOLE_SENTENCE))
                        for name in names
                    ]
                )

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer keeps its own type of it private
        """Run the command; the output is written out before its status is."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            _discard_output()
            raise typer.Exit(_STATUS_BROKEN_PIPE) from None
        return result


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line (sys.argv without arguments) and give its exit status."""
    _open_standard_streams()
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = _DEBUG in _before_command(words)
    try:
        return _run(words)
    except ProctraceError as error:
        return _fail(error, debug=debug)
    except typer.TyperException as error:
        return _fail(_misuse(error), debug=debug, why="usage")
    except KeyboardInterrupt:
        return _STATUS_INTERRUPTED
    except OSError as error:
        what = f"the system refused an operation{f' on {error.filename!r}' * bool(error.filename)}"
        why = error.strerror or str(error)
        return _fail(_own_failure(what, why), debug=debug)
    except Exception as error:  # noqa: BLE001 - the last stop: a bug is shown like an error, too
        why = f"{type(error).__name__}: {error}"
        return _fail(_own_failure("this is a bug in proctrace", why), debug=debug)


def _open_standard_streams() -> None:
    """Open what is closed of descriptors 0 to 2, lest a trace become somebody's standard error.

    A recorded command finds them closed as before.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)) <= _STANDARD_ERROR:
        pass
    os.close(descriptor)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115


def _run(words: list[str]) -> int:
    command = get_command(_app(words))
    result = command.main(args=words, prog_name="proctrace", standalone_mode=False)
    return result if isinstance(result, int) else 0


def _app(words: list[str]) -> typer.Typer:
    """Give the application with the room of the named command, or with both rooms."""
    app = typer.Typer(
        cls=_Root,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": [*_HELP]},
    )
    app.callback(invoke_without_command=True)(_root)
    before = _before_command(words)
    named = [] if set(_HELP) & set(before) else words[len(before) :][:1]
    known = [room for room, commands in _ROOMS.items() if named and named[0] in commands]
    runs = named == [_RUN]
    for room in () if runs else known or _ROOMS:
        importlib.import_module(room).register(app)
    if runs or not known:
        app.command(_RUN)(_run_scenario)
    return app


def _root(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
    debug: Annotated[  # noqa: ARG001 - read by main(), which must know it before anything fails
        bool, typer.Option(_DEBUG, help="Show a traceback with an error.")
    ] = False,
) -> None:
    """Record how processes really come into being, and replay the recording offline.

    Example: proctrace record -o build.ptrace -- make, then: proctrace replay build.ptrace
    """
    if version:
        typer.echo(f"proctrace {_version()}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _run_scenario(  # noqa: PLR0913 - a command takes what its options are
    scenario: Annotated[
        str, typer.Argument(metavar="[SCENARIO]", help="A scenario's name or path.")
    ] = "",
    *,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="The trace to write.")
    ] = None,
    force: Annotated[bool, typer.Option("-f", "--force", help="Overwrite FILE.")] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=N", help="A parameter; may be given again."),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            "--seed",
            min=0,
            max=2**63 - 1,
            metavar="N",
            help="Delay actors at random, for other orders of what is unordered.",
        ),
    ] = 0,
    timeout: Annotated[
        float,
        typer.Option(
            "--timeout",
            min=0.1,
            max=86400,
            metavar="S",
            help="End everything that is still there after so many seconds.",
        ),
    ] = 60.0,
    ostep: Annotated[
        str, typer.Option("--ostep", metavar="ACTIONS", help="Actions of OSTEP's fork.py instead.")
    ] = "",
) -> None:
    """Execute a scenario for real, and record it. Needs root, as 'record' does.

    Its processes are those of a small C program, so that nothing but the scenario touches memory
    that the scenario is about. 'proctrace simulate --list' lists scenarios.

    Example: sudo proctrace run fork-and-write -o real.ptrace --set pages=1000
    """
    from replay.scenario.running import runnable  # noqa: PLC0415 - the rooms are heavy
    from tracer.actor.commands import act_and_record  # noqa: PLC0415
    from tracer.actor.script import Script  # noqa: PLC0415

    found = runnable(scenario, ostep, settings or [])
    names = tuple(actor.name for actor in found.plan.actors)
    script = Script(
        name=found.plan.scenario,
        plan=found.text.encode(),
        actors=names,
        executed=found.executed,
        file_pages=found.file_pages,
        description=found.description(seed),
        seed=seed,
        timeout_s=timeout,
        words=("--ostep", ostep) if ostep else (scenario,),
    )
    raise typer.Exit(act_and_record(script, output, overwrite=force))


def _version() -> str:
    from importlib import metadata  # noqa: PLC0415 - slow, and needed here alone

    try:
        return metadata.version("proctrace")
    except metadata.PackageNotFoundError:
        return "(not installed)"


def _before_command(words: list[str]) -> list[str]:
    """Give the leading options; the root's own take no values."""
    count = next((i for i, word in enumerate(words) if not word.startswith("-")), len(words))
    return words[:count]


def _misuse(error: typer.TyperException) -> ProctraceError:
    """Give a mistake on the command line as an error of ours."""
    what, _, meant = error.format_message().partition(" Did you mean ")
    what = what.partition(" (Possible options")[0].rstrip(".")
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "proctrace"
    usage = context.get_usage().partition(" ")[2] if context is not None else path
    close = getattr(error, "possibilities", None) or ([meant] if meant else [])
    hint = f"'{path} --help' tells what it takes"
    if getattr(error, "option_name", None) == _DEBUG:
        hint = f"{_DEBUG} comes before the command: {path.replace(' ', f' {_DEBUG} ', 1)}"
    elif close:
        hint = f"did you mean {' or '.join(close).rstrip('?')}? {hint}"
    return ProctraceError(
        what[:1].lower() + what[1:],
        " ".join(usage.split()),
        hint,
        status=STATUS_UNUSABLE_INPUT,
    )


def _own_failure(what: str, why: str) -> ProctraceError:
    return ProctraceError(what, why, f"'proctrace {_DEBUG} ...' shows where it happened")


def _fail(error: ProctraceError, *, debug: bool, why: str = "why") -> int:
    """Show an error on stderr and give the exit status."""
    if debug:
        traceback.print_exc()
    lines = (f"proctrace: {_one_line(error.what)}", f"{why}: {_one_line(error.why)}",
             f"hint: {_one_line(error.hint)}")  # fmt: skip
    try:
        sys.stderr.write("\n  ".join(lines) + "\n")
    except OSError:  # a closed pipe, a full disk: the status still tells
        _discard_output()
    return error.status


def _one_line(text: str) -> str:
    """Give a text without anything that could break its line or steer a terminal."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def _discard_output() -> None:
    # What is still buffered would fail again when Python flushes at exit.
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, sys.stdout.fileno())
    os.close(sink)


if __name__ == "__main__":
    sys.exit(main())
