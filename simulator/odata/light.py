# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON light of OData v3, at its three levels of metadata (OData JSON Format 3.0, section 4)."""

from __future__ import annotations

from typing import Any

from simulator.odata.edm import COMPLEX, EntityType
from simulator.odata.protocol import Format
from simulator.odata.query import INLINE, Entity, key_of

# JSON itself tells these apart, so that full metadata does not name them.
TYPED_BY_JSON = frozenset({"Edm.String", "Edm.Boolean", "Edm.Int32"})


def light_one(wanted: Format, base: str, kind: EntityType, entity: Entity, select: list[str] | None) -> dict[str, Any]:
    """A document with one entity."""
    document = light_entity(wanted, base, kind, entity, select)
    return _under(wanted, f"{base}$metadata#{kind.entity_set}/@Element", select, document)


def light_many(
    wanted: Format,
    base: str,
    kind: EntityType,
    entities: list[Entity],
    select: list[str] | None,
    next_link: str | None,
) -> dict[str, Any]:
    """A document with a list; the link to the next page is the one annotation that no level leaves out."""
    document: dict[str, Any] = {"value": [light_entity(wanted, base, kind, each, select) for each in entities]}
    if next_link:
        document["odata.nextLink"] = next_link
    return _under(wanted, f"{base}$metadata#{kind.entity_set}", select, document)


def light_sets(wanted: Format, base: str, names: list[str]) -> dict[str, Any]:
    """The service document."""
    return _under(wanted, f"{base}$metadata", None, {"value": [{"name": name, "url": name} for name in names]})


def light_entity(
    wanted: Format, base: str, kind: EntityType, entity: Entity, select: list[str] | None
) -> dict[str, Any]:
    """Members, and what the level says of them; expanded navigations are arrays, or an entity or null."""
    document: dict[str, Any] = {}
    if wanted.level == "fullmetadata":
        document |= {
            "odata.type": f"VMM.{kind.name}",
            "odata.id": base + key_of(kind, entity),
            "odata.editLink": key_of(kind, entity),
        }
        for name in kind.navigation if select is None else ():
            document[f"{name}@odata.navigationLinkUrl"] = f"{key_of(kind, entity)}/{name}"
            document[f"{name}@odata.associationLinkUrl"] = f"{key_of(kind, entity)}/$links/{name}"
    for name, value in entity.items():
        if name == INLINE or (select is not None and name not in select):
            continue
        if "@" in name:  # an annotation
            document |= {name: value} if wanted.level != "nometadata" else {}
        elif wanted.level == "fullmetadata":
            document |= _typed(name, kind.properties.get(name, "Edm.String"), value)
        else:
            document[name] = value
    for name, (target, inline, single) in entity.get(INLINE, {}).items():
        shown = [light_entity(wanted, base, target, each, None) for each in inline]
        document[name] = (shown[0] if shown else None) if single else shown
    return document


def _typed(name: str, edm_type: str, value: Any) -> dict[str, Any]:
    """The member with its type beside it, or inside it where it is an object."""
    if isinstance(value, dict):
        return {name: _complex(edm_type, value)}
    if edm_type.startswith("Collection("):
        return {f"{name}@odata.type": edm_type, name: [_complex(edm_type[11:-1], each) for each in value]}
    if value is None or edm_type in TYPED_BY_JSON:
        return {name: value}
    return {f"{name}@odata.type": edm_type, name: value}


def _complex(edm_type: str, value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    types = COMPLEX.get(edm_type, {})
    document: dict[str, Any] = {"odata.type": edm_type}
    for name, each in value.items():
        document |= _typed(name, types.get(name, "Edm.String"), each)
    return document


def _under(wanted: Format, address: str, select: list[str] | None, document: dict[str, Any]) -> dict[str, Any]:
    if wanted.level == "nometadata":
        return document
    return {"odata.metadata": address + (f"&$select={','.join(select)}" if select else ""), **document}
