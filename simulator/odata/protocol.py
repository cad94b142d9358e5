# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""OData v3, the part both ends must agree on first: formats, versions, keys, bodies and errors."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import Any, Literal
from xml.sax.saxutils import escape

from simulator.wire.exchange import Answer, Call, json_answer

METADATA = "http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"
DATA = "http://schemas.microsoft.com/ado/2007/08/dataservices"
ATOM = "http://www.w3.org/2005/Atom"
APP = "http://www.w3.org/2007/app"
PORTAL = "http://schemas.microsoft.com/windowsazure"

Style = Literal["light", "verbose", "atom"]
Level = Literal["minimalmetadata", "fullmetadata", "nometadata"]
SERVICE_DOCUMENT = "application/atomsvc+xml"
LEVELS: tuple[Level, ...] = ("minimalmetadata", "fullmetadata", "nometadata")


class ODataError(Exception):
    """An error to be shown in the caller's format; `code` stays empty, as WCF Data Services leaves it."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code


@dataclass(frozen=True)
class Format:
    """What the caller wants to read: style and highest protocol version."""

    style: Style
    version: float
    level: Level = "minimalmetadata"  # how much JSON light says beside the members

    @property
    def content_type(self) -> str:
        """The label of an answer in this format; that of JSON light is as dn785087 has it."""
        if self.style == "light":
            return f"application/json; odata={self.level}; streaming=true; charset=utf-8"
        return f"application/{'json;odata=verbose' if self.style == 'verbose' else 'atom+xml'};charset=utf-8"

    @property
    def version_header(self) -> str:
        """Never above what the caller takes: System.Data.Services.Client breaks off otherwise."""
        return f"{min(3.0, self.version):.1f};"


def negotiate(call: Call, *, service_document: bool = False) -> Format:
    """The format from Accept, $format and MaxDataServiceVersion; no Accept means Atom (the Go client met that).

    Only the service document has a media type of its own, which datajs asks for first.
    """
    highest = _version(call.header("maxdataserviceversion"), 3.0)
    if _version(call.header("dataserviceversion"), 1.0) > 3.0:
        raise ODataError(400, "The request includes a DataServiceVersion that is above the maximum supported, '3.0'.")
    wanted = call.query.get("$format") or call.header("accept") or ""
    if not wanted.strip():
        return Format("atom", highest)
    for media in _by_preference(wanted):
        name, _unused, parameters = media.partition(";")
        parameters = parameters.replace(" ", "").lower()
        name = name.strip().lower()
        if name in {"application/json", "json", "verbosejson", "jsonlight"}:
            if "odata=verbose" in parameters or name == "verbosejson" or highest < 3.0:
                if "odata=" in parameters and "odata=verbose" not in parameters:
                    continue  # JSON light is version 3 only
                return Format("verbose", highest)
            return Format("light", highest, next((each for each in LEVELS if each in parameters), LEVELS[0]))
        if name == SERVICE_DOCUMENT and service_document:
            return Format("atom", highest)
        if name in {"*/*", "application/atom+xml", "application/xml", "application/*", "atom", "text/xml"}:
            return Format("atom", highest)
    raise ODataError(415, "Unsupported media type requested.")


def _version(value: str | None, default: float) -> float:
    found = re.match(r"\s*(\d+\.\d+)", value or "")
    return float(found[1]) if found else default


def _by_preference(accept: str) -> list[str]:
    def quality(media: str) -> float:
        found = re.search(r";\s*q=([\d.]+)", media)
        return -float(found[1]) if found else -1.0

    return sorted((media.strip() for media in accept.split(",") if media.strip()), key=quality)


def parse_key(text: str) -> dict[str, str]:
    """`ID=guid'…',StampId=guid'…'` in either order and any case (dasein and the Perl plugin turn it round)."""
    key: dict[str, str] = {}
    for part in text.split(","):
        found = re.fullmatch(
            r"\s*(\w+)\s*=\s*guid'([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})'\s*", part, re.IGNORECASE
        )
        if found is None:
            raise ODataError(400, f"Bad Request - Error in query syntax: {text!r} is no key.")
        key[found[1].lower()] = found[2].lower()
    if set(key) != {"id", "stampid"}:
        raise ODataError(400, "The number of keys specified in the URI does not match number of key properties.")
    return key


def parse_body(call: Call) -> dict[str, Any]:
    """The members in a JSON light, JSON verbose or Atom body, without annotations."""
    content_type = (call.header("content-type") or "").lower()
    if "xml" in content_type:
        return _parse_atom(call.body)
    if content_type and "json" not in content_type:
        raise ODataError(415, f"Unsupported media type: {content_type}")
    try:
        document = call.json() if call.body else {}
    except ValueError as error:
        raise ODataError(400, f"An error occurred while processing this request: {error}") from None
    if isinstance(document, dict) and isinstance(document.get("d"), dict):
        document = document["d"]
    if not isinstance(document, dict):
        raise ODataError(400, "An error occurred while processing this request: the body is not an entity.")
    return {
        name: value for name, value in document.items() if "." not in name and "@" not in name and name != "__metadata"
    }


def _parse_atom(body: bytes) -> dict[str, Any]:
    try:
        root = ET.fromstring(body)
    except ET.ParseError as error:
        raise ODataError(400, f"An error occurred while processing this request: {error}") from None
    found = root.find(f".//{{{METADATA}}}properties")
    values: dict[str, Any] = {}
    for member in found if found is not None else []:
        if member.get(f"{{{METADATA}}}null") == "true":
            values[member.tag.rpartition("}")[2]] = None
        else:
            text = member.text or ""
            boolean = member.get(f"{{{METADATA}}}type") == "Edm.Boolean"
            values[member.tag.rpartition("}")[2]] = text == "true" if boolean else text
    return values


def error_answer(error: ODataError, wanted: Format, *, portal: bool = False) -> Answer:
    """The error in the caller's style; `portal`: the XML of the layer in front of SPF (dasein WAPErrorModel)."""
    if portal:
        text = (
            f'<Error xmlns="{PORTAL}"><Code>{escape(error.code or "BadRequest")}</Code>'
            f"<Message>{escape(error.message)}</Message><Severity>Error</Severity><State>0</State></Error>"
        )
        return Answer(error.status, [("Content-Type", "application/xml; charset=utf-8")], text.encode())
    content = {"code": error.code, "message": {"lang": "en-US", "value": error.message}}
    if wanted.style == "atom":
        text = (
            f'<?xml version="1.0" encoding="utf-8"?><m:error xmlns:m="{METADATA}"><m:code>{escape(error.code)}</m:code>'
            f'<m:message xml:lang="en-US">{escape(error.message)}</m:message></m:error>'
        )
        return Answer(error.status, [("Content-Type", "application/xml;charset=utf-8")], text.encode())
    name = "odata.error" if wanted.style == "light" else "error"
    return json_answer(error.status, {name: content}, content_type=wanted.content_type)


def dumps(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
