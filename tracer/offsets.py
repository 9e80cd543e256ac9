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
_PAGE_FLAG = re.compile(r"\bPAGE_FLAG_(\w+)\b")
_SIZE = re.compile(r"\bSIZE_(\w+)\b")

_FORMER_NAMES = {
    ("task_struct", "__state"): "state",  # renamed in 5.14, commit 2f064a59a11f
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

    def tracepoint_arguments(self, tracepoint: str) -> tuple[str, ...] | None:
        """Give the types of a tracepoint's arguments, None where there is no such tracepoint."""
        ...


def defines_for(program_text: str, btf: TypeInformation) -> str:
    """Give the #define lines for every token of `program_text`.

    Raises ProctraceError when this kernel lacks a member that the programs read.
    """
    members = sorted(set(_OFFSET.findall(program_text)))
    structs = sorted(set(_SIZE.findall(program_text)))
    lines = [f"#define OFF_{s}__{m} {_offset(btf, s, m)}" for s, m in members]
    lines += [f"#define SIZE_{s} {btf.struct_size(s)}" for s in structs]
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
