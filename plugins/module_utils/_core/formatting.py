# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts and values as an error or a diff shows them: on one line, bounded and without secrets."""

from __future__ import annotations

import re

from .redaction import redact_start

MOST = 20
DEEPEST = 5
_WORD = re.compile(r"""[^\s"'<>]+""")


def one_line(text: str, limit: int = 1000) -> str:
    """`text` on one line, without secrets, control characters and URLs' queries, at most `limit` characters long."""
    # A signed URL has thousands of characters, of which a few are left, so more than `limit` is looked at.
    return _flat(without_queries(redact_start(text, limit * 16)), limit)


def printable(text: str, limit: int) -> str:
    """`text` on one line that a terminal shows as it is: no secrets, no control characters, at most `limit` long."""
    return _flat(redact_start(text, limit * 16), limit)


def _flat(text: str, limit: int) -> str:
    shown = " ".join("".join(c if c.isprintable() else " " for c in text[: limit * 16]).split())
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def without_queries(text: str) -> str:
    """`text` with the query of every URL cut off: signed URLs carry their signature there."""
    return _WORD.sub(_without_query, text)


def _without_query(word: re.Match[str]) -> str:
    """A word without its query, if it is a URL or a path. A regular expression for all of it would start again at each
    slash, and a service may answer millions of them.
    """
    scheme, slash, rest = word[0].partition("/")
    path, mark, _query = rest[1:].partition("?")
    return f"{scheme}{slash}{rest[:1]}{path}?…" if mark else word[0]


def format_value(value: object, depth: int = 0) -> str:
    """Any JSON value as words, bounded: a service or a stored plan may hold anything where a text belongs."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, (dict, list, tuple)):
        return str(value)
    if depth >= DEEPEST:
        return "…"
    if isinstance(value, dict):
        parts = [f"{name}: {format_value(each, depth + 1)}" for name, each in list(value.items())[:MOST]]
    else:
        parts = [format_value(each, depth + 1) for each in value[:MOST]]
    inside = ", ".join([*parts, *(["…"] if len(value) > MOST else [])])
    return f"({inside})" if depth else inside
