# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same origin in other spellings, in next links and in options, is the same origin."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Any

import httpx
import pytest

from tests.contract.checkpoints.scenarios import code, make_lab
from tests.support.lab import HOST, Lab

SPELLINGS = [
    "https://SIMULATOR.test/{path}",
    "HTTPS://simulator.test/{path}",
    "https://Simulator.Test:443/{path}",
    " https://simulator.test:443/{path}",
    "//Simulator.test/{path}",
    "/{path}",
]


class _Respelled(httpx.AsyncBaseTransport):
    """Lets a service spell the next links of its lists so; of a list that has none it adds one to an empty page."""

    def __init__(self, wire: httpx.AsyncBaseTransport, spelling: str, member: str) -> None:
        self._wire, self._spelling, self._member = wire, spelling, member

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._wire.handle_async_request(request)
        body = await response.aread()
        document: Any = json.loads(body) if body[:1] == b"{" else None
        if request.method != "GET" or not isinstance(document, dict) or not isinstance(document.get("value"), list):
            return response
        link = document.get(self._member)
        if self._member == "nextLink" and "skiptoken" not in str(request.url):
            link = f"{request.url}{'&' if request.url.query else '?'}$skiptoken=2"
            document["value"] = []
        if link is not None:
            path = re.sub(r"https?://[^/]*/", "", str(link), count=1)
            document[self._member] = self._spelling.format(path=path, query=path.partition("?")[2])
        headers = [(n, v) for n, v in response.headers.raw if n.lower() != b"content-length"]
        content = json.dumps(document).encode()
        return httpx.Response(response.status_code, headers=headers, content=content, request=request)


def _shown(lab: Lab, **options: Any) -> list[str]:
    shown = lab.run("vm_checkpoint_info", **options)
    assert code(shown) is None, shown.get("msg")
    assert {(each.url.scheme, each.url.host, each.url.port) for each in lab.requests} == {
        ("https", "simulator.test", None)
    }
    return sorted(each["name"] for each in shown["checkpoints"])


@pytest.mark.parametrize("spelling", [*SPELLINGS, "?{query}"])
def test_of_next_links_of_arm(spelling: str) -> None:
    lab = make_lab("scvmm")
    plain = _shown(lab, scope="scvmm")
    lab.through = partial(_Respelled, spelling=spelling, member="nextLink")
    seen = len(lab.requests)
    assert _shown(lab, scope="scvmm") == plain
    assert any("skiptoken" in str(each.url) for each in lab.requests[seen:])


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_of_next_links_of_spf(spelling: str) -> None:
    lab = make_lab("spf", spf_paging="absolute", spf_page_size=1)
    plain = _shown(lab, scope="spf")
    lab.through = partial(_Respelled, spelling=spelling, member="odata.nextLink")
    assert _shown(lab, scope="spf") == plain


ROOT = "SC2012R2/VMM/{subscription_id}/Microsoft.Management.Odata.svc"


@pytest.mark.parametrize("paging", ["relative", "absolute"])
@pytest.mark.parametrize("origin", ["https://Simulator.Test", "HTTPS://simulator.test:443"])
def test_of_the_root_of_spf(origin: str, paging: str) -> None:
    lab = make_lab("spf", spf_paging=paging, spf_page_size=1)
    assert _shown(lab, scope="spf", spf_url=f"{origin}/{ROOT}") == _shown(lab, scope="spf")


@pytest.mark.parametrize("cloud", [f"{HOST}:443", "https://Simulator.TEST/", "HTTPS://simulator.test:443/"])
def test_of_the_resource_manager(cloud: str) -> None:
    lab = make_lab("scvmm")
    assert _shown(lab, scope="scvmm", cloud_environment=cloud) == _shown(lab, scope="scvmm")
