# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an answer's headers and body say, and what is said when they make no sense."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import BadResponse
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.response import Response
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
