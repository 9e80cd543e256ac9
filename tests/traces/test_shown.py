# SPDX-License-Identifier: Apache-2.0
"""Hostile bytes as text, and lines that bash reads back exactly."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from traces.shown import shell_line, shell_word, shown

NASTY = st.sampled_from(
    [
        b"'", b'"', b"\\", b"$", b"`", b"!", b"\x1b[31m", b"\n", b"\r", b"\t", b" ", b"\xff",
        b"\xc3", "é".encode(), "\u202e".encode(), "\u00a0".encode(), "😀".encode(), b"~", b"*",
        b"{a,b}", b"-n", b"%s", b"#", b"a=b", b"\x7f", b"\\x41", b"$'", b"[", b"0", b"if",
        b"\xe2\x80",
    ]
)  # fmt: skip
WORD = (st.lists(NASTY, max_size=5).map(b"".join) | st.binary(max_size=12)).map(
    lambda word: word.replace(b"\0", b"")
)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b"/bin/sh -c 'x'", "/bin/sh -c 'x'"),
        ("é 日本 😀".encode(), "é 日本 😀"),
        (b"a\nb\tc\rd", r"a\nb\tc\rd"),
        (b"\x1b[2J\x00\x7f", r"\x1b[2J\x00\x7f"),
        (b"\xff\xc3(", r"\xff\xc3("),
        ("a\u202eb".encode(), r"a\xe2\x80\xaeb"),
        ("\u200b\u00a0\u2028\u0085".encode(), r"\xe2\x80\x8b\xc2\xa0\xe2\x80\xa8\xc2\x85"),
        (rb"\x1b", r"\\x1b"),
    ],
)
def test_shown(data: bytes, text: str) -> None:
    """Printable text as it is, everything else as a visible escape."""
    assert shown(data) == text


@given(st.binary(max_size=50) | WORD)
def test_shown_is_printable_and_reversible(data: bytes) -> None:
    """Nothing unprintable is left, and two different byte strings never look the same."""
    text = shown(data)
    assert text.isprintable()
    escapes = {"n": b"\n", "t": b"\t", "r": b"\r", "\\": b"\\"}
    back = b""
    while text:
        if text[0] != "\\":
            back, text = back + text[0].encode(), text[1:]
        elif text[1] == "x":
            back, text = back + bytes.fromhex(text[2:4]), text[4:]
        else:
            back, text = back + escapes[text[1]], text[2:]
    assert back == data


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "''"),
        (b"/usr/bin/x-1.2_3:4@5%6+7=8,9", "/usr/bin/x-1.2_3:4@5%6+7=8,9"),
        (b"a b", "'a b'"),
        (b"$HOME", "'$HOME'"),
        ("é".encode(), "'é'"),
        (b"it's", "'it'\"'\"'s'"),
        (b"it's\n", r"$'it\'s\n'"),
        (b"\x1b!\\", r"$'\x1b\x21\\'"),
        (b"\xff1", r"$'\xff1'"),
    ],
)
def test_shell_word(data: bytes, word: str) -> None:
    """Bare where it can be, single quotes where it must, $'...' for what does not print."""
    assert shell_word(data) == word


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        ([], ""),
        ([b"a=b", b"c=d"], "'a=b' c=d"),
        ([b"a+=b"], "'a+=b'"),
        ([b"time", b"time"], "'time' time"),
        ([b"timeout", b"1"], "timeout 1"),
        ([b"=x"], "=x"),
    ],
)
def test_shell_line(argv: list[bytes], line: str) -> None:
    """The first word is no assignment and no keyword."""
    assert shell_line(argv) == line


@settings(max_examples=150, deadline=None)
@given(st.lists(WORD, min_size=1, max_size=6))
@example([b"a\nb", b"\x1b]0;x\x07", b"\xff\xfe", b"", b"-e"])
def test_bash_reads_exactly_these_bytes(argv: list[bytes]) -> None:
    """Bash, given the line as arguments of printf, prints the same bytes."""
    line = shell_line(argv)
    assert line.isprintable()
    for locale in ("C", "C.UTF-8"):
        done = subprocess.run(
            ["bash", "-c", f"printf '%s\\0' {line}"],
            capture_output=True, check=True, env={"LC_ALL": locale, "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
        assert done.stdout == b"".join(word + b"\0" for word in argv)


@pytest.mark.parametrize("word", [b"a=b", b"if", b"time", b"coproc", b"x+=1", b"{", b"!", b"[["])
def test_first_word_is_looked_up_as_a_command(word: bytes) -> None:
    """Bash looks for a command of exactly this name, and finds none."""
    line = shell_line([word])
    script = f'PATH=/nonexistent; command_not_found_handle() {{ printf "%s\\0" "$@"; }}; {line}'
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=False)
    assert done.stdout == word + b"\0"
