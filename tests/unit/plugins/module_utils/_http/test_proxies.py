# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which proxy a request goes through, and what it said, without its password."""

from __future__ import annotations

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import Unreachable
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.proxies import proxy_of
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import Script

PROXY = "http://user:pass-word@proxy.test:3128"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def _failure(error: Exception) -> Unreachable:
    with pytest.raises(Unreachable) as caught:
        Script(error).read()
    return caught.value


@pytest.mark.parametrize(
    ("words", "expected", "remedy"),
    [
        ("407 Authentication Required", "refused the connection with status 407", "the proxy's user and password"),
        ("403 Forbidden", "refused the connection with status 403", "Have the proxy allow this host"),
        ("503 no route", "refused the connection with status 503", "Check that the proxy reaches this host"),
        ("<script>", "refused the connection", "Check the proxy settings"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "all_proxy"])
def test_who_refused_with_which_status_and_where_the_proxy_comes_from(
    monkeypatch: pytest.MonkeyPatch, words: str, expected: str, remedy: str, variable: str
) -> None:
    monkeypatch.setenv(variable, PROXY)
    text = str(_failure(httpx.ProxyError(words)))
    assert f"the proxy proxy.test:3128 ({variable}) {expected}" in text
    assert remedy in text
    assert "pass-word" not in text
    assert "script" not in text


def test_a_proxy_that_no_variable_names() -> None:
    text = str(_failure(httpx.ProxyError("407 Authentication Required")))
    assert "the proxy refused the connection with status 407" in text
    assert "in HTTPS_PROXY" in text


def test_a_proxy_that_cannot_be_reached_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "proxy.test:3128")
    assert "(by way of the proxy proxy.test:3128 (https_proxy))" in str(_failure(httpx.ConnectError("no route")))
    monkeypatch.setenv("NO_PROXY", "service.test")
    assert "proxy.test" not in str(_failure(httpx.ConnectError("no route")))


def test_what_is_no_address_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://a:b@[c")
    found = proxy_of("https", "h.test")
    assert found is not None
    assert str(found) == "the proxy ? (https_proxy)"
