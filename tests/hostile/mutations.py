# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a valid answer is made wrong: every place in it, and what is put there. Pure."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

Path = tuple[str | int, ...]
ELSEWHERE = "elsewhere.test"
GUID = "5d1f3a2b-4c5d-4e6f-8a9b-0c1d2e3f4a5b"
CONTROLS = "a\x00b\x1b[2J\r\nc\u2028d\u202ee"
LONG = "x" * 70_000
_REMOVED, _TWICE = object(), object()

# What is put in a field's place, by name.
VALUES: dict[str, Any] = {
    "removed": _REMOVED,
    "twice": _TWICE,
    "null": None,
    "zero": 0,
    "negative": -1,
    "fraction": 1.5,
    "huge": 10**30,
    "digits": 10**3000,
    "infinite": float("inf"),
    "no number": float("nan"),
    "true": True,
    "false": False,
    "empty": "",
    "text": "wrong",
    "long": LONG,
    "slashes": "/" * 70_000,
    "controls": CONTROLS,
    "surrogate": "a\ud800b",
    "quotes": "a'b\"c<d>&e%2F?f#g",
    "guid": GUID,
    "moment": "0001-01-01T00:00:00Z",
    "late": "9999-12-31T23:59:59.9999999-14:00",
    "another origin": f"https://{ELSEWHERE}/x",
    "a host's tail": f".{ELSEWHERE}/x",
    "no scheme": f"//{ELSEWHERE}/x",
    "a user's part": f"@{ELSEWHERE}/x",
    "dots": "/subscriptions/../../../x",
    "list": [],
    "list of null": [None],
    "list of text": ["a"],
    "object": {},
    "object of text": {"value": "a", "id": 7},
    "deep": None,  # made when it is needed: see _value
}
_DEPTH = 900
# Enough where the client can only hand on what it does not know: no word of its source names the field.
FOR_UNREAD = ("removed", "null", "text", "digits", "no number", "surrogate", "deep", "object")
FOR_TEXT = ("empty", "text", "long", "controls", "guid", "moment", "another origin", "a host's tail", "dots", "digits")

