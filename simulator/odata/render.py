# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entities and lists as OData v3 writes them: JSON light, JSON verbose, Atom."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from simulator.odata.atom import entry, feed
from simulator.odata.edm import EntityType
from simulator.odata.protocol import CONTENT_TYPES, Format, dumps
from simulator.odata.query import Entity
from simulator.wire.exchange import Answer

INLINE = "__inline"  # entity member that holds the expanded navigations: name -> (type, entities)


def key_of(kind: EntityType, entity: Entity) -> str:
    return f"{kind.entity_set}(ID=guid'{entity['ID']}',StampId=guid'{entity['StampId']}')"


def one(
    style: Format, base: str, kind: EntityType, entity: Entity, select: list[str] | None, status: int = 200
) -> Answer:
    """A single entity."""
    if style.style == "light":
        document = light_entity(entity, select)
        if style.metadata:
            chosen = f"&$select={','.join(select)}" if select else ""
            document = {"odata.metadata": f"{base}$metadata#{kind.entity_set}/@Element{chosen}", **document}
        return _answer(style, status, dumps(document))
    if style.style == "verbose":
        return _answer(style, status, dumps({"d": verbose_entity(style, base, kind, entity, select)}))
    text = entry(base, kind, entity, select, style.version)
    return _answer(style, status, text.encode(), "application/atom+xml;type=entry;charset=utf-8")


def many(
    style: Format, base: str, kind: EntityType, entities: list[Entity], select: list[str] | None, next_link: str | None
) -> Answer:
    """A list, with the link to its next page if there is one."""
    if style.style == "light":
        chosen = f"&$select={','.join(select)}" if select else ""
        document: dict[str, Any] = {}
        if style.metadata:
            document["odata.metadata"] = f"{base}$metadata#{kind.entity_set}{chosen}"
        document["value"] = [light_entity(entity, select) for entity in entities]
        if next_link:
            document["odata.nextLink"] = next_link
        return _answer(style, 200, dumps(document))
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


def _answer(style: Format, status: int, body: bytes, content_type: str | None = None) -> Answer:
    headers = [("Content-Type", content_type or CONTENT_TYPES[style.style])]
    return Answer(status, [*headers, ("DataServiceVersion", style.version_header)], body)


def _chosen(entity: Entity, select: list[str] | None) -> dict[str, Any]:
    return {name: value for name, value in entity.items() if name != INLINE and (select is None or name in select)}


def light_entity(entity: Entity, select: list[str] | None) -> dict[str, Any]:
    """Members only; expanded navigations are arrays, or an entity or null."""
    document = _chosen(entity, select)
    for name, (_unused, inline, single) in entity.get(INLINE, {}).items():
        shown = [light_entity(each, None) for each in inline]
        document[name] = (shown[0] if shown else None) if single else shown
    return document


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
