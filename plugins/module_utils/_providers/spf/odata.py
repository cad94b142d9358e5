# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""OData v3 as SPF speaks it: literals, entities in JSON light, and errors of every layer in front of it."""

from __future__ import annotations

import json
import re
import typing as t
import urllib.parse

from ..._core.errors import CheckpointError
from ..._core.formatting import format_value, one_line
from ..._core.redaction import redact_start
from ..._core.spec import is_guid
from ..._http.error_mapping import error_from, inner_words
from ..._http.lock_words import says_locked
from ..._http.response import Response

HEADERS = {
    "Accept": "application/json;odata=minimalmetadata",  # without Accept SPF answers Atom, even to a JSON POST
    "DataServiceVersion": "3.0;NetFx",
    "MaxDataServiceVersion": "3.0;NetFx",
}
JSON_BODY = {"Content-Type": "application/json;odata=minimalmetadata"}
_HTML = re.compile(r"\ufeff*<(?:!doctype )?html", re.I)
LONGEST_ERROR = 65536
"""How much of an error's body is looked at where it is no JSON."""

_NO_WHOLE_PAGE = ("odata.error", "error", "@odata.nextLink", "__next")
"""What a page of OData v3 in JSON light never has: errors that came too late for the status, other versions' links."""
_OWN_XML = (
    "http://schemas.microsoft.com/ado/2007/08/dataservices/metadata",
    "http://schemas.microsoft.com/windowsazure",
)
"""The namespaces of OData v3's errors, and of those of Windows Azure Pack."""
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
    if said := [name for name in _NO_WHOLE_PAGE if body.get(name)]:
        raise response.odd(f"the answer holds {said[0]} beside its entities, so it is not all of them.")
    entities, following = body.get("value"), body.get("odata.nextLink")
    if not isinstance(entities, list) or not all(isinstance(entity, dict) for entity in entities):
        raise response.odd("the answer holds no list of entities.")
    if following is not None and not isinstance(following, str):
        raise response.odd("the answer's next link is no text.")
    return Page(entities, following)


def entity(response: Response) -> Entity:
    """One entity in JSON light."""
    body = _object(response)
    if "ID" not in body:
        raise response.odd("the answer holds no entity.")
    return body


def made_id(response: Response) -> str | None:
    """The id of what a POST has made: 201 holds the new entity (dn785087). None where the answer does not tell it."""
    try:
        found = _object(response).get("ID") if response.status == 201 else None
    except CheckpointError:
        return None
    return found.lower() if isinstance(found, str) and is_guid(found) and found.strip("0-") else None


def error(response: Response, *, context: str, sign_in: str = "", names: t.Collection[str] = ()) -> CheckpointError:
    """The error for a response that is not a success, with the service's own text; that may quote one of `names`."""
    code, said = _read(response)
    codes = [] if code == str(response.status) else [code]  # a status that is repeated is no number of VMM's
    locked = response.status == 423 or (response.status in (400, 409, 500) and says_locked(said, names, codes))
    return error_from(response, said, context=context, locked=locked, sign_in=sign_in)


def said_by(response: Response) -> str:
    """The text of an error, whichever layer wrote it: OData in JSON or XML, Windows Azure Pack, IIS's HTML."""
    return _read(response)[1]


def _read(response: Response) -> tuple[str, str]:
    """The code of an error, where it has one, and its text."""
    start = _start(response)
    if (said := _json_error(response)) is not None:
        return said
    if start.startswith("<") and not _is_html(start) and (said := _xml_error(response, start)) is not None:
        return said
    # Before the tags go: a secret that holds what looks like one would lose it.
    text = redact_start(start, LONGEST_ERROR)
    # Bounded and without backtracking: these look at whatever a server sends.
    title = re.search(r"<title[^<>]{0,200}>([^<]{0,300})</title>", text, re.I)
    return "", title[1] if title else one_line(re.sub(r"<[^<>]*>", " ", text), 300)


def is_own_error(response: Response) -> bool:
    """Whether an error is the service's own: OData v3 or Windows Azure Pack, in JSON or XML, and in their own form.

    Gateways write errors in JSON and XML, too.
    """
    start = _start(response)
    if start.startswith("{"):
        try:
            body = _object(response)
        except CheckpointError:
            return False
        verbose = body.get("error")
        return "odata.error" in body or (isinstance(verbose, dict) and isinstance(verbose.get("message"), dict))
    return any(name in start[:1024] for name in _OWN_XML) and bool(_xml_error(response, start))


def _start(response: Response) -> str:
    part = response.body[: 16 * LONGEST_ERROR]
    return part.decode(json.detect_encoding(part), "replace").strip("\ufeff \t\r\n")


def _json_error(response: Response) -> tuple[str, str] | None:
    try:
        body = _object(response)
    except CheckpointError:
        return None
    error = body.get("odata.error") or body.get("error")
    message = error.get("message") if isinstance(error, dict) else None
    value = message.get("value") if isinstance(message, dict) else message
    inner = error.get("innererror") or error.get("internalexception") if isinstance(error, dict) else None
    code = error.get("code") if isinstance(error, dict) else body.get("Code")
    said = "; ".join(filter(None, (format_value(value or body.get("Message") or ""), inner_words(inner))))
    return format_value(code or ""), said


def _xml_error(response: Response, text: str) -> tuple[str, str] | None:
    """The code, and it with the message; None for what should not be parsed: too long, with a document type, no XML."""
    if len(response.body) > LONGEST_ERROR or any(mark in text for mark in ("<!DOCTYPE", "<!ENTITY", "\0")):
        return None
    import xml.etree.ElementTree as ET  # errors alone are XML

    try:
        # Decoded already: what the declaration says of the encoding no longer holds.
        root = ET.fromstring(re.sub(r"^<\?xml[^>]{0,200}\?>", "", text).encode())
    except (ET.ParseError, ValueError, LookupError):
        return None
    found: dict[str, list[str]] = {"code": [], "message": []}
    for element in root.iter():
        found.get(element.tag.rpartition("}")[2].lower(), []).append((element.text or "").strip())
    # The outer message, and those of inner errors, which often hold the reason.
    outer = " ".join(filter(None, (*found["code"][:1], *found["message"][:1])))
    inner = one_line("; ".join(dict.fromkeys(filter(None, found["message"][1:6]))), 600)
    said = "; ".join(filter(None, (outer, inner)))
    return ("".join(found["code"][:1]), said) if said else None


def _object(response: Response) -> Entity:
    if _is_html(response.body[:512].decode("utf-8", "replace").lstrip()):
        raise response.odd(f"the answer ({response.status}) is HTML, not OData.")
    body = response.json()
    if not isinstance(body, dict):
        raise response.odd("the answer is JSON, but no object.")
    return body


def _is_html(start: str) -> bool:
    return _HTML.match(start) is not None
