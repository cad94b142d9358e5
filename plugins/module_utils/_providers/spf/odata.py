# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OData v3 as SPF speaks it: literals, the three formats of answers, and the five of errors."""

from __future__ import annotations

import re
import typing as t
import urllib.parse
import xml.etree.ElementTree as ET

from ..._core.errors import CheckpointError, hidden, one_line
from ..._core.formatting import format_value
from ..._http.error_mapping import error_from
from ..._http.response import MAX_PARTS, Response

ATOM = "{http://www.w3.org/2005/Atom}"
META = "{http://schemas.microsoft.com/ado/2007/08/dataservices/metadata}"
DATA = "{http://schemas.microsoft.com/ado/2007/08/dataservices}"
HEADERS = {
    "Accept": "application/json;odata=minimalmetadata",  # without Accept SPF answers Atom, even to a JSON POST
    "DataServiceVersion": "3.0;NetFx",
    "MaxDataServiceVersion": "3.0;NetFx",
}
JSON_BODY = {"Content-Type": "application/json;odata=minimalmetadata"}
LOCKED = re.compile(r"(?<![\w-])2602(?![\w-])")
"""VMM's error for an object that another job holds (VMM team blog, 2014-12-15); no other number is relied upon."""
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

Entity = dict[str, t.Any]


class Page(t.NamedTuple):
    """Some entities of a set, and where the next ones are (absolute or relative), if the server pages."""

    entities: list[Entity]
    next_link: str | None


def is_guid(text: str) -> bool:
    """Whether `text` is a GUID as OData writes it."""
    return bool(_GUID.fullmatch(text))


def guid(value: str) -> str:
    """A GUID literal; anything else never gets into a URL."""
    if not is_guid(value):
        raise ValueError(f"{value!r} is not a GUID")
    return f"guid'{value.lower()}'"


def text(value: str) -> str:
    """A string literal: quotes doubled, so nothing in it can end it."""
    return "'" + value.replace("'", "''") + "'"


def where(*conditions: str) -> str:
    """`?$filter=` of conditions joined by and, percent-encoded whole."""
    return "?$filter=" + urllib.parse.quote(" and ".join(conditions), safe="'(),-")


def page(response: Response) -> Page:
    """A feed in JSON light, JSON verbose or Atom."""
    if _is_xml(response):
        root = _xml(response)
        if root.tag != f"{ATOM}feed":
            raise response.bad("the answer is XML, but no Atom feed.")
        link = next((e.get("href") for e in root.findall(f"{ATOM}link") if e.get("rel") == "next"), None)
        return Page([_properties(entry) for entry in root.findall(f"{ATOM}entry")], link)
    body = _object(response)
    following = body.get("odata.nextLink")
    if "d" in body:
        inner = body["d"]
        following = inner.get("__next") if isinstance(inner, dict) else None
        entities = inner.get("results") if isinstance(inner, dict) else inner
        entities = [_plain(entity) for entity in entities] if isinstance(entities, list) else entities
    else:
        entities = body.get("value")
    if not isinstance(entities, list) or not all(isinstance(entity, dict) for entity in entities):
        raise response.bad("the answer holds no list of entities.")
    if following is not None and not isinstance(following, str):
        raise response.bad("the answer's next link is no text.")
    return Page(entities, following)


def entity(response: Response) -> Entity:
    """One entity in JSON light, JSON verbose or Atom."""
    if _is_xml(response):
        root = _xml(response)
        if root.tag != f"{ATOM}entry":
            raise response.bad("the answer is XML, but no Atom entry.")
        return _properties(root)
    body = _object(response)
    inner = _plain(body["d"]) if "d" in body else body
    if not isinstance(inner, dict) or "ID" not in inner:
        raise response.bad("the answer holds no entity.")
    return inner


def error(response: Response, *, context: str, sign_in: str = "") -> CheckpointError:
    """What a non-success answer means, in the service's own words."""
    said = said_by(response)
    locked = response.status in (400, 409, 423, 500) and bool(LOCKED.search(said))
    return error_from(response, said, context=context, locked=locked, sign_in=sign_in)


