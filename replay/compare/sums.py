# SPDX-License-Identifier: Apache-2.0
"""What all members of an account did together, by figure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from replay.compare.account import Fate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from replay.compare.account import Account, Member

PROCESSES, THREADS, EXECS = "processes", "threads", "execs"
NO_CHILD: Final = "waits that found nobody"
FATES: Final = {
    Fate.REAPED: "waited for",
    Fate.NEVER: "never waited for",
    Fate.AUTO_REAPED: "auto-reaped",
    Fate.RUNNING: "not ended",
    Fate.OUTSIDE: "left to others",
}
"""What members with each fate are counted as."""
CREATED, FAILED = "created by", "failed"
_ORDER: Final = (PROCESSES, CREATED, THREADS, EXECS, FAILED, "exit", "SIG", "running",
                 *FATES.values(), NO_CHILD)  # fmt: skip


def sums(account: Account) -> dict[str, int]:
    """Give the sums that are known, in the order in which they are shown.

    Of a partial account these are those that it states, and those that follow from values that it
    states for each member.
    """
    found: Counter[str] = Counter()
    members = account.members if account.whole and account.members else []
    if members or not account.partial:
        found[PROCESSES] = len(members)
        for name, value in _counted(members, partial=account.partial):
            found[name] += value
    found.update(dict.fromkeys(account.figures or (), 0))
    found.update({name: value - found[name] for name, value in (account.figures or {}).items()})
    return {name: found[name] for name in in_order(found)}


def in_order(names: Iterable[str]) -> list[str]:
    """Give figures in the order in which they are shown, each once."""
    return sorted(set(names), key=_rank)


def is_sum(name: str) -> bool:
    """Tell whether a figure of this name is one of them."""
    return any(name.split(" ", maxsplit=1)[0].startswith(word.split(" ")[0]) for word in _ORDER)


def _counted(members: Sequence[Member], *, partial: bool) -> Iterator[tuple[str, int]]:
    """Give what each value adds to which figure."""

    def stated(name: str) -> bool:
        return not partial or all(getattr(one, name) is not None for one in members)

    if stated("born"):
        yield from ((f"{CREATED} {one.born.split()[0]}", 1) for one in members if one.born)
    if stated("threads"):
        yield from ((THREADS, one.threads or 0) for one in members)
    if stated("programs"):
        yield from ((EXECS, len(one.programs or ())) for one in members)
    if stated("waits_without_child"):
        yield from ((NO_CHILD, one.waits_without_child or 0) for one in members)
    if stated("end"):
        yield from ((one.end, 1) for one in members if one.end is not None)
    if stated("fate"):
        yield from ((FATES[one.fate], 1) for one in members if one.fate is not None)
    if stated("failed_calls"):
        yield from ((f"{FAILED} {call}", 1) for one in members for call in one.failed_calls or ())


def _rank(name: str) -> tuple[int, int, str]:
    place = next((at for at, word in enumerate(_ORDER) if name.startswith(word)), len(_ORDER))
    number = name.rpartition(" ")[2]
    return place, int(number) if number.isdigit() else 0, name
