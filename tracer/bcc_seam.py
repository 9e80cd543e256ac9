# SPDX-License-Identifier: Apache-2.0
"""The only module that imports bcc: compiling, loading and attaching BPF programs.

bcc is imported when a program is first compiled, so that everything else works without it. What
clang, libbpf and the verifier print goes to a log, never to the user's terminal.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from tracer import object_cache
from tracer.bpf_map import MapShape
from tracer.bpf_syscall import ProgramInfo, map_info, program_info
from tracer.compiled import Compiled, with_maps
from tracer.compiler_log import reporting, standard_error_into_file
from tracer.kept_programs import KeptPrograms
from traces.errors import ProctraceError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "Bpf",
    "HookRefused",
    "LoadedFunction",
    "ProgramInfo",
    "Table",
    "attach",
    "compile_program",
    "detach",
    "import_bcc",
    "instructions",
    "load_raw_tracepoint",
    "program_info",
]

KERNEL_HEADERS = Path(__file__).parent / "bpf" / "kheaders"
"""Our own stand-in for the kernel's headers, which bcc wants to find somewhere."""

_PERF_TYPE_SOFTWARE = 1
"""include/uapi/linux/perf_event.h"""

_CFLAGS = ["-g0", "-O1"]
"""Debug information and -O2 double the time that clang takes and gain the programs nothing."""

_INSTALL = "apt install python3-bpfcc, and use a venv made with --system-site-packages"


class HookRefused(ProctraceError):  # noqa: N818 - an answer of the kernel, and seldom a failure
    """The kernel refused to attach a program; `errno` says how."""

    def __init__(self, what: str, errno: int, why: str) -> None:
        super().__init__(what, why, "run 'proctrace doctor' to see what this kernel offers")
        self.errno = errno


class LoadedFunction(Protocol):
    """A BPF program in the kernel."""

    @property
    def fd(self) -> int:
        """Its descriptor."""


class Table(Protocol):
    """A BPF map. Keys and values are ctypes instances of `Key` and `Leaf`."""

    @property
    def Key(self) -> Any:  # noqa: ANN401, N802 - a ctypes type of the map's own; bcc's name
        """The type of its keys."""

    @property
    def Leaf(self) -> Any:  # noqa: ANN401, N802 - as Key
        """The type of its values."""

    @property
    def map_fd(self) -> int:
        """Its descriptor."""

    def __getitem__(self, key: object) -> Any:  # noqa: ANN401 - a ctypes type of the map's own
        """Give the value of `key`; raise KeyError without one."""

    def __setitem__(self, key: object, value: object) -> None:
        """Store a value."""

    def __delitem__(self, key: object) -> None:
        """Remove a key; raise KeyError without it."""

    def __iter__(self) -> Iterator[Any]:
        """Give the keys."""

    def items(self) -> Any:  # noqa: ANN401
        """Give all pairs of key and value."""


class Bpf(Protocol):
    """A compiled set of programs and maps: what is used of bcc.BPF."""

    RAW_TRACEPOINT: int
    PERF_EVENT: int

    def load_func(self, func_name: bytes, prog_type: int) -> LoadedFunction:
        """Load one function into the kernel."""

    def attach_raw_tracepoint(self, tp: bytes, fn_name: bytes) -> None:
        """Run a loaded function at every hit of a raw tracepoint."""

    def attach_perf_event(
        self, *, ev_type: int, ev_config: int, fn_name: bytes, sample_period: int
    ) -> None:
        """Run a loaded function at a perf event of all CPUs."""

    def detach_perf_event(self, *, ev_type: int, ev_config: int) -> None:
        """Undo `attach_perf_event`."""

    def detach_raw_tracepoint(self, tp: bytes) -> None:
        """Undo `attach_raw_tracepoint`."""

    def __getitem__(self, name: bytes) -> Table:
        """Give a map by its name; raise KeyError without it."""

    def cleanup(self) -> None:
        """Detach and free everything."""


def import_bcc() -> type[Any]:
    """Give the class bcc.BPF; raise ProctraceError when the real bcc cannot be used."""
    try:
        module = importlib.import_module("bcc")
    except ModuleNotFoundError as error:
        if error.name != "bcc":
            raise _broken(error) from error
        raise ProctraceError(
            "bcc is not installed", "this Python finds no module named bcc", _INSTALL
        ) from error
    except (ImportError, OSError, AttributeError) as error:
        raise _broken(error) from error
    if not hasattr(module, "BPF"):
        raise ProctraceError(
            "the installed module bcc is not the BPF Compiler Collection",
            f"{getattr(module, '__file__', 'bcc')} has no BPF: "
            "the package named bcc on PyPI is something else",
            "pip uninstall bcc; " + _INSTALL,
        )
    return cast("type[Any]", module.BPF)


def compile_program(text: str) -> Bpf:
    """Compile BPF C to programs and maps, without kernel headers, or take what was kept.

    Raise ProctraceError, with clang's messages in a file that the hint names, when that fails.
    """
    bpf_class = import_bcc()
    source = text.encode()
    version = getattr(importlib.import_module("bcc"), "__version__", "")
    name = object_cache.key([source, version.encode(), *map(str.encode, _CFLAGS)])
    kept = object_cache.find(name)
    if kept is not None:
        with contextlib.suppress(OSError):  # then bcc tells what the kernel refuses
            return KeptPrograms(kept)
    with reporting("cannot compile the BPF programs", source), _stub_headers():
        bpf = cast("Bpf", bpf_class(text=source, cflags=_CFLAGS))
    object_cache.keep(name, _extract(bpf))
    return bpf


