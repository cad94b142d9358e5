# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""OData query options: the filters working clients send, $select, $top, $expand and the paging token."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from simulator.odata.edm import EntityType
from simulator.odata.protocol import ODataError

Entity = dict[str, Any]
Equal = dict[str, object]
INLINE = "__inline"  # entity member that holds the expanded navigations: name -> (type, entities, whether single)
SUPPORTED = frozenset({"$filter", "$select", "$top", "$expand", "$format", "$skiptoken"})
_TOKEN = re.compile(
    r"\s*(?:(?P<guid>guid'[^']*')|(?P<date>datetime'[^']*')|(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?L?)"
    r"|(?P<word>[A-Za-z_]\w*)|(?P<mark>[()]))",
    re.IGNORECASE,
)


@dataclass
class Query:
    """The options of one request, checked against its entity type."""

    either: list[Equal]  # what $filter asks for: any of these; the grammar knows nothing but eq, and, or
    select: list[str] | None = None
    top: int | None = None
    expand: list[str] = field(default_factory=list)
    skip_token: int = 0

    @property
    def equal(self) -> Equal:
        """What every match must have; nothing where there are alternatives."""
        return self.either[0] if len(self.either) == 1 else {}

    def matches(self, entity: Entity) -> bool:
        return any(all(comparable(entity.get(name)) == value for name, value in equal.items()) for equal in self.either)

    @classmethod
    def parse(cls, options: dict[str, str], kind: EntityType) -> Query:
        """ODataError for what the simulator does not do: what SPF does with it is unknown (docs/services.md)."""
        for name in options:
            if name.startswith("$") and name not in SUPPORTED:
                raise ODataError(400, f"The query option '{name}' is not supported by this simulator.")
        expand = [_member(name, dict.fromkeys(kind.navigation, ""), kind) for name in _names(options.get("$expand"))]
        select = [name for name in _names(options.get("$select")) if name not in expand]
        if "*" in select:
            select = []
        return cls(
            either=parse_filter(options.get("$filter", ""), kind),
            select=[_member(name, kind.properties, kind) for name in select] or None,
            top=_count(options.get("$top")),
            expand=expand,
            skip_token=_count(options.get("$skiptoken")) or 0,
        )


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def _count(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdigit():
        raise ODataError(400, f"Incorrect format for a count: '{text}'.")
    return int(text)


def _member(name: str, members: dict[str, str], kind: EntityType) -> str:
    if name not in members:
        raise ODataError(400, f"No property '{name}' exists in type 'VMM.{kind.name}'.")
    return name


def parse_filter(text: str, kind: EntityType) -> list[Equal]:
    """`A eq guid'…' and B eq 'it''s'`, with or without parentheses, joined by `or`; ODataError for anything else."""
    if not text.strip():
        return [{}]
    equal, rest = _conjunction(_tokens(text), kind)
    either = [equal]
    while rest and rest[0] == ("word", "or"):
        equal, rest = _conjunction(rest[1:], kind)
        either.append(equal)
    if rest:
        raise ODataError(400, f"Syntax error in filter at '{rest[0][1]}'.")
    return either


Token = tuple[str, str]


def _tokens(text: str) -> list[Token]:
    tokens: list[Token] = []
    position = 0
    text = text.rstrip()
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None or found.lastgroup is None:
            raise ODataError(400, f"Syntax error at position {position} in '{text}'.")
        tokens.append((found.lastgroup, found[found.lastgroup]))
        position = found.end()
    return tokens


def _conjunction(tokens: list[Token], kind: EntityType) -> tuple[Equal, list[Token]]:
    equal, rest = _comparison(tokens, kind)
    while rest and rest[0] == ("word", "and"):
        more, rest = _comparison(rest[1:], kind)
        if any(name in equal and equal[name] != value for name, value in more.items()):
            raise ODataError(400, "This simulator compares each member once.")
        equal = {**equal, **more}
    return equal, rest


def _comparison(tokens: list[Token], kind: EntityType) -> tuple[Equal, list[Token]]:
    if tokens and tokens[0] == ("mark", "("):
        equal, rest = _conjunction(tokens[1:], kind)
        if not rest or rest[0] != ("mark", ")"):
            raise ODataError(400, "')' or operator expected in filter.")
        return equal, rest[1:]
    if len(tokens) < 3 or tokens[0][0] != "word" or tokens[1] != ("word", "eq"):
        shown = " ".join(text for _unused, text in tokens[:3])
        raise ODataError(400, f"This simulator filters by 'eq' joined by 'and' and 'or' only, not by '{shown}'.")
    name = _member(tokens[0][1], kind.properties, kind)
    return {name: _literal(tokens[2], kind.properties[name], name)}, tokens[3:]


def _literal(token: Token, edm_type: str, name: str) -> object:
    group, text = token
    if text == "null":
        return None
    if group == "guid" and edm_type == "Edm.Guid":
        return text[5:-1].lower()
    if group == "text" and edm_type == "Edm.String":
        return text[1:-1].replace("''", "'").lower()
    if group == "number" and edm_type.startswith("Edm.Int"):
        return text.rstrip("Ll")
    if text in {"true", "false"} and edm_type == "Edm.Boolean":
        return text == "true"
    raise ODataError(400, f"Operator 'eq' incompatible with operand types '{edm_type}' and '{text}' ({name}).")


def comparable(value: object) -> object:
    """Names compare without case, as SQL Server and PowerShell do; the wire says nothing else ([I])."""
    if isinstance(value, bool) or value is None:
        return value
    return str(value).lower()


def key_of(kind: EntityType, entity: Entity) -> str:
    """The last segment of an entity's URL; every key here is (ID, StampId)."""
    return f"{kind.entity_set}(ID=guid'{entity['ID']}',StampId=guid'{entity['StampId']}')"
