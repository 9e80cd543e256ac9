# SPDX-License-Identifier: Apache-2.0
"""The C constants that stand for the running kernel: member offsets, sizes, argument positions.

The programs name what they need by tokens such as `OFF_task_struct__mm` and `SIZE_upid`; the
tokens found in their text are what is looked up in the kernel's BTF, so there is no list of
members to keep in step with the programs.
"""

from __future__ import annotations

import re
from typing import Protocol

from traces.errors import ProctraceError

_OFFSET = re.compile(r"\bOFF_([a-z0-9]+(?:_[a-z0-9]+)*?)__(\w+)\b")
_MAYBE = re.compile(r"\bMAYBE_([a-z0-9]+(?:_[a-z0-9]+)*?)__(\w+)\b")
_ARGUMENT = re.compile(r"\bARG_([a-z0-9]+(?:_[a-z0-9]+)*?)__(\w+)\b")
_PAGE_FLAG = re.compile(r"\bPAGE_FLAG_(\w+)\b")
_PERCPU = re.compile(r"\bPERCPU_(\w+)\b")
_SIZE = re.compile(r"\bSIZE_(\w+)\b")

_FORMER_NAMES = {
    ("task_struct", "__state"): "state",  # renamed in 5.14, commit 2f064a59a11f
    ("page", "__folio_index"): "index",  # renamed in 6.16, commit acc53a0b4c15
}


class TypeInformation(Protocol):
    """What is asked of the kernel's BTF (`tracer.btf.Btf`)."""

    def has(self, struct: str, member: str) -> bool:
        """Tell whether the struct has the member."""
        ...

    def offset(self, struct: str, member: str) -> int:
        """Give the member's offset in bytes."""
        ...

    def struct_size(self, struct: str) -> int:
        """Give the struct's size in bytes."""
        ...

    def enum_value(self, enumeration: str, name: str) -> int:
        """Give the value of an enumerator; raise LookupError without it."""
        ...

    def percpu_offset(self, variable: str) -> int | None:
        """Give where a per-CPU variable lies in its section, None without it."""
        ...

    def tracepoint_arguments(self, tracepoint: str) -> tuple[str, ...] | None:
        """Give the types of a tracepoint's arguments, None where there is no such tracepoint."""
        ...


def defines_for(program_text: str, btf: TypeInformation) -> str:
    """Give the #define lines for every token of `program_text`.

    PERCPU_variable, the variable's place in the per-CPU section, is -1 without that variable,
    MAYBE_struct__member without the member, and ARG_tracepoint__type, the position of the
    first argument of that type, without such an argument.

    Raises ProctraceError when this kernel lacks a member that the programs read.
    """
    members = sorted(set(_OFFSET.findall(program_text)))
    structs = sorted(set(_SIZE.findall(program_text)))
    lines = [f"#define OFF_{s}__{m} {_offset(btf, s, m)}" for s, m in members]
    lines += [f"#define SIZE_{s} {btf.struct_size(s)}" for s in structs]
    lines += [
        f"#define MAYBE_{s}__{m} {btf.offset(s, m) if btf.has(s, m) else -1}"
        for s, m in sorted(set(_MAYBE.findall(program_text)))
    ]
    lines += [
        f"#define ARG_{t}__{name} {_argument(btf, t, name)}"
        for t, name in sorted(set(_ARGUMENT.findall(program_text)))
    ]
    for variable in sorted(set(_PERCPU.findall(program_text))):
        place = btf.percpu_offset(variable)
        lines.append(f"#define PERCPU_{variable} {-1 if place is None else place}")
    flags = sorted(set(_PAGE_FLAG.findall(program_text)))
    lines += [f"#define PAGE_FLAG_{f} {_page_flag(btf, f)}" for f in flags]
    lines.append(f"#define ARG_SWITCH_PREV {_first_task_argument(btf, 'sched_switch')}")
    return "\n".join(lines) + "\n"


def _offset(btf: TypeInformation, struct: str, member: str) -> int:
    for name in (member, _FORMER_NAMES.get((struct, member))):
        if name is not None and btf.has(struct, name):
            return btf.offset(struct, name)
    raise ProctraceError(
        "cannot prepare the recorder for this kernel",
        f"its BTF has no member {struct}.{member}",
        "please report the kernel's version and the output of `proctrace doctor`",
    )


def _page_flag(btf: TypeInformation, name: str) -> int:
    """Give the flag's bit number, -1 for a flag that this kernel does not have."""
    try:
        return btf.enum_value("pageflags", name)
    except LookupError:
        return -1


def _argument(btf: TypeInformation, tracepoint: str, type_name: str) -> int:
    for position, spelled in enumerate(btf.tracepoint_arguments(tracepoint) or ()):
        words = spelled.removesuffix(" *").split()
        if type_name in words:
            return position
    return -1


def _first_task_argument(btf: TypeInformation, tracepoint: str) -> int:
    arguments = btf.tracepoint_arguments(tracepoint) or ()
    for position, type_name in enumerate(arguments):
        if type_name.startswith(("task_struct", "struct task_struct")):
            return position
    raise ProctraceError(
        "cannot prepare the recorder for this kernel",
        f"its tracepoint {tracepoint} has no task argument: {', '.join(arguments) or 'absent'}",
        "please report the kernel's version and the output of `proctrace doctor`",
    )
