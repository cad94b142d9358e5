# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Atom entries and feeds as WCF Data Services writes them (seen in a capture of 2019: a JSON POST without Accept)."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape, quoteattr

from simulator.odata.edm import COMPLEX, SETS, EntityType
from simulator.odata.protocol import APP, ATOM, DATA, METADATA
from simulator.odata.query import INLINE, Entity, key_of

RELATED = "http://schemas.microsoft.com/ado/2007/08/dataservices/related/"
SCHEME = "http://schemas.microsoft.com/ado/2007/08/dataservices/scheme"


def entry(base: str, kind: EntityType, entity: Entity, select: list[str] | None, version: float) -> str:
    """A whole document with one entry."""
    return '<?xml version="1.0" encoding="utf-8"?>' + _entry(base, kind, entity, select, version, root=True)


def feed(
    base: str, kind: EntityType, entities: list[Entity], select: list[str] | None, version: float, next_link: str | None
) -> str:
    """A whole document with one feed."""
    return '<?xml version="1.0" encoding="utf-8"?>' + _feed(base, kind, entities, select, version, next_link, root=True)


def _spaces(base: str) -> str:
    return f' xml:base={quoteattr(base)} xmlns="{ATOM}" xmlns:d="{DATA}" xmlns:m="{METADATA}"'


def _feed(
    base: str,
    kind: EntityType,
    entities: list[Entity],
    select: list[str] | None,
    version: float,
    next_link: str | None = None,
    root: bool = False,
) -> str:
    parts = [
        f"<feed{_spaces(base) if root else ''}>",
        f"<id>{escape(base + kind.entity_set)}</id>",
        f'<title type="text">{kind.entity_set}</title>',
        f"<updated>{_updated(entities[0] if entities else {})}</updated>",
        f'<link rel="self" title="{kind.entity_set}" href="{kind.entity_set}" />',
        *(_entry(base, kind, each, select, version) for each in entities),
    ]
    if next_link:
        parts.append(f'<link rel="next" href={quoteattr(next_link)} />')
    return "".join([*parts, "</feed>"])


def _entry(
    base: str, kind: EntityType, entity: Entity, select: list[str] | None, version: float, root: bool = False
) -> str:
    key = key_of(kind, entity)
    parts = [
        f"<entry{_spaces(base) if root else ''}>",
        f"<id>{escape(base + key)}</id>",
        f'<category term="VMM.{kind.name}" scheme="{SCHEME}" />',
        f'<link rel="edit" title="{kind.name}" href="{key}" />',
    ]
    inlined = entity.get(INLINE, {})
    for name in kind.navigation:
        shape = "feed" if name in kind.collections else "entry"
        parts.append(
            f'<link rel="{RELATED}{name}" type="application/atom+xml;type={shape}" title="{name}" href="{key}/{name}"'
        )
        if name in inlined:
            target, entities, single = inlined[name]
            if single:
                inner = _entry(base, target, entities[0], None, version) if entities else ""
            else:
                inner = _feed(base, target, entities, None, version)
            parts.append(f"><m:inline>{inner}</m:inline></link>")
        else:
            parts.append(" />")
    parts.append(f"<title /><updated>{_updated(entity)}</updated><author><name /></author>")
    if version >= 3.0:  # actions came with version 3; every entry of the capture has this one
        parts.append(
            f'<m:action metadata="{escape(base)}$metadata#VMM.Expand" title="Expand"'
            f' target="{escape(base)}{key}/Expand" />'
        )
    parts.append('<content type="application/xml"><m:properties>')
    for name, value in entity.items():
        if name == INLINE or "@" in name or (select is not None and name not in select):
            continue
        parts.append(_member(name, kind.properties.get(name, "Edm.String"), value))
    parts.append("</m:properties></content></entry>")
    return "".join(parts)


