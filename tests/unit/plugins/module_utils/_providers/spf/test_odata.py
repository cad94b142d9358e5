# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OData as SPF speaks it: literals, and entities in JSON light, JSON verbose and Atom."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import BadResponse
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf import odata
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import answer

GUID = "831E819F-0000-4000-8000-000000000001"
NAMESPACES = (
    'xmlns="http://www.w3.org/2005/Atom" xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices" '
    'xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"'
)
PROPERTIES = (
    "<m:properties><d:ID>1</d:ID><d:Name>web &amp; db</d:Name><d:CheckpointID m:null='true'/>"
    "<d:Enabled m:type='Edm.Boolean'>true</d:Enabled><d:Count m:type='Edm.Int32'>42</d:Count>"
    "<d:Big m:type='Edm.Int64'>42</d:Big><d:Odd m:type='Edm.Int32'>many</d:Odd>"
    "<d:ErrorInfo m:type='VMM.ErrorInfo'><d:Problem>none</d:Problem></d:ErrorInfo>"
    "<d:Messages m:type='Collection(VMM.ErrorInfo)'><d:element><d:Code>7</d:Code></d:element></d:Messages>"
    "<d:Empty/></m:properties>"
)
VALUES: dict[str, Any] = {
    "ID": "1",
    "Name": "web & db",
    "CheckpointID": None,
    "Enabled": True,
    "Count": 42,
    "Big": "42",
    "Odd": "many",
    "ErrorInfo": {"Problem": "none"},
    "Messages": [{"Code": "7"}],
    "Empty": "",
}


def feed(*entries: str, following: str = "") -> str:
    link = f"<link rel='self' href='x'/><link rel='next' href='{following}'/>" if following else ""
    inner = "".join(f"<entry><content>{entry}</content></entry>" for entry in entries)
    return f"<?xml version='1.0' encoding='utf-8'?><feed {NAMESPACES}>{link}{inner}</feed>"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"value": [{"ID": "1"}, {"ID": "2"}]}, ([{"ID": "1"}, {"ID": "2"}], None)),
        ({"value": []}, ([], None)),
        ({"value": [{"ID": "1"}], "odata.nextLink": "VMs?$skiptoken=1"}, ([{"ID": "1"}], "VMs?$skiptoken=1")),
        ({"d": {"results": [{"ID": "1"}], "__next": "https://h/2"}}, ([{"ID": "1"}], "https://h/2")),
        ({"d": {"results": []}}, ([], None)),
        ({"d": [{"ID": "1"}]}, ([{"ID": "1"}], None)),
        (feed(), ([], None)),
        (feed(PROPERTIES, PROPERTIES), ([VALUES, VALUES], None)),
        (feed(PROPERTIES, following="VMs?p=2&amp;q=3"), ([VALUES], "VMs?p=2&q=3")),
        (feed(""), ([{}], None)),
        ("\ufeff\r\n" + feed(PROPERTIES)[38:], ([VALUES], None)),
    ],
)
def test_a_page_is_read_in_each_format(body: Any, expected: tuple[list[Any], str | None]) -> None:
    assert tuple(odata.page(answer(200, body))) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"odata.metadata": "x", "ID": "1"}, {"odata.metadata": "x", "ID": "1"}),
        ({"d": {"ID": "1"}}, {"ID": "1"}),
        (f"<entry {NAMESPACES}><content>{PROPERTIES}</content></entry>", VALUES),
        (f"<entry {NAMESPACES}>{PROPERTIES}</entry>", VALUES),
    ],
)
def test_an_entity_is_read_in_each_format(body: Any, expected: dict[str, Any]) -> None:
    assert odata.entity(answer(201, body)) == expected


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"value": {}}, "holds no list of entities"),
        ({"value": ["1"]}, "holds no list of entities"),
        ({"value": None}, "holds no list of entities"),
        ({}, "holds no list of entities"),
        ({"d": "x"}, "holds no list of entities"),
        ({"d": {}}, "holds no list of entities"),
        ({"value": [], "odata.nextLink": {"href": "x"}}, "next link is no text"),
        ({"d": {"results": [], "__next": 7}}, "next link is no text"),
        ([], "is JSON, but no object"),
        ("null", "is JSON, but no object"),
        ("", "0 bytes) is not readable JSON"),
        ('{"value": [', "is not readable JSON"),
        ("{" * 50_000, "is not readable JSON"),
        ("<!DOCTYPE html><html></html>", "the answer (200) is HTML, not OData"),
        ("  <HTML><body>proxy</body></HTML>", "the answer (200) is HTML, not OData"),
        ("\ufeff<html>", "the answer (200) is HTML, not OData"),
        (f"<entry {NAMESPACES}/>", "is XML, but no Atom feed"),
        ("<feed>", "bytes) is not readable XML"),
        ("<?xml version='1.0' encoding='none'?><feed/>", "bytes) is not readable XML"),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><feed>&a;</feed>", "XML with a document type"),
        (f"<?xml version='1.0'?><!DOCTYPE x><feed {NAMESPACES}/>", "XML with a document type"),
        (f"<!DOCTYPE x><feed {NAMESPACES}/>".encode("utf-16-le"), "XML with a document type or NUL bytes"),
    ],
)
def test_what_is_no_page_is_told(body: Any, told: str) -> None:
    with pytest.raises(BadResponse) as caught:
        odata.page(answer(200, body))
    assert told in caught.value.message


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"value": []}, "holds no entity"),
        ({"d": []}, "holds no entity"),
        ({"d": {"Name": "x"}}, "holds no entity"),
        (feed(PROPERTIES), "is XML, but no Atom entry"),
        ("<html/>", "is HTML, not OData"),
    ],
)
def test_what_is_no_entity_is_told(body: Any, told: str) -> None:
    with pytest.raises(BadResponse, match=told):
        odata.entity(answer(200, body))


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_body_breaks_the_reading_of_it(body: bytes) -> None:
    for read in (odata.page, odata.entity):
        try:
            read(answer(200, body))
        except BadResponse:
            continue
    assert isinstance(odata.said_by(answer(500, body)), str)


