# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What services make of the texts that they are sent: cut, folded, in another case or another form of Unicode. Pure."""

from __future__ import annotations

import html
import re
import typing as t
import unicodedata
import urllib.parse
from contextlib import suppress
from itertools import filterfalse

LEAST_NAME = 8
"""Letters that are left of a name that was cut."""
LEAST_MARKED_NAME = 3
"""The same where a mark holds the hash of the name that was asked for."""
LIMITS = {100, 128, 200, 250, 255, 256, 500, 512, 1000, 1023, 1024}
"""Where columns end: a description of just that length was probably cut there."""
COLUMNS = LIMITS | {32, 40, 50, 60, 63, 64, 80, 120, 127, 150}
"""The same, with those that are rarer: there an edit may end as well, so that what differs is shown."""
LEAST_TEXT = 16
"""Characters that are left of a description that was cut within a word."""
_MARK = "[hybridvm.checkpoints 1 nonce="
_WORD = re.compile(r"[^\W_]+")
_KEPT = re.compile(r"[^\W_]|\?")
_BREAK, _TAG, _BRACKET = re.compile(r"\n"), re.compile(r"<[^<>]*>"), re.compile(r"[<>]")


def may_come_of(sent: str, kept: str, least: int = LEAST_NAME) -> bool:
    """Whether a service may have stored the name `kept` for `sent`: escaped, folded, stripped, or cut to that many."""
    left = len(" ".join(_WORD.findall(kept)))
    return any(_fits(sent, letters, cut=left >= least) for letters in _readings(kept))


def is_same_text(sent: str, kept: str) -> bool:
    """Whether two descriptions differ in nothing but line ends, blanks at ends and the form of Unicode."""
    return _lines(sent) == _lines(kept)


def is_cut_of(sent: str, kept: str) -> bool:
    """Whether `kept` is the beginning of a description that was too long."""
    return len(kept) in LIMITS and len(sent) > len(kept) and sent.startswith(kept)


def is_form_of(sent: str, kept: str, *, whole: bool) -> bool:
    """Whether `kept` is what a service makes of this description that escapes, folds or strips texts in up to two ways.

    It looks from what was sent to what is kept, never back: another wording, or another case than all upper or all
    lower, is an edit that somebody is to get. Not `whole`: the text may have been cut, and a mark behind it with it.
    """
    for form in {second(first(sent)) for first in _STEPS for second in _STEPS}:
        if _lines(form) == _lines(kept) or (not whole and _is_beginning(form, kept)):
            return True
    return False


def _is_beginning(form: str, kept: str) -> bool:
    """Whether it was cut: in the mark behind the text, where a column ends, or within a word, where no edit ends."""
    if kept.startswith(form):
        rest = kept[len(form) :].strip().removeprefix("<br>").lower()
        return any(rest[: len(mark)] == mark[: len(rest)] for mark in (_MARK, _MARK.removeprefix("[")) if rest)
    if not form.startswith(kept) or len(kept) < LEAST_TEXT:
        return False
    return len(kept) in COLUMNS or (kept[-1].isalnum() and form[len(kept)].isalnum())


def _bare(text: str) -> str:
    """Without accents."""
    return "".join(filterfalse(unicodedata.combining, unicodedata.normalize("NFKD", text)))


def _questioned(text: str) -> str:
    return unicodedata.normalize("NFC", text).encode("ascii", "replace").decode()


_STEPS: tuple[t.Callable[[str], str], ...] = (
    str,
    str.upper,
    str.lower,
    html.escape,
    lambda text: html.escape(text, quote=False),
    lambda text: " ".join(text.split()),
    lambda text: _BREAK.sub("<br>", text),
    lambda text: _TAG.sub("", text),
    lambda text: _BRACKET.sub("", text),
    _bare,
    _questioned,
    lambda text: text.encode().decode("latin-1"),
)
"""What services do to texts: case, escapes, blanks, markup, letters outside a code page. Which does what is unknown."""


def _letters(name: str) -> str:
    """Its letters and digits without case and accents, and ?, which stands for a letter that a code page lacks."""
    folded = unicodedata.normalize("NFC", _bare(_bare(name).casefold()))
    return "".join(_KEPT.findall(folded))


def _readings(name: str) -> t.Iterator[str]:
    """The letters of a name that may be escaped as in HTML or in a URL, or be UTF-8 that was read as Latin-1."""
    yield _letters(name)
    yield _letters(html.unescape(name))
    yield _letters(urllib.parse.unquote(name))
    with suppress(UnicodeError):
        yield _letters(name.encode("latin-1").decode())


def _fits(sent: str, kept: str, *, cut: bool) -> bool:
    """Whether `kept`, as letters, is what is left of the name, or where it may be `cut` the beginning of that."""
    ends = {0}
    for character in unicodedata.normalize("NFC", sent):
        if cut and len(kept) in ends:
            return True
        parts = _parts(character)
        ends = {end + len(part) for end in ends for part in parts if kept.startswith(part, end)}
    return len(kept) in ends


def _parts(character: str) -> set[str]:
    """What may be left of it: its letters; of ? nothing; of one outside ASCII also ? for it, its accent or halves."""
    letters = _letters(character)
    if character.isascii():
        return {letters, letters.strip("?")}
    return {letters, "?", "??", f"{letters}?"}


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in unicodedata.normalize("NFC", text).strip().splitlines()]
