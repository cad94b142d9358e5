# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an answer's headers and body say, and what is said when they make no sense."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import httpx
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import BadResponse
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http import response
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.response import (
    Pages,
    Response,
    parse_entity,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import answer

DATE = "Fri, 20 Nov 2026 08:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "5"}, 5.0),
        ({"retry_after": " 5 "}, 5.0),
        ({"retry_after": "0"}, 0.0),
        ({"retry_after": "Fri, 20 Nov 2026 08:00:30 GMT", "date": DATE}, 30.0),
        ({"retry_after": "Fri, 20 Nov 2026 07:00:00 GMT", "date": DATE}, 0.0),
        ({"retry_after": "Fri, 20 Nov 2026 08:00:30 GMT"}, None),
        ({"retry_after": "9" * 400}, 999999999.0),
        ({"retry_after": "soon", "date": DATE}, None),
        ({"retry_after": "-5", "date": DATE}, None),
        ({"retry_after": "1.5", "date": DATE}, None),
        ({"retry_after": ""}, None),
        ({}, None),
    ],
)
def test_retry_after_is_seconds_or_a_moment_on_the_service_s_own_clock(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert answer(429, **headers).retry_after == seconds


def test_an_odd_answer_says_what_it_was_to() -> None:
    made = Response(200, httpx.Headers({"content-type": "text/html"}), b"<p>", "service", context="reading vm web01")
    with pytest.raises(BadResponse, match=r"^service: reading vm web01: the answer \(200, text/html, 3 bytes\) is not"):
        made.json()
    with pytest.raises(BadResponse, match=r"^service: reading vm web01: the answer's Thing is malformed: name: Field"):
        parse_entity(pydantic.create_model("Thing", name=(str, ...)), {}, made)


@given(st.binary(max_size=40))
def test_no_header_can_break_the_reading_of_it(value: bytes) -> None:
    names = (b"retry-after", b"date", b"x-ms-request-id", b"mise-correlation-id")
    made = Response(429, httpx.Headers([(name, value) for name in names]), b"", "service")
    assert made.retry_after is None or made.retry_after >= 0
    assert made.date is None or made.date.tzinfo is UTC
    assert len(made.request_id or "") <= 100
    assert len(made.correlation_id or "") <= 100


@pytest.mark.parametrize(("headers", "expected"), [({"etag": 'W/"1"'}, 'W/"1"'), ({"etag": ""}, None), ({}, None)])
def test_an_etag_is_what_can_be_sent_back(headers: dict[str, str], expected: str | None) -> None:
    assert answer(**headers).etag == expected


@pytest.mark.parametrize("etag", ["\xff", "x" * 1001, "a\x07b"])
def test_any_other_etag_is_no_answer(etag: str) -> None:
    made = Response(200, httpx.Headers([(b"etag", etag.encode("latin-1"))]), b"", "service")
    with pytest.raises(BadResponse, match="ETag cannot be sent back"):
        assert made.etag


def test_the_date_is_the_service_s_clock() -> None:
    assert answer(date=DATE).date == datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert answer().date is None


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x_ms_request_id": "r-1", "request_id": "r-2"}, "r-1"),
        ({"request_id": "r-2"}, "r-2"),
        ({"x_ms_request_id": "00000000-0000-0000-0000-000000000000", "request_id": "r-2"}, "r-2"),
        ({"x_ms_request_id": "00000000-0000-0000-0000-000000000000"}, None),
        ({}, None),
    ],
)
def test_the_request_s_id_is_the_one_that_says_something(headers: dict[str, str], expected: str | None) -> None:
    assert answer(**headers).request_id == expected


def test_the_correlation_id_is_arm_s_or_the_edge_s() -> None:
    assert answer(x_ms_correlation_request_id="c-1", mise_correlation_id="m-1").correlation_id == "c-1"
    assert answer(mise_correlation_id="m-1").correlation_id == "m-1"
    assert answer().correlation_id is None


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (rb'"\ud83d\ude00"', "\U0001f600"),
        (rb'"\\ud800"', "\\ud800"),
        (rb'"a\u0000b"', "a\x00b"),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b"[1.5, -0.0, 1E2]", [1.5, 0.0, 100.0]),
        (b"9" * 4000, int("9" * 4000)),
        (b"[" * 64 + b"]" * 64, json.loads("[" * 64 + "]" * 64)),
        (b"[" * 64 + b"1" + b"]" * 64, json.loads("[" * 64 + "1" + "]" * 64)),
    ],
)
def test_what_is_odd_and_json_all_the_same(body: bytes, value: object) -> None:
    assert answer(200, body).json() == value