def test_xml_that_is_nested_without_end_is_cut_off() -> None:
    deep = "<d:A>" * 40 + "</d:A>" * 40
    body = f"<entry {NAMESPACES}><m:properties><d:ID>1</d:ID>{deep}</m:properties></entry>"
    assert "None" in str(odata.entity(answer(200, body))["A"])


def test_guids_are_recognised_and_written_as_literals() -> None:
    assert odata.is_guid(GUID)
    assert odata.guid(GUID) == f"guid'{GUID.lower()}'"
    for text in (f"{{{GUID}}}", GUID[:-1], f"{GUID}'", f"{GUID}\n", "", "web01"):
        assert not odata.is_guid(text)
        with pytest.raises(ValueError, match="is not a GUID"):
            odata.guid(text)


@given(st.text(max_size=30))
def test_nothing_in_a_text_can_end_its_literal(value: str) -> None:
    literal = odata.text(value)
    assert literal.startswith("'")
    assert literal.endswith("'")
    assert literal[1:-1].replace("''", "") == value.replace("'", "")


def test_conditions_are_joined_and_encoded() -> None:
    assert odata.where("Name eq 'a&b #1'", "X eq 1") == "?$filter=Name%20eq%20'a%26b%20%231'%20and%20X%20eq%201"


def test_verbose_json_is_read_as_light_json() -> None:
    """Metadata and links to what was not asked for are no members; collections stand alone (seen by datajs)."""
    of = {"type": "Collection(VMM.ErrorInfo)"}
    told = {
        "__metadata": {"type": "VMM.Job"},
        "ID": "1",
        "VM": {"__deferred": {"uri": "x"}},
        "ErrorInfo": {"__metadata": {"type": "VMM.ErrorInfo"}, "Problem": "none"},
        "AdditionalMessages": {"__metadata": of, "results": [{"Code": "7"}]},
        "results": "a member of that name",
    }
    plain = {
        "ID": "1",
        "ErrorInfo": {"Problem": "none"},
        "AdditionalMessages": [{"Code": "7"}],
        "results": "a member of that name",
    }
    assert odata.page(answer(200, {"d": {"results": [told]}})).entities == [plain]
    assert odata.entity(answer(200, {"d": told})) == plain


def test_only_a_feed_s_own_entries_count() -> None:
    inner = f"<link><entry><content>{PROPERTIES}</content></entry><link rel='next' href='x'/></link>"
    body = f"<feed {NAMESPACES}><entry>{inner}<content>{PROPERTIES}</content></entry><entry>{PROPERTIES}</entry></feed>"
    page = odata.page(answer(200, body))
    assert page.entities == [VALUES, VALUES]
    assert page.next_link is None


def test_xml_of_too_many_parts_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(odata, "MAX_PARTS", 40)
    assert odata.page(answer(200, feed())).entities == []
    for body in (feed("<a/>" * 40), feed("<a b='='/>" * 20)):
        with pytest.raises(BadResponse, match="XML of too many parts"):
            odata.page(answer(200, body))
