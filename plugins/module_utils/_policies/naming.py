# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a policy names what it makes, and which names are of its series. Pure."""

from __future__ import annotations

import re
import string
import typing as t
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

DEFAULT = "{prefix}-{utc:%Y%m%dT%H%M%SZ}"
STAMP = DEFAULT.removeprefix("{prefix}")
"""What generated names end in anyway, where names are unique (_core/ownership.generated)."""
_DIGITS = {"Y": 4, "G": 4, "j": 3, **dict.fromkeys("ymdHMSV", 2)}
"""The directives of strftime that a template may hold: digits only, so the same in every language."""
_FIELDS = "{prefix}, {vm}, {utc:FORMAT} and {local:FORMAT}"


@dataclass(frozen=True)
class Naming:
    """A name_template: texts, and fields with the format of a time. `text` is what the user wrote."""

    text: str
    parts: tuple[tuple[str, str, str], ...]

    def render(self, prefix: str, vm: str, at: datetime, zone: tzinfo) -> str:
        """The name that it gives at that time."""
        values = {"prefix": prefix, "vm": vm}
        times = {"utc": at.astimezone(UTC), "local": at.astimezone(zone)}
        return "".join(
            text + (times[name].strftime(form) if form else values.get(name, "")) for text, name, form in self.parts
        )

    def fits(self, name: str, prefix: str, vm: str, *, any_case: bool = False) -> bool:
        """Whether the template can have made the name, whenever."""
        values = {"prefix": prefix, "vm": vm}
        pattern = "".join(
            re.escape(text) + (_pattern(form) if form else re.escape(values.get(field, "")))
            for text, field, form in self.parts
        )
        return re.fullmatch(pattern, name, re.IGNORECASE if any_case else 0) is not None

    def before_stamp(self) -> Naming:
        """The same without the time that every generated name ends in: what such a name's series is called."""
        return read_template(self.text.removesuffix(STAMP))


def read_template(text: str) -> Naming:
    """The template; ValueError where it holds what no name can be made of."""
    try:
        given = list(string.Formatter().parse(text))
    except ValueError:
        raise ValueError(f"has a brace without its partner; it may hold {_FIELDS}") from None
    parts = tuple(_part(literal, field, form or "", conversion) for literal, field, form, conversion in given)
    if "prefix" not in [field for _text, field, _form in parts]:
        raise ValueError("must hold {prefix}, by which the policy knows its own series")
    return Naming(text, parts)


def _part(literal: str, field: str | None, form: str, conversion: str | None) -> tuple[str, str, str]:
    if field is None:
        return literal, "", ""
    if field not in ("prefix", "vm", "utc", "local") or conversion or (field in ("prefix", "vm") and form):
        raise ValueError(f"may hold {_FIELDS}, and nothing else in braces")
    if field in ("utc", "local"):
        _check_format(field, form)
    return literal, field, form


def _check_format(field: str, form: str) -> None:
    used = _directives(form)
    if not used or not set(used) <= set(_DIGITS) or form.count("%") != len(used):
        known = " ".join(f"%{each}" for each in _DIGITS)
        raise ValueError(f"{{{field}:FORMAT}} takes {known}, and at least one of them")


def _directives(form: str) -> list[str]:
    return re.findall(r"%(.)", form)


def _pattern(form: str) -> str:
    """A regular expression for what strftime makes of it."""
    found: list[str] = []
    for each in t.cast("list[str]", re.findall(r"%.|[^%]", form)):
        found.append(rf"[0-9]{{{_DIGITS[each[1]]}}}" if each.startswith("%") else re.escape(each))
    return "".join(found)
