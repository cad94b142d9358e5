# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ARM's ErrorResponse: its code and message on one line, and all of it for the result."""

from __future__ import annotations

import json
import re
import typing as t

from .._core.errors import BadResponse, CheckpointError
from .._core.formatting import format_value, one_line
from .._http.error_mapping import inner_words
from .._http.response import Response

_LEVELS, _PARTS = 24, 1000
"""How much of an error a result shows; the longest recorded one has 5 levels and 30 parts."""


def error_of(response: Response, *, wrapped: bool = False) -> object:
    """The error object of a response, with or without the `error` wrapper (some 429s of Compute have none); of a
    gateway's page, its title. With `wrapped` only what is in the wrapper counts.
    """
    try:
        body = response.json()
    except BadResponse:
        title = re.search(rb"<title[^<>]{0,200}>([^<]{0,200})</title>", response.body[:65536], re.I)
        return title[1].decode("utf-8", "replace") if title else ""
    return body.get("error", "" if wrapped else body) if isinstance(body, dict) else ""


def read_error(error: object, depth: int = 0) -> tuple[str, str]:
    """(code, text) of an error object: code and message, then details and additionalInfo, nested as they are."""
    if depth > 5:
        return "", "…"
    if not isinstance(error, dict):
        return "", str(error) if isinstance(error, str) else ""
    code = format_value(error.get("code") or "")
    parts = [": ".join(filter(None, (code, format_value(error.get("message") or "").strip())))]
    if error.get("target"):
        parts.append(f"target {format_value(error['target'])}")
    for detail in _list(error.get("details")):
        parts.append(read_error(detail, depth + 1)[1])
    if isinstance(inner := error.get("innererror") or error.get("innerError"), (dict, str)):
        parts.append(inner_words(inner, depth + 1))
    for info in _list(error.get("additionalInfo")):
        if isinstance(info, dict):
            parts.append(
                f"{format_value(info.get('type'))} {one_line(json.dumps(info.get('info'), sort_keys=True), 400)}"
            )
    return code, "; ".join(filter(None, parts))


def codes_of(error: object, depth: int = 0) -> list[str]:
    """The codes of an error in lower case, the outer one first: a generic one may hold the reason inside."""
    if not isinstance(error, dict) or depth > 5:
        return []
    code = error.get("code")
    inside = [*_list(error.get("details")), error.get("innererror") or error.get("innerError")]
    own = [code.lower()] if isinstance(code, str) else []
    return [*own, *(found for each in inside for found in codes_of(each, depth + 1))]


def policies_of(error: object, depth: int = 0) -> str:
    """The policies that have refused a request (additionalInfo of type PolicyViolation), by assignment and rule."""
    if not isinstance(error, dict) or depth > 5:
        return ""
    found = []
    for info in _list(error.get("additionalInfo")):
        violation = info.get("info") if isinstance(info, dict) and info.get("type") == "PolicyViolation" else None
        if isinstance(violation, dict):
            assignment = violation.get("policyAssignmentDisplayName") or violation.get("policyAssignmentName")
            rule = violation.get("policyDefinitionDisplayName") or violation.get("policyDefinitionName")
            found.append(f'policy assignment "{format_value(assignment)}" (rule "{format_value(rule)}")')
    found += [policy for each in _list(error.get("details")) if (policy := policies_of(each, depth + 1))]
    if not found and str(error.get("code")).lower() == "requestdisallowedbypolicy":
        return "a policy"
    return one_line(" and ".join(dict.fromkeys(found)), 500)


def code_of(problem: CheckpointError) -> str:
    """The code of ARM's error behind ours, in lower case; empty where there is none."""
    return read_error(problem.details)[0].lower()


def error_details(error: object) -> dict[str, t.Any] | None:
    """The complete error object for `error.details`; every text on one line, without secrets and URLs' queries."""
    budget = [_PARTS]

    def clean(value: object, level: int) -> t.Any:
        budget[0] -= 1
        if budget[0] < 0 or level > _LEVELS:
            return "…"
        if isinstance(value, str):
            return one_line(value, 4000)
        if isinstance(value, dict):
            return {one_line(str(key), 200): clean(part, level + 1) for key, part in _first(value.items(), budget)}
        if isinstance(value, list):
            return [clean(part, level + 1) for part in _first(value, budget)]
        return value

    return clean(error, 0) if isinstance(error, dict) and error else None


Part = t.TypeVar("Part")


def _first(parts: t.Iterable[Part], budget: list[int]) -> t.Iterator[Part]:
    """The parts until the budget is spent, and one more, which is shown as `…`."""
    for part in parts:
        yield part
        if budget[0] < 0:
            return


def _list(value: object) -> list[t.Any]:
    return value[:20] if isinstance(value, list) else []