def said_by(response: Response) -> str:
    """The text of an error, whichever layer wrote it: OData light or verbose, Atom, Windows Azure Pack, IIS's HTML."""
    raw = response.body[:65536].decode("utf-8", "replace").strip()
    try:
        if raw.startswith("{"):
            body = _object(response)
            told = body.get("odata.error") or body.get("error")
            message = told.get("message") if isinstance(told, dict) else None
            value = message.get("value") if isinstance(message, dict) else message
            return format_value(value or body.get("Message") or "")
        if raw.startswith("<") and not _is_html(raw):
            found: dict[str, str] = {}
            for element in _xml(response).iter():
                found.setdefault(_local(element).lower(), element.text or "")
            return " ".join(filter(None, (found.get("code"), found.get("message"))))
    except CheckpointError:
        pass
    raw = hidden(raw)  # a secret that holds what looks like a tag would lose it
    # Bounded and without a way back: these look at whatever a server sends.
    title = re.search(r"<title[^<>]{0,200}>([^<]{0,300})</title>", raw, re.I)
    return title[1] if title else one_line(re.sub(r"<[^<>]*>", " ", raw), 300)


def _object(response: Response) -> Entity:
    if _is_html(response.body[:512].decode("utf-8", "replace").lstrip()):
        raise response.bad(f"the answer ({response.status}) is HTML, not OData.")
    body = response.json()
    if not isinstance(body, dict):
        raise response.bad("the answer is JSON, but no object.")
    return body


def _is_html(start: str) -> bool:
    return start[:200].lower().lstrip("\ufeff").startswith(("<!doctype html", "<html"))


def _is_xml(response: Response) -> bool:
    """By its first character: proxies and SPF's layers do not agree on content types."""
    start = response.body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    return start.startswith(b"<") and not _is_html(response.body[:512].decode("utf-8", "replace").lstrip())


def _xml(response: Response) -> ET.Element:
    if b"<!DOCTYPE" in response.body or b"<!ENTITY" in response.body or b"\0" in response.body:
        raise response.bad(
            "the answer is XML with a document type or NUL bytes, which no service sends and no client should read."
        )
    if response.body.count(b"<") + response.body.count(b"=") > MAX_PARTS:
        raise response.bad(f"the answer ({response.status}, {len(response.body)} bytes) is XML of too many parts.")
    try:
        return ET.fromstring(response.body)
    except (ET.ParseError, ValueError, LookupError):
        raise response.bad(f"the answer ({response.status}, {len(response.body)} bytes) is not readable XML.") from None


def _properties(entry: ET.Element) -> Entity:
    properties = entry.find(f"{ATOM}content/{META}properties")
    if properties is None:
        properties = entry.find(f"{META}properties")
    return {} if properties is None else {_local(element): _value(element) for element in properties}


def _value(element: ET.Element, depth: int = 0) -> t.Any:
    """An Atom property as JSON would hold it: null, Boolean, Int32, complex type, collection; the rest is text."""
    if element.get(f"{META}null") == "true" or depth > 8:
        return None
    kind = element.get(f"{META}type") or ""
    if kind.startswith(("Collection(", "Bag(")):
        return [_value(item, depth + 1) for item in element]
    if len(element):
        return {_local(item): _value(item, depth + 1) for item in element}
    content = element.text or ""
    if kind == "Edm.Boolean":
        return content.strip().lower() in ("true", "1")
    if kind in ("Edm.Byte", "Edm.Int16", "Edm.Int32") and re.fullmatch(r"\s*-?\d{1,10}\s*", content):
        return int(content)
    return content


def _plain(value: t.Any) -> t.Any:
    """Verbose JSON as light JSON would have it: no metadata, no links to what was not asked for, collections bare."""
    if not isinstance(value, dict):
        return value
    about = value.get("__metadata")
    kind = about.get("type") if isinstance(about, dict) else None
    if "results" in value and str(kind).startswith(("Collection(", "Bag(")):
        return value["results"]
    told = {name: item for name, item in value.items() if name != "__metadata"}
    return {name: _plain(item) for name, item in told.items() if not (isinstance(item, dict) and "__deferred" in item)}


def _local(element: ET.Element) -> str:
    return element.tag.rsplit("}", 1)[-1]
