# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What services make of the texts that they are sent: cut, folded, in another case or another form of Unicode. Pure."""

from __future__ import annotations

import html
import re
import typing as t
import unicodedata

LEAST_NAME = 8
"""Characters that are left of a name that was cut."""
LIMITS = {100, 128, 200, 250, 255, 256, 500, 512, 1000, 1023, 1024}
"""Where columns end: a description of just that length was probably cut there."""
COLUMNS = LIMITS | {32, 40, 50, 60, 63, 64, 80, 120, 127, 150}
"""The same, with those that are rarer: there an edit may end as well, so that what differs is told."""
LEAST_TEXT = 16
"""Characters that are left of a description that was cut within a word."""
_MARK = "[hybridvm.checkpoints 1 nonce="
_BREAK, _TAG, _BRACKET = re.compile(r"\n"), re.compile(r"<[^<>]*>"), re.compile(r"[<>]")


def may_come_of(sent: str, kept: str) -> bool:
    """Whether a service may have stored the name `kept` for `sent`."""
    whole, part = _plain(sent), _plain(kept)
    return part == whole or (len(part) >= LEAST_NAME and whole.startswith(part))


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
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


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


def _plain(name: str) -> str:
    """The name without case, without what stands between its words, in one form of Unicode."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return " ".join("".join(c if c.isalnum() else " " for c in unicodedata.normalize("NFKC", folded)).split())


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in unicodedata.normalize("NFC", text).strip().splitlines()]
