# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of each way in which a request fails below HTTP, as whole lines."""

from __future__ import annotations

import socket
import ssl

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import UntrustedTls
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.failures import NeverLeft, never_left, words
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.proxies import Proxy, proxy_of, refusal

NO_NAME, AGAIN = (socket.gaierror(number, "x") for number in (socket.EAI_NONAME, socket.EAI_AGAIN))
BY = "by way of the proxy p:1 (https_proxy)"
URL = httpx.URL("https://service.test/x")
CHECK = "Check the URL, the network and the proxy settings."


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (httpx.PoolTimeout("x"), "no free connection"),
        (httpx.ConnectError("x"), "connection refused or no route"),
        (httpx.ReadTimeout("x"), "no answer in time"),
        (httpx.RemoteProtocolError("x"), "the connection was closed before a whole answer came"),
        (httpx.ReadError("x"), "the connection broke (ReadError)"),
    ],
)
def test_what_went_wrong_in_a_transport(error: Exception, said: str) -> None:
    assert words(error) == said


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "bound", "proxy", "said", "final"),
    [
        (httpx.ConnectError("x"), 10.0, "", "connection refused or no route", False),
        (httpx.ConnectTimeout("x"), 10.0, "", "no connection within 10s", False),
        (httpx.ConnectTimeout("x"), None, "", "the connection broke (ConnectTimeout)", False),
        (httpx.PoolTimeout("x"), 10.0, "", "no free connection", False),
        (httpx.ConnectError("x"), 10.0, "http://p:1", f"connection refused or no route ({BY})", False),
        (httpx.ConnectTimeout("x"), 4.5, "p:1", f"no connection within 4s ({BY})", False),
        (caused(httpx.ConnectError("x"), NO_NAME), 10.0, "", "the host's name cannot be resolved", True),
        (caused(httpx.ConnectError("x"), AGAIN), 10.0, "", "the host's name cannot be resolved", False),
        (caused(httpx.ConnectError("x"), NO_NAME), 10.0, "p:1",
         "the name of the proxy p:1 (https_proxy) cannot be resolved", True),
    ],
)  # fmt: skip
def test_why_there_was_no_connection(
    error: Exception, bound: float | None, proxy: str, said: str, final: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if proxy:
        monkeypatch.setenv("https_proxy", proxy)
    found = never_left(error, URL, bound, "service")
    assert isinstance(found, NeverLeft)
    assert (str(found), found.remedy, found.final) == (said, CHECK, final)


@pytest.mark.parametrize(
    ("said", "reason", "remedy", "final"),
    [
        ("407 x", "the proxy p:1 (https_proxy) refused the connection with status 407",
         "Give the proxy's user and password in https_proxy, or name the host in NO_PROXY.", True),
        ("x", "the proxy p:1 (https_proxy) refused the connection", "Check the proxy settings.", False),
    ],
)  # fmt: skip
def test_why_a_proxy_made_no_connection(
    said: str, reason: str, remedy: str, final: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "p:1")
    found = never_left(httpx.ProxyError(said), URL, 10.0, "service")
    assert isinstance(found, NeverLeft)
    assert (str(found), found.remedy, found.final) == (reason, remedy, final)


def test_a_server_that_is_not_trusted_is_no_matter_of_the_network() -> None:
    untrusted = ssl.SSLCertVerificationError(1, "x")
    untrusted.verify_code, untrusted.verify_message = 18, "self-signed certificate"
    found = never_left(caused(httpx.ConnectError("x"), untrusted), URL, 10.0, "service")
    assert isinstance(found, UntrustedTls)
    assert str(found) == (
        "service: its certificate is not trusted: self-signed certificate. Give the CA's certificate with ca_path."
    )


P = Proxy("p:1", "ALL_PROXY")


@pytest.mark.parametrize(
    ("proxy", "said", "told"),
    [
        (P, "x", ("the proxy p:1 (ALL_PROXY) refused the connection", "Check the proxy settings.", False)),
        (None, "99 x", ("the proxy refused the connection", "Check the proxy settings.", False)),
        (P, " 407 x", ("the proxy p:1 (ALL_PROXY) refused the connection with status 407",
         "Give the proxy's user and password in ALL_PROXY, or name the host in NO_PROXY.", True)),
        (None, "407 x", ("the proxy refused the connection with status 407",
         "Give the proxy's user and password in HTTPS_PROXY, or name the host in NO_PROXY.", True)),
        (P, "403 x", ("the proxy p:1 (ALL_PROXY) refused the connection with status 403",
         "Have the proxy allow this host and port, or name the host in NO_PROXY.", True)),
        (P, "502 x", ("the proxy p:1 (ALL_PROXY) refused the connection with status 502",
         "Check that the proxy reaches this host, or name the host in NO_PROXY (ALL_PROXY is set).", False)),
        (None, "\t399 x", ("the proxy refused the connection with status 399",
         "Check that the proxy reaches this host, or name the host in NO_PROXY (HTTPS_PROXY is set).", False)),
        (None, " 400 x", ("the proxy refused the connection with status 400",
         "Have the proxy allow this host and port, or name the host in NO_PROXY.", True)),
        (None, "499", ("the proxy refused the connection with status 499",
         "Have the proxy allow this host and port, or name the host in NO_PROXY.", True)),
        (None, "500", ("the proxy refused the connection with status 500",
         "Check that the proxy reaches this host, or name the host in NO_PROXY (HTTPS_PROXY is set).", False)),
        (P, "600 x", ("the proxy p:1 (ALL_PROXY) refused the connection", "Check the proxy settings.", False)),
        (P, "4070 x", ("the proxy p:1 (ALL_PROXY) refused the connection", "Check the proxy settings.", False)),
    ],
)  # fmt: skip
def test_what_a_proxy_has_said(proxy: Proxy | None, said: str, told: tuple[str, str, bool]) -> None:
    assert refusal(proxy, said) == told


@pytest.mark.parametrize(
    ("variables", "scheme", "found"),
    [
        ({"https_proxy": "http://u:p@a:1"}, "https", ("a:1", "https_proxy")),
        ({"HTTPS_PROXY": "a"}, "https", ("a", "HTTPS_PROXY")),
        ({"HTTPS_PROXY": "a", "https_proxy": "b:2"}, "https", ("b:2", "https_proxy")),
        ({"all_proxy": "socks5://c:3"}, "https", ("c:3", "all_proxy")),
        ({"ALL_PROXY": "c:3", "https_proxy": "b:2"}, "https", ("b:2", "https_proxy")),
        ({"ALL_PROXY": "c:3"}, "http", ("c:3", "ALL_PROXY")),
        ({"http_proxy": "d:4"}, "https", None),
        ({"https_proxy": "http://[::1"}, "https", ("?", "https_proxy")),
        ({"https_proxy": "http://:8"}, "https", ("?:8", "https_proxy")),
        ({"https_proxy": "a:1", "no_proxy": "service.test"}, "https", None),
        ({}, "https", None),
    ],
)
def test_which_proxy_a_request_goes_through(
    variables: dict[str, str], scheme: str, found: tuple[str, str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert proxy_of(scheme, "service.test") == found
