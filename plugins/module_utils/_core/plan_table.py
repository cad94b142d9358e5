# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as a Markdown table, for a pull request or an approver: `+` create, `~` change, `-` remove, `=` keep.

Names are chosen by whoever may make a checkpoint, so nothing of them may act as Markdown or HTML: no link, no mention,
no further row. Two names that differ look different.
"""

from __future__ import annotations

import re
import typing as t
import unicodedata

from .errors import InvalidInput
from .formatting import format_value
from .plan_document import from_json, plan_of

LONGEST = 300
SIGNS = {"create": "+", "delete": "-", "keep": "="}
"""Every other verb changes something that exists."""
_HEAD = "| | what | of | why |\n|---|---|---|---|\n"
_PLAIN = re.compile(r"(?:[A-Za-z0-9 ,;.()'\"=%/+-]|:(?=\s|$)|(?<=[0-9]):(?=[0-9])|(?<=[A-Za-z0-9])_(?=[A-Za-z0-9]))*")
_LITERAL = re.compile(r"[A-Za-z0-9_.:/@#$~*!?=+,;()\[\]{}%'\"^-]+( [A-Za-z0-9_.:/@#$~*!?=+,;()\[\]{}%'\"^-]+)*")
_ACTING = re.compile(r"^ +| +$| {2,}|[^A-Za-z0-9 ]", re.S)
_ACTS = re.compile(r"www\.|//", re.I)

Document = t.Mapping[str, t.Any]


def plan_table(value: object) -> str:
    """The Markdown of a plan, of a list of plans or results, of a registered result, or of a plan file.

    InvalidInput where something in it is no plan, or was altered since it was returned.
    """
    plans = list(_plans(value, "", "plan_table"))
    if len(plans) == 1:
        return _section(plans[0][1])
    headings = [
        f"**{number} of {len(plans)}**{title and f' ({code(title)})'}" for number, (title, _plan) in enumerate(plans, 1)
    ]
    parts = [f"{heading}\n\n{_section(plan)}" for heading, (_title, plan) in zip(headings, plans, strict=True)]
    return "\n".join(parts) if parts else "Nothing to do.\n"


def _plans(value: object, title: str, where: str) -> t.Iterator[tuple[str, Document]]:
    """Each plan in the value with what it is of; what a loop has skipped has none."""
    if isinstance(value, str):
        value = from_json(value, where)
    if isinstance(value, t.Mapping):
        if "actions" in value:
            yield title, plan_of(value, where)
            return
        several = value.get("results", value.get("tasks"))
        if isinstance(several, (list, tuple)):
            value = several
        elif value.get("skipped") is True:
            return
        elif isinstance(value.get("plan"), t.Mapping):
            yield from _plans(value["plan"], str(value.get("module", title)).rpartition(".")[2], f"{where}.plan")
            return
    if not isinstance(value, (list, tuple)):
        raise InvalidInput(f"{where}: is no plan, nor a result that has one.", remedy="Give a result of check mode.")
    for position, each in enumerate(value):
        yield from _plans(each, title, f"{where}[{position}]")


def _section(plan: Document) -> str:
    actions = plan["actions"]
    signs = [SIGNS.get(action["action"], "~") for action in actions]
    rows = "".join(_row(sign, action) for sign, action in zip(signs, actions, strict=True))
    create, change, remove, keep = (signs.count(sign) for sign in "+~-=")
    counted = f"{create} to create, {change} to change, {remove} to remove, {keep} to keep."
    if plan.get("group"):
        counted += f" All as one group: {code(format_value(plan['group']))}."
    digest = code(plan.get("digest", ""))
    return f"{_HEAD}{rows}\n{counted} Digest: {digest}\n" if rows else f"Nothing to do. Digest: {digest}\n"


def _row(sign: str, action: Document) -> str:
    target = action.get("vm", action.get("target", ""))
    of = f"{code(target)} ({prose(action.get('provider', ''))})"
    return f"| `{sign}` | {_what(action)} | {of} | {prose(action.get('reason', ''))} |\n"


def _what(action: Document) -> str:
    """The verb, the thing, and what the user set of it."""
    verb = action["action"]
    if verb == "power":
        return f"turn {prose(action.get('power', ''))}"
    if verb == "step":
        return prose(action.get("step", ""))
    words = [prose(verb)]
    for kind in ("checkpoint", "disk"):
        if isinstance(thing := action.get(kind), t.Mapping):
            words += [kind, code(thing.get("name", "")), *_which(thing)]
    if "resource" in action:
        words.append(code("/".join(str(action["resource"]).split("/")[-2:])))
    words += [code(format_value(value)) for value in (action.get("fields"), action.get("terms")) if value]
    return " ".join(words)


def _which(thing: Document) -> list[str]:
    """Its id, where names may repeat: an ARM id ends with the name."""
    known = str(thing.get("id") or "")
    return [f"({code(known)})"] if known and "/" not in known else []


def prose(value: object) -> str:
    """Words of a sentence as they are, or as code() where one of their characters might act."""
    text = _cut(str(value))
    return text if _PLAIN.fullmatch(text) and not _ACTS.search(text) and text == text.strip() else code(text)


def code(value: object) -> str:
    """Any text as a piece of code: nothing in it is a link, a mention, HTML, or the end of a cell or row."""
    text = _cut(str(value))
    if _LITERAL.fullmatch(text):
        return f"`{text}`"
    return f"<code>{_ACTING.sub(_entity, text) or '&nbsp;'}</code>"


def _entity(found: re.Match[str]) -> str:
    text = found[0]
    if not text.strip(" "):
        return "&nbsp;" * len(text)  # several of them are seen as several
    if "\\" in text:
        return "&#92;&#92;"  # so that no name looks like what the next line makes
    if unicodedata.category(text).startswith(("C", "Z")):
        # What is not seen, or turns around how the rest is read, is named.
        number = f"{ord(text):04x}"
        return f"&#92;u{number}" if len(number) == 4 else f"&#92;U{number.zfill(8)}"
    return f"&#{ord(text)};"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters)"
