# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Through a real proxy that the environment names: what a tunnel carries, and who refused, without its password."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.kdc import free_port
from tests.support.proxy import Proxy, proxying
from tests.support.signing import Result, Site, site

pytestmark = pytest.mark.servers

PASSWORD = "pr0xy-p%40ss"  # as it stands in a URL
VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


@pytest.fixture(scope="module")
def spf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Windows authentication, bound to the TLS connection: a tunnel must not stand in its way."""
    with site(tmp_path_factory.mktemp("spf"), spf_offers="ntlm,basic", spf_bindings="required") as found:
        yield found


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, "http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


def refusal(result: Result) -> str:
    """The text of a failure before anything was sent."""
    assert (result["changed"], result["error"]["code"]) == (False, "unreachable"), result
    for secret in (PASSWORD, "pr0xy-p@ss"):
        assert secret not in str(result)
    text: str = result["msg"]
    assert text.isprintable()
    return text


@pytest.mark.parametrize("variable", VARIABLES)
def test_who_refused_with_which_status_and_from_which_variable(
    spf: Site, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxying(Proxy(user="svc", password="pr0xy-p@ss")) as proxy:
        monkeypatch.setenv(variable, f"http://svc:wr0ng@{proxy.address}")
        text = refusal(spf.run("vm_checkpoint", vm="web01", name="x"))
    assert f"the proxy {proxy.address} ({variable}) refused the connection with status 407" in text
    assert f"Give the proxy's user and password in {variable}" in text
    assert "wr0ng" not in text
    assert len(proxy.asked) == 1


@pytest.mark.parametrize(
    ("status", "remedy"),
    [(403, "Have the proxy allow this host and port"), (502, "Check that the proxy reaches this host")],
)
def test_a_proxy_that_does_not_let_us_through(
    spf: Site, status: int, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxying(Proxy(status=status)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://svc:{PASSWORD}@{proxy.address}")
        text = refusal(spf.run("vm_checkpoint", vm="web01", name="x", wait_timeout="3s"))
    assert f"the proxy {proxy.address} (HTTPS_PROXY) refused the connection with status {status}" in text
    assert remedy in text


def test_a_proxy_that_is_not_there(spf: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("ALL_PROXY", f"http://svc:{PASSWORD}@{address}")
    text = refusal(spf.run("vm_checkpoint", vm="web01", name="x", wait_timeout="3s"))
    assert f"(by way of the proxy {address} (ALL_PROXY))" in text


@pytest.mark.parametrize("way", ["auto", "ntlm", "basic"])
def test_everything_is_done_through_a_tunnel(spf: Site, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The channel binding is that of the server's certificate, as without a proxy."""
    given: dict[str, Any] = {"vm": "web01", "name": f"tunnel {way}", "spf_auth": way}
    with proxying(Proxy(user="svc", password="pr0xy-p@ss")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://svc:{PASSWORD}@{proxy.address}")
        made = spf.run("vm_checkpoint", description="one", **given)
        assert (made["changed"], made["sign_in"]) == (True, {"spf": "basic" if way == "basic" else "ntlm"}), made
        for method in ("merge", "put", "post_tunnel"):
            changed = spf.run("vm_checkpoint", description=method, spf_update_method=method, **given)
            assert changed["changed"] is True, changed
        assert spf.run("vm_checkpoint_restore", **given)["changed"] is True
        assert spf.run("vm_checkpoint", state="absent", **given)["changed"] is True
    assert set(proxy.asked) == {spf.ready["url"].removeprefix("https://")}


def test_no_proxy_for_a_host_that_is_excepted(spf: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with proxying(Proxy(status=403)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
        assert spf.run("vm_checkpoint_info", vm="web01")["sign_in"] == {"spf": "ntlm"}
    assert proxy.asked == []
