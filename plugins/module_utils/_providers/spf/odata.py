# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""OData v3 as SPF speaks it: literals, entities in JSON light, and errors of every layer in front of it."""

from __future__ import annotations

import re
import typing as t
import urllib.parse
import xml.etree.ElementTree as ET

from ..._core.errors import CheckpointError
from ..._core.formatting import format_value, one_line
from ..._core.redaction import redact_start
from ..._core.spec import is_guid
from ..._http.error_mapping import error_from
from ..._http.response import Response

HEADERS = {
    "Accept": "application/json;odata=minimalmetadata",  # without Accept SPF answers Atom, even to a JSON POST
    "DataServiceVersion": "3.0;NetFx",
    "MaxDataServiceVersion": "3.0;NetFx",
}
JSON_BODY = {"Content-Type": "application/json;odata=minimalmetadata"}
LOCKED = re.compile(r"(?<![\w-])2602(?![\w-])")
"""VMM's error for an object that another job holds (VMM team blog, 2014-12-15); no other number is relied upon."""
LONGEST_ERROR = 65536
"""How much of an error's body is looked at where it is no JSON."""

Entity = dict[str, t.Any]


class Page(t.NamedTuple):
    """Some entities of a set, and the link to the next ones (absolute or relative), if the server pages."""

    entities: list[Entity]
    next_link: str | None


def guid(value: str) -> str:
    """A GUID literal; ValueError for anything else, which must not get into a URL."""
    if not is_guid(value):
        raise ValueError(f"{value!r} is not a GUID")
    return f"guid'{value.lower()}'"


def text(value: str) -> str:
    """A string literal; quotes in it are doubled, so that none ends it."""
    return "'" + value.replace("'", "''") + "'"


def where(*conditions: str) -> str:
    """`?$filter=` and the conditions joined by `and`, percent-encoded."""
    return "?$filter=" + urllib.parse.quote(" and ".join(conditions), safe="'(),-")


def page(response: Response) -> Page:
    """A feed in JSON light, the only format that requests accept (docs/decisions/0009)."""
    body = _object(response)
    entities, following = body.get("value"), body.get("odata.nextLink")
    if not isinstance(entities, list) or not all(isinstance(entity, dict) for entity in entities):
        raise response.bad("the answer holds no list of entities.")
    if following is not None and not isinstance(following, str):
        raise response.bad("the answer's next link is no text.")
    return Page(entities, following)


def entity(response: Response) -> Entity:
    """One entity in JSON light."""
    body = _object(response)
    if "ID" not in body:
        raise response.bad("the answer holds no entity.")
    return body


def error(response: Response, *, context: str, sign_in: str = "") -> CheckpointError:
    """The error for a response that is not a success, with the service's own text."""
    said = said_by(response)
    locked = response.status in (400, 409, 423, 500) and bool(LOCKED.search(said))
    return error_from(response, said, context=context, locked=locked, sign_in=sign_in)


def said_by(response: Response) -> str:
    """The text of an error, whichever layer wrote it: OData in JSON or XML, Windows Azure Pack, IIS's HTML."""
    start = response.body[: 16 * LONGEST_ERROR].decode("utf-8", "replace").strip("\ufeff \t\r\n")
    if start.startswith("{") and (said := _json_error(response)) is not None:
        return said
    if start.startswith("<") and not _is_html(start) and (said := _xml_error(response.body)) is not None:
        return said
    # Before the tags go: a secret that holds what looks like one would lose it.
    text = redact_start(start, LONGEST_ERROR)
    # Bounded and without backtracking: these look at whatever a server sends.
    title = re.search(r"<title[^<>]{0,200}>([^<]{0,300})</title>", text, re.I)
    return title[1] if title else one_line(re.sub(r"<[^<>]*>", " ", text), 300)


def _json_error(response: Response) -> str | None:
    try:
        body = _object(response)
    except CheckpointError:
        return None
    error = body.get("odata.error") or body.get("error")
    message = error.get("message") if isinstance(error, dict) else None
    value = message.get("value") if isinstance(message, dict) else message
    return format_value(value or body.get("Message") or "")


def _xml_error(body: bytes) -> str | None:
    """Code and message; None for what should not be parsed: too long, with a document type, or not XML at all."""
    if len(body) > LONGEST_ERROR or any(mark in body for mark in (b"<!DOCTYPE", b"<!ENTITY", b"\0")):
        return None
    try:
        root = ET.fromstring(body)
    except (ET.ParseError, ValueError, LookupError):
        return None
    found: dict[str, str] = {}
    for element in root.iter():
        found.setdefault(element.tag.rsplit("}", 1)[-1].lower(), element.text or "")
    return " ".join(filter(None, (found.get("code"), found.get("message"))))


def _object(response: Response) -> Entity:
    if _is_html(response.body[:512].decode("utf-8", "replace").lstrip()):
        raise response.bad(f"the answer ({response.status}) is HTML, not OData.")
    body = response.json()
    if not isinstance(body, dict):
        raise response.bad("the answer is JSON, but no object.")
    return body


def _is_html(start: str) -> bool:
    return start[:200].lower().lstrip("\ufeff").startswith(("<!doctype html", "<html"))
