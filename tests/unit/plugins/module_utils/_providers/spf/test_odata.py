# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""OData as SPF speaks it: literals, and entities in JSON light."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import BadResponse
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import is_guid
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf import odata
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import answer

GUID = "831E819F-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"value": [{"ID": "1"}, {"ID": "2"}]}, ([{"ID": "1"}, {"ID": "2"}], None)),
        ({"value": []}, ([], None)),
        ({"value": [{"ID": "1"}], "odata.nextLink": "VMs?$skiptoken=1"}, ([{"ID": "1"}], "VMs?$skiptoken=1")),
        ("\ufeff" + '{"value": []}', ([], None)),
    ],
)
def test_a_page_is_read(body: Any, expected: tuple[list[Any], str | None]) -> None:
    assert tuple(odata.page(answer(200, body))) == expected


def test_an_entity_is_read() -> None:
    assert odata.entity(answer(201, {"odata.metadata": "x", "ID": "1"})) == {"odata.metadata": "x", "ID": "1"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"value": {}}, "holds no list of entities"),
        ({"value": ["1"]}, "holds no list of entities"),
        ({"value": None}, "holds no list of entities"),
        ({}, "holds no list of entities"),
        ({"d": {"results": []}}, "holds no list of entities"),
        ({"value": [], "odata.nextLink": {"href": "x"}}, "next link is no text"),
        ([], "is JSON, but no object"),
        ("null", "is JSON, but no object"),
        ("", "0 bytes) is not readable JSON"),
        ('{"value": [', "is not readable JSON"),
        ("{" * 50_000, "is not readable JSON"),
        ("<!DOCTYPE html><html></html>", "the answer (200) is HTML, not OData"),
        ("  <HTML><body>proxy</body></HTML>", "the answer (200) is HTML, not OData"),
        ("\ufeff<html>", "the answer (200) is HTML, not OData"),
        ("<feed xmlns='http://www.w3.org/2005/Atom'/>", "is not readable JSON"),
    ],
)
def test_what_is_no_page_is_reported(body: Any, expected: str) -> None:
    with pytest.raises(BadResponse) as caught:
        odata.page(answer(200, body))
    assert expected in caught.value.message


@pytest.mark.parametrize(
    ("blanks", "told"),
    [
        (507, "the answer (200) is HTML, not OData."),
        (508, "the answer (200, no content type, 513 bytes) is not readable JSON."),
    ],
)
def test_a_page_of_html_shows_itself_within_512_bytes(blanks: int, told: str) -> None:
    with pytest.raises(BadResponse) as caught:
        odata.page(answer(200, " " * blanks + "<html"))
    assert caught.value.message == told


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"value": []}, "holds no entity"),
        ({"d": {"ID": "x"}}, "holds no entity"),
        ([{"ID": "x"}], "is JSON, but no object"),
        ("<entry xmlns='http://www.w3.org/2005/Atom'/>", "is not readable JSON"),
        ("<html/>", "is HTML, not OData"),
    ],
)
def test_what_is_no_entity_is_reported(body: Any, expected: str) -> None:
    with pytest.raises(BadResponse, match=expected):
        odata.entity(answer(200, body))


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_body_breaks_the_reading_of_it(body: bytes) -> None:
    for read in (odata.page, odata.entity):
        try:
            read(answer(200, body))
        except BadResponse:
            continue
    assert isinstance(odata.said_by(answer(500, body)), str)


def test_guids_are_recognised_and_written_as_literals() -> None:
    assert is_guid(GUID)
    assert odata.guid(GUID) == f"guid'{GUID.lower()}'"
    for text in (f"{{{GUID}}}", GUID[:-1], f"{GUID}'", f"{GUID}\n", "", "web01"):
        assert not is_guid(text)
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


@pytest.mark.parametrize("name", ["odata.error", "error", "@odata.nextLink", "__next"])
def test_what_stands_beside_entities_says_that_they_are_not_all(name: str) -> None:
    with pytest.raises(BadResponse) as caught:
        odata.page(answer(200, {"value": [], name: "x"}))
    assert caught.value.message == f"the answer holds {name} beside its entities, so it is not all of them."
    assert odata.page(answer(200, {"value": [], name: ""})) == ([], None)
