# SPDX-License-Identifier: Apache-2.0
r"""How bytes of a trace become text: argv, paths and comm are hostile until they went through here.

Everything that does not print as itself is escaped visibly, as in `\x1b`: control characters,
escape sequences, bidirectional overrides, other format characters, private and unassigned code
points, every space but the plain one, and bytes that are not UTF-8.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_PLAIN_WORD = re.compile(r"[\w@%+=:,./-]+", re.ASCII)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=", re.ASCII)
_KEYWORD = re.compile(
    r"if|then|elif|else|fi|for|in|do|done|case|esac|while|until|select|function|time|coproc"
)
_NAMED = {"\n": r"\n", "\t": r"\t", "\r": r"\r", "\\": r"\\"}
# An interactive bash may expand "!" from its history after a \' inside of $'...'.
_IN_SHELL = _NAMED | {"'": r"\'", "!": r"\x21"}


def shown(data: bytes) -> str:
    r"""Give bytes as one line of printable text; a backslash of their own becomes `\\`."""
    return "".join(_escaped(data.decode("utf-8", "surrogateescape"), _NAMED))


def shell_word(data: bytes) -> str:
    r"""Give a word that bash reads as exactly these bytes (which hold no NUL, as argv has none).

    Plain words stay bare, other printable ones are put in single quotes, and what does not print
    is escaped in `$'...'`.
    """
    text = data.decode("utf-8", "surrogateescape")
    if not text.isprintable():
        return "$'" + "".join(_escaped(text, _IN_SHELL)) + "'"
    if _PLAIN_WORD.fullmatch(text):
        return text
    return "'" + text.replace("'", "'\"'\"'") + "'"


def shell_line(argv: Sequence[bytes]) -> str:
    """Give a line that bash runs as exactly this argv: its words, joined by single spaces.

    The first word is quoted when bash would take it for an assignment or a keyword.
    """
    words = [shell_word(argument) for argument in argv]
    if words and (_KEYWORD.fullmatch(words[0]) or _ASSIGNMENT.match(words[0])):
        words[0] = f"'{words[0]}'"
    return " ".join(words)


def _escaped(text: str, named: dict[str, str]) -> Iterable[str]:
    for character in text:
        if character in named:
            yield named[character]
        elif character.isprintable():
            yield character
        else:
            stored = character.encode("utf-8", "surrogateescape")
            yield "".join(f"\\x{byte:02x}" for byte in stored)