def _member(name: str, edm_type: str, value: Any) -> str:
    shown_type = "" if edm_type == "Edm.String" else f' m:type="{edm_type}"'
    if value is None:
        return f'<d:{name}{shown_type} m:null="true" />'
    if edm_type.startswith("Collection("):
        inner = "".join(f"<d:element>{_complex(edm_type[11:-1], each)}</d:element>" for each in value)
        return f"<d:{name}{shown_type}>{inner}</d:{name}>"
    if isinstance(value, dict):
        return f"<d:{name}{shown_type}>{_complex(edm_type, value)}</d:{name}>"
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    return f"<d:{name}{shown_type}>{escape(text)}</d:{name}>"


def _complex(edm_type: str, value: dict[str, Any]) -> str:
    types = COMPLEX.get(edm_type, {})
    return "".join(_member(name, types.get(name, "Edm.String"), each) for name, each in value.items())


def _updated(entity: Entity) -> str:
    return str(entity.get("ModifiedTime") or entity.get("StartTime") or "1970-01-01T00:00:00Z")


def service_document(base: str, names: list[str]) -> str:
    """The entity sets as an AtomPub workspace (RFC 5023, OData Atom Format 3.0 section 5)."""
    collections = "".join(f'<collection href="{name}"><atom:title>{name}</atom:title></collection>' for name in names)
    return (
        f'<?xml version="1.0" encoding="utf-8"?><service xml:base={quoteattr(base)} xmlns="{APP}" xmlns:atom="{ATOM}">'
        f"<workspace><atom:title>Default</atom:title>{collections}</workspace></service>"
    )


def metadata_document() -> str:
    """$metadata: the types of `simulator.edm`; container and association names are inferred."""
    parts = [
        '<?xml version="1.0" encoding="utf-8"?>'
        '<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx">'
        f'<edmx:DataServices m:DataServiceVersion="3.0" m:MaxDataServiceVersion="3.0" xmlns:m="{METADATA}">'
        '<Schema Namespace="VMM" xmlns="http://schemas.microsoft.com/ado/2009/11/edm">'
    ]
    associations: list[str] = []
    sets: list[str] = []
    for kind in SETS.values():
        sets.append(f'<EntitySet Name="{kind.entity_set}" EntityType="VMM.{kind.name}" />')
        parts.append(
            f'<EntityType Name="{kind.name}"><Key><PropertyRef Name="ID" /><PropertyRef Name="StampId" /></Key>'
        )
        for name, edm_type in kind.properties.items():
            nullable = ' Nullable="false"' if name in {"ID", "StampId"} or edm_type.startswith("Collection(") else ""
            parts.append(f'<Property Name="{name}" Type="{edm_type}"{nullable} />')
        for name, target in kind.navigation.items():
            relation = f"{kind.name}_{name}"
            parts.append(
                f'<NavigationProperty Name="{name}" Relationship="VMM.{relation}" FromRole="{kind.name}"'
                f' ToRole="{name}" />'
            )
            many = "*" if name in kind.collections else "0..1"
            target_type = SETS[target.lower()].name
            associations.append(
                f'<Association Name="{relation}"><End Role="{kind.name}" Type="VMM.{kind.name}" Multiplicity="*" />'
                f'<End Role="{name}" Type="VMM.{target_type}" Multiplicity="{many}" /></Association>'
            )
            sets.append(
                f'<AssociationSet Name="{relation}" Association="VMM.{relation}">'
                f'<End Role="{kind.name}" EntitySet="{kind.entity_set}" /><End Role="{name}" EntitySet="{target}" />'
                "</AssociationSet>"
            )
        parts.append("</EntityType>")
    for name, members in COMPLEX.items():
        properties = "".join(f'<Property Name="{member}" Type="{kind}" />' for member, kind in members.items())
        parts.append(f'<ComplexType Name="{name.removeprefix("VMM.")}">{properties}</ComplexType>')
    parts.extend(associations)
    parts.append(f'<EntityContainer Name="VMM" m:IsDefaultEntityContainer="true">{"".join(sets)}</EntityContainer>')
    return "".join([*parts, "</Schema></edmx:DataServices></edmx:Edmx>"])
