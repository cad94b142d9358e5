# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of an error's text speaks of a lock: VMM's number for it, and words that are no part of a name. Pure.

SPF and Azure Resource Manager both pass on VMM's errors as text. Names stand in such a text as well, and anybody may
call a checkpoint `upgrade in progress` or `before ConfigMgr 2602`.
"""

from __future__ import annotations

import re
import typing as t

LOCK = 2602
"""VMM's error for an object that another job holds (VMM team blog, 2014-12-15); no other number is relied upon."""
LONGEST = 4000
"""How much of a text is looked at."""
_QUOTED = re.compile(
    r"(?<!\w)'(?:[^']|(?<=\w)'(?=\w)){0,300}'(?!\w)"  # an apostrophe within a word ends no name
    r'|(?<!:)(?<!: )"[^"]{0,300}"(?!\s*:)'  # what follows a colon is a member of JSON in a text, no name
    r"|\u2018[^\u2019]{0,300}\u2019|\u201c[^\u201d]{0,300}\u201d|\u00ab[^\u00bb]{0,300}\u00bb"
)
_SIGNS = r"[\s:#(=-]{0,8}"
_ERROR = rf"\berror{_SIGNS}(?:(?:id|code|number){_SIGNS})?(?:vmm)?"
_END = r"(?![\w-]|[.,]\d)"
_NUMBER = re.compile(rf"{_ERROR}(\d{{1,5}}){_END}", re.IGNORECASE)
"""An error's number as VMM's texts name it: `Error (2602)`, `(Error ID: 2602)`, `VMM error 2602`."""
_LOCK = re.compile(
    rf"(?:{_ERROR}|\b(?:vmm|id|code){_SIGNS}(?:vmm)?){LOCK}{_END}"
    rf"|(?:\A|(?<=[\r\n:;])|(?<=[:;] ))[^\W\d_]+ ?\({LOCK}\)|\blocked\b[^\r\n]{{0,100}}\({LOCK}\)"
    rf"|\A\W*{LOCK}\W*\Z",
    re.IGNORECASE,
)
"""The same for a lock, also as `VMM 2602`, `ID: 2602`, and in parentheses behind a text's first word or `locked`.

A number that stands elsewhere may be a size, or a part of a name.
"""
_CODE = re.compile(r"\s*(?:VMM)?(\d{1,5})\s*", re.IGNORECASE)
_OF_HTTP = (409, 412, 423, 429, 503)
"""Statuses with which a lock may be answered: some texts repeat the status."""
_NO_CAUSE = (0, 23234)
"""Numbers that name no cause of their own: 23234 stands over the 2602 of its parts (the same)."""


def number_of(code: str) -> int | None:
    """The number that an error's code is, as `2602` and `VMM2602`; None for a word and for what names no cause."""
    found = _CODE.fullmatch(code)
    return int(found[1]) if found is not None and int(found[1]) not in _NO_CAUSE else None


def outside_names(words: re.Pattern[str], text: str, names: t.Iterable[str] = ()) -> list[re.Match[str]]:
    """Where those words stand in a text, but for those within a name: one of `names`, or whatever stands in quotes."""
    text = text[:LONGEST]
    spelled = [re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE) for name in names if name]
    spans = [found.span() for pattern in (_QUOTED, *spelled) for found in pattern.finditer(text)]
    return [
        found
        for found in words.finditer(text)
        if not any(start <= found.start() and found.end() <= end for start, end in spans)
    ]


def names_another_cause(text: str, names: t.Iterable[str] = (), codes: t.Iterable[str] = ()) -> bool:
    """Whether VMM names an error of another number, in a code or in the text: then no word makes a lock of it."""
    numbers = {number for code in codes if (number := number_of(code)) is not None}
    numbers |= {int(found[1]) for found in outside_names(_NUMBER, text, names)}
    return bool(numbers - {LOCK, *_NO_CAUSE, *_OF_HTTP})


def says_locked(text: str, names: t.Iterable[str] = (), codes: t.Iterable[str] = ()) -> bool:
    """Whether VMM says by its number, in a code or in the text, that another job holds the object."""
    names, codes = list(names), list(codes)
    is_named = any(number_of(code) == LOCK for code in codes) or bool(outside_names(_LOCK, text, names))
    return is_named and not names_another_cause(text, names, codes)