@pytest.mark.parametrize("body", [b"{}", b'\xef\xbb\xbf{"a": 1}', '{"a": 1}'.encode("utf-16")])
def test_json_is_read_in_any_encoding_of_it(body: bytes) -> None:
    assert isinstance(answer(200, body).json(), dict)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"<html></html>", "(200, text/html, 13 bytes) is not readable JSON"),
        (b'{"value": [', "(200, text/html, 11 bytes) is not readable JSON"),
        (b"", "0 bytes) is not readable JSON"),
        (b"\xff\xfe\xfd", "3 bytes) is not readable JSON"),
        (b"[" * 100_000, "100000 bytes) is not readable JSON"),
        (b"1" * 10_000, "10000 bytes) is not readable JSON"),
        (b"[" * 65 + b"]" * 65, "130 bytes) is not readable JSON"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "391 bytes) is not readable JSON"),
        (b"[NaN]", "5 bytes) is not readable JSON"),
        (b"[-Infinity]", "11 bytes) is not readable JSON"),
        (b"[1e999]", "7 bytes) is not readable JSON"),
        (rb'["a\ud800"]', "11 bytes) is not readable JSON"),
        (rb'{"\uDC00": 1}', "13 bytes) is not readable JSON"),
        (b'"\xed\xa0\x80"', "5 bytes) is not readable JSON"),
        (b'"\xff"', "3 bytes) is not readable JSON"),
        (b"[" + b"1," * 2_000_000 + b"1]", "4000003 bytes) is not readable JSON"),
    ],
)
def test_what_is_no_json_is_reported_by_its_kind_and_size(body: bytes, expected: str) -> None:
    with pytest.raises(BadResponse) as caught:
        answer(200, body, content_type="text/html; charset=x", x_ms_request_id="r-1").json()
    assert expected in caught.value.message
    assert (caught.value.subject, caught.value.status, caught.value.request_id) == ("service", 200, "r-1")
    assert "not to a proxy or portal" in caught.value.remedy


def test_an_answer_without_a_content_type_says_so() -> None:
    with pytest.raises(BadResponse, match="no content type"):
        answer(200, b"x").json()


def _followed(pages: Pages, count: int) -> str:
    return [pages.follow(answer(200, b"[]"), f"page {number}") for number in range(count)][-1]


def test_a_list_has_2000_pages_and_no_more() -> None:
    pages = Pages("listing VMs")
    assert _followed(pages, 1999) == "page 1998"  # the first page was there before
    with pytest.raises(BadResponse, match=re.escape("listing VMs: the pages do not end.")):
        pages.follow(answer(200, b"[]"), "page 1999")


def test_a_page_that_comes_again_is_an_endless_list() -> None:
    pages = Pages("listing VMs")
    assert _followed(pages, 3) == "page 2"
    with pytest.raises(BadResponse, match="do not end"):
        pages.follow(answer(200, b"[]"), "page 0")


def test_a_list_has_128_mib_and_no_more() -> None:
    part = answer(200, bytes(1024 * 1024))
    pages = Pages("listing VMs")
    assert [pages.follow(part, f"page {number}") for number in range(128)][-1] == "page 127"
    with pytest.raises(BadResponse, match="do not end"):
        pages.follow(answer(200, b"1"), "page 128")


class _RowEntity(pydantic.BaseModel):
    count: int


class _Plain(pydantic.BaseModel):
    count: int


@pytest.mark.parametrize(("kind", "name"), [(_RowEntity, "Row"), (_Plain, "Plain")])
def test_a_part_that_is_malformed_is_named_by_what_it_is(kind: type[pydantic.BaseModel], name: str) -> None:
    assert parse_entity(kind, {"count": 1}, answer(200)) == kind.model_validate({"count": 1})
    with pytest.raises(BadResponse, match=f"the answer's {name} is malformed: count: "):
        parse_entity(kind, {"count": "x"}, answer(200))


def test_an_error_about_a_response_names_its_request() -> None:
    error = answer(409, x_ms_request_id="r", mise_correlation_id="c").error(
        BadResponse, "no", "Look.", details={"a": 1}
    )
    assert (error.subject, error.remedy, error.status, error.details) == ("service", "Look.", 409, {"a": 1})
    assert (error.request_id, error.correlation_id) == ("r", "c")


@pytest.mark.parametrize(
    "header", ["x-ms-request-id", "request-id", "x-ms-correlation-request-id", "mise-correlation-id"]
)
def test_an_id_of_a_request_is_short(header: str) -> None:
    made = answer(200, b"", **{header: "i" * 5000})
    assert len(made.request_id or made.correlation_id or "") == 100


@pytest.mark.parametrize("length", [1, 1000])
def test_an_etag_may_be_long(length: int) -> None:
    assert answer(etag="x" * length).etag == "x" * length


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        (f"text/{'x' * 55}; charset=utf-8", f"text/{'x' * 54}…"),
        (f"text/{'x' * 55}", f"text/{'x' * 55}"),
        ("text/html; charset=utf-8; x=y", "text/html"),
    ],
)
def test_a_kind_of_answer_is_shown_in_short(kind: str, shown: str) -> None:
    with pytest.raises(BadResponse) as caught:
        answer(200, b"<", **{"content-type": kind}).json()
    assert str(caught.value) == (
        f"service: the answer (200, {shown}, 1 bytes) is not readable JSON. Check that the URL leads to the service "
        "itself and not to a proxy or portal."
    )


@pytest.mark.parametrize(
    ("body", "readable"),
    [
        (b"[1,2,3]", True),
        (b"[1,2,3,4]", False),
        (b'{"a":[{}]}', True),
        (b'{"a":{"b":{"c":{}}}}', False),
        (b"[[[]]]", True),
        (b"[[[[]]]]", False),
    ],
)
def test_parts_are_counted_before_they_are_made(body: bytes, readable: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response, "MAX_PARTS", 3)
    if readable:
        assert answer(200, body).json() == json.loads(body)
    else:
        with pytest.raises(BadResponse):
            answer(200, body).json()