def _extract(bpf: Bpf) -> Compiled:
    """Give what bcc compiled, with maps by their number."""
    module, library = cast("Any", bpf).module, importlib.import_module("bcc.libbcc").lib
    # Python's part of bcc does not use these two, and so says nothing of their types.
    name_of, count = library.bpf_table_name, library.bpf_num_tables
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.c_void_p, ctypes.c_ulonglong]
    count.restype, count.argtypes = ctypes.c_ulonglong, [ctypes.c_void_p]
    shapes, numbers = [], {}
    for number in range(count(module)):
        name = name_of(module, number)
        descriptor = library.bpf_table_fd(module, name)
        numbers[descriptor] = number
        types = library.bpf_table_key_desc(module, name), library.bpf_table_leaf_desc(module, name)
        shapes.append(MapShape(name.decode(), *map_info(descriptor), *map(json.loads, types)))
    names = [
        library.bpf_function_name(module, index)
        for index in range(library.bpf_num_functions(module))
    ]
    return Compiled(
        library.bpf_module_license(module).decode(),
        tuple(shapes),
        {
            name.decode(): with_maps(code.raw, numbers)
            for name, code in zip(names, instructions(bpf), strict=True)
        },
    )


def instructions(bpf: Bpf) -> Iterator[ctypes.Array[ctypes.c_char]]:
    """Give the instructions of each compiled function, in the place they will be loaded from."""
    if isinstance(bpf, KeptPrograms):
        yield from bpf.instructions()
        return
    module = cast("Any", bpf).module
    library = importlib.import_module("bcc.libbcc").lib
    for index in range(library.bpf_num_functions(module)):
        name = library.bpf_function_name(module, index)
        start = library.bpf_function_start(module, name)
        yield (ctypes.c_char * library.bpf_function_size(module, name)).from_address(start)


def load_raw_tracepoint(bpf: Bpf, function_name: str) -> LoadedFunction:
    """Load one function as a raw tracepoint program.

    Raise ProctraceError, with the verifier's log in a file that the hint names, on refusal.
    """
    with reporting(f"cannot load the BPF program {function_name}"):
        return bpf.load_func(function_name.encode(), bpf.RAW_TRACEPOINT)


def load_perf_event(bpf: Bpf, function_name: str) -> LoadedFunction:
    """Load one function as a perf event program; as `load_raw_tracepoint`."""
    with reporting(f"cannot load the BPF program {function_name}"):
        return bpf.load_func(function_name.encode(), bpf.PERF_EVENT)


def attach_software_event(bpf: Bpf, config: int, function_name: str) -> None:
    """Run a loaded function at every software event of all CPUs (PERF_COUNT_SW_*).

    Raise HookRefused when the kernel refuses.
    """
    what = f"cannot attach {function_name} to the perf software event {config}"
    with standard_error_into_file():
        ctypes.set_errno(0)
        try:
            bpf.attach_perf_event(
                ev_type=_PERF_TYPE_SOFTWARE,
                ev_config=config,
                fn_name=function_name.encode(),
                sample_period=1,
            )
        except Exception as error:  # bcc raises no narrower class
            code = _errno_of(error)
            raise HookRefused(what, code, _why_not_attached(code)) from error


def detach_software_event(bpf: Bpf, config: int) -> None:
    """Undo `attach_software_event`."""
    bpf.detach_perf_event(ev_type=_PERF_TYPE_SOFTWARE, ev_config=config)


def attach(bpf: Bpf, tracepoint: str, function_name: str) -> None:
    """Run a loaded function at a raw tracepoint; raise HookRefused when the kernel refuses."""
    what = f"cannot attach {function_name} to the raw tracepoint {tracepoint}"
    with standard_error_into_file():
        ctypes.set_errno(0)
        try:
            bpf.attach_raw_tracepoint(tracepoint.encode(), function_name.encode())
        except Exception as error:  # bcc raises no narrower class
            code = _errno_of(error)
            raise HookRefused(what, code, _why_not_attached(code)) from error


def detach(bpf: Bpf, tracepoint: str) -> None:
    """Undo `attach`."""
    bpf.detach_raw_tracepoint(tracepoint.encode())


def _errno_of(error: Exception) -> int:
    """Give what the kernel said: our own calls raise it, bcc leaves it where ctypes keeps it."""
    return (isinstance(error, OSError) and error.errno) or ctypes.get_errno()


def _why_not_attached(code: int) -> str:
    reasons = {
        2: "this kernel has no such tracepoint",
        22: "the program reads an argument that this kernel's tracepoint does not have",
    }
    return f"{reasons.get(code, os.strerror(code))} (errno {code})"


def _broken(error: Exception) -> ProctraceError:
    return ProctraceError(
        "bcc is installed but does not work",
        " ".join(str(error).split()) or type(error).__name__,
        "apt install --reinstall python3-bpfcc libbpfcc",
    )


@contextmanager
def _stub_headers() -> Iterator[None]:
    """Let libbcc find our headers; it asks getenv() while compiling."""
    before = os.environ.get("BCC_KERNEL_SOURCE")
    os.environ["BCC_KERNEL_SOURCE"] = str(KERNEL_HEADERS)
    try:
        yield
    finally:
        if before is None:
            del os.environ["BCC_KERNEL_SOURCE"]
        else:
            os.environ["BCC_KERNEL_SOURCE"] = before
