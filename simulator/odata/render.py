# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entities and lists as OData v3 writes them: JSON light, JSON verbose, Atom."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from simulator.odata.atom import entry, feed, service_document
from simulator.odata.edm import EntityType
from simulator.odata.light import light_many, light_one, light_sets
from simulator.odata.protocol import SERVICE_DOCUMENT, Format, dumps
from simulator.odata.query import INLINE, Entity, key_of
from simulator.wire.exchange import Answer


def one(
    style: Format, base: str, kind: EntityType, entity: Entity, select: list[str] | None, status: int = 200
) -> Answer:
    """A single entity."""
    if style.style == "light":
        return _answer(style, status, dumps(light_one(style, base, kind, entity, select)))
    if style.style == "verbose":
        return _answer(style, status, dumps({"d": verbose_entity(style, base, kind, entity, select)}))
    text = entry(base, kind, entity, select, style.version)
    return _answer(style, status, text.encode(), "application/atom+xml;type=entry;charset=utf-8")


def many(
    style: Format, base: str, kind: EntityType, entities: list[Entity], select: list[str] | None, next_link: str | None
) -> Answer:
    """A list, with the link to its next page if there is one."""
    if style.style == "light":
        return _answer(style, 200, dumps(light_many(style, base, kind, entities, select, next_link)))
    if style.style == "verbose":
        results = [verbose_entity(style, base, kind, entity, select) for entity in entities]
        if style.version < 2.0:
            return _answer(style, 200, dumps({"d": results}))
        inner: dict[str, Any] = {"results": results}
        if next_link:
            inner["__next"] = next_link
        return _answer(style, 200, dumps({"d": inner}))
    text = feed(base, kind, entities, select, style.version, next_link)
    return _answer(style, 200, text.encode(), "application/atom+xml;type=feed;charset=utf-8")


def sets(style: Format, base: str, names: list[str]) -> Answer:
    """The service document: which entity sets there are."""
    if style.style == "light":
        return _answer(style, 200, dumps(light_sets(style, base, names)))
    if style.style == "verbose":
        return _answer(style, 200, dumps({"d": {"EntitySets": names}}))
    return _answer(style, 200, service_document(base, names).encode(), f"{SERVICE_DOCUMENT};charset=utf-8")


def _answer(style: Format, status: int, body: bytes, content_type: str | None = None) -> Answer:
    headers = [("Content-Type", content_type or style.content_type)]
    return Answer(status, [*headers, ("DataServiceVersion", style.version_header)], body)


def _chosen(entity: Entity, select: list[str] | None) -> dict[str, Any]:
    return {name: value for name, value in entity.items() if name != INLINE and (select is None or name in select)}


def verbose_entity(
    style: Format, base: str, kind: EntityType, entity: Entity, select: list[str] | None
) -> dict[str, Any]:
    """The form datajs reads: __metadata, deferred navigations, and before version 3 dates as /Date(ms)/."""
    uri = base + key_of(kind, entity)
    document: dict[str, Any] = {"__metadata": {"id": uri, "uri": uri, "type": f"VMM.{kind.name}"}}
    for name, value in _chosen(entity, select).items():
        if "@" in name:
            continue
        edm_type = kind.properties.get(name, "Edm.String")
        if edm_type.startswith("Collection("):
            value = {"__metadata": {"type": edm_type}, "results": value}
        elif edm_type == "Edm.DateTime" and isinstance(value, str) and style.version < 3.0:
            value = f"/Date({_milliseconds(value)})/"
        document[name] = value
    inlined = entity.get(INLINE, {})
    for name in kind.navigation if select is None else ():
        if name not in inlined:
            document[name] = {"__deferred": {"uri": f"{uri}/{name}"}}
    for name, (target, inline, single) in inlined.items():
        shown = [verbose_entity(style, base, target, each, None) for each in inline]
        if single:
            document[name] = shown[0] if shown else None
        else:
            document[name] = shown if style.version < 2.0 else {"results": shown}
    return document


def _milliseconds(text: str) -> int:
    trimmed = re.sub(r"(\.\d{6})\d+", r"\1", text)
    return int(datetime.fromisoformat(trimmed).timestamp() * 1000)