# What is put in a header's place; None takes the header away.
HEADERS: dict[str, tuple[str | None, ...]] = {
    "Date": (None, "", "yesterday", "Mon, 01 Jan 0100 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "9" * 400),
    "Retry-After": ("", "-1", "0", "9" * 400, "1.5", "Fri, 31 Dec 9999 23:59:59 GMT", "x" * 9000, "\xff"),
    "x-ms-request-id": (None, "", "x", "\xe9" * 300, GUID, "00000000-0000-0000-0000-000000000000", "../x'y"),
    "x-ms-correlation-request-id": ("\xe9" * 300,),
    "Content-Type": (None, "", "text/html", "application/json; charset=utf-16", "\xff", "x" * 9000),
    "DataServiceVersion": (None, "", "99.0;", "\xff"),
    "ETag": (None, "", 'W/"x"', "\xff\xfe", "x" * 9000),
    "Set-Cookie": ("a=b; Domain=elsewhere.test", "=;;;=", "a=b; expires=Fri, 99 Foo 99999 99:99:99 GMT", "x" * 9000),
    "WWW-Authenticate": ("Negotiate, \xff " + "x" * 9000,),
    "Content-Encoding": ("gzip", "br", "identity, gzip", "x" * 500),
}
LINKS = ("Location", "Azure-AsyncOperation")
ADDRESSES: tuple[str | None, ...] = (
    None,
    "",
    "x",
    "/relative",
    f"https://{ELSEWHERE}/x",
    f"//{ELSEWHERE}/x",
    "http://simulator.test/x",
    "https://simulator.test:8443/x",
    f"https://simulator.test@{ELSEWHERE}/x",
    "https://user:word@simulator.test/x",
    "https://SIMULATOR.test/x",
    "https://simulator.test./x",
    "https://[::1/x",
    "https://simulator.test/\xff x",
    "https://simulator.test/x?" + "y" * 70_000,
    "javascript:x",
)

# What becomes of a whole body.
BODIES: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda _body: b"",
    "half": lambda body: body[: len(body) // 2],
    "twice": lambda body: body + body,
    "HTML": lambda _body: b"<html><head><title>Sign in</title></head><body>" + b"<" * 20_000,
    "no XML": lambda _body: b"<a><b></a>",
    "NUL bytes": lambda body: body.replace(b":", b":\x00", 1) + b"\x00",
    "a BOM": lambda body: b"\xef\xbb\xbf" + body,
    "UTF-16": lambda body: body.decode("utf-8", "replace").encode("utf-16"),
    "no UTF-8": lambda body: body.replace(b"a", b"\xff\xfe"),
    "deep lists": lambda _body: b"[" * 100_000,
    "deep objects": lambda _body: b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep XML": lambda _body: b"<a>" * 100_000 + b"</a>" * 100_000,
    "ten thousand digits": lambda _body: b'{"value": ' + b"9" * 10_000 + b"}",
    "a document type": lambda _body: b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    "null": lambda _body: b"null",
    "a number": lambda _body: b"7",
    "text": lambda _body: b'"text"',
    "a list": lambda _body: b"[]",
    "an object": lambda _body: b"{}",
    "not a number": lambda _body: b"NaN",
}


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Every place in a JSON document; of a list the first and the last element stand for all."""
    if path:
        yield path
    if isinstance(value, dict):
        for name, item in value.items():
            yield from places(item, (*path, name))
    elif isinstance(value, list):
        for index in sorted({0, len(value) - 1} & set(range(len(value)))):
            yield from places(value[index], (*path, index))


def fits(what: str, path: Path) -> bool:
    """Whether that change can be made there."""
    return what != "twice" or isinstance(path[-1], int)


def replaced(document: Any, path: Path, what: str) -> Any:
    """The document with something else at that place; as it is where there is no such place."""
    made = deepcopy(document)
    holder = made
    try:
        for step in path[:-1]:
            holder = holder[step]
        old = holder[path[-1]]
    except (KeyError, IndexError, TypeError):
        return document
    value = _value(what)
    if value is _REMOVED:
        del holder[path[-1]]
    elif value is _TWICE:
        holder.append(old)
    else:
        holder[path[-1]] = value
    return made


def _value(what: str) -> Any:
    if what != "deep":
        return deepcopy(VALUES[what]) if isinstance(VALUES[what], list | dict) else VALUES[what]
    made: Any = "x"
    for _turn in range(_DEPTH):
        made = [made]
    return made


def as_json(document: Any) -> bytes:
    """The bytes; lone surrogates and numbers that JSON has not are written as careless servers write them."""
    return json.dumps(document).encode()


def elements(root: ET.Element) -> Iterator[tuple[int, str]]:
    """The elements of an XML document by number and local name, of each kind the first and the last."""
    by_kind: dict[str, list[int]] = {}
    for number, element in enumerate(root.iter()):
        by_kind.setdefault(element.tag, []).append(number)
    for kind, found in by_kind.items():
        for number in sorted({found[0], found[-1]}):
            yield number, kind.rpartition("}")[2]


def xml_changes(root: ET.Element, number: int, read: bool) -> Iterator[str]:
    """What can be made of one element: its text, its name, each of its attributes, itself; less where nobody reads."""
    element = _numbered(root, number)
    yield from ("renamed", "emptied", "doubled")
    if number:
        yield "gone"
    yield from (f"text {what}" for what in (FOR_TEXT if read else FOR_TEXT[:2]))
    for name in element.attrib if read else ():
        yield from (f"attribute {name} gone", *(f"attribute {name} {what}" for what in FOR_TEXT))


def xml_replaced(root: ET.Element, number: int, what: str) -> bytes:
    """The document with that change made."""
    made = deepcopy(root)
    element = _numbered(made, number)
    holder = next((each for each in made.iter() if element in list(each)), None)
    if what == "renamed":
        element.tag = "{urn:x}wrong"
    elif what == "emptied":
        for child in list(element):
            element.remove(child)
        element.text = None
    elif what == "doubled":
        (element if holder is None else holder).append(deepcopy(element))
    elif what == "gone" and holder is not None:
        holder.remove(element)
    elif what.startswith("text "):
        element.text = _text(what.removeprefix("text "))
    elif what.startswith("attribute "):
        name, _space, value = what.removeprefix("attribute ").partition(" ")
        if value == "gone":
            element.attrib.pop(name, None)
        else:
            element.set(name, _text(value))
    text: bytes = ET.tostring(made, encoding="utf-8")
    return text


def _numbered(root: ET.Element, number: int) -> ET.Element:
    return list(root.iter())[number]


def _text(what: str) -> str:
    """The value as XML can hold it: control characters are no part of it."""
    return "".join(c for c in str(VALUES[what]) if c in "\t\r\n" or ord(c) >= 32)
