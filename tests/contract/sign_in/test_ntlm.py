# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""NTLM and `auto` with SPF, against an acceptor that checks NTLMv2 responses and channel bindings."""

from __future__ import annotations

import base64
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import spnego
import trustme

from tests.support.front import Front, serving
from tests.support.signing import Result, Site, site

pytestmark = pytest.mark.servers

WRITES = {"POST", "PUT", "MERGE", "DELETE"}


@pytest.fixture(scope="module")
def spf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """As a hardened IIS: Windows authentication only, bound to the TLS connection."""
    with site(tmp_path_factory.mktemp("spf"), spf_offers="negotiate,ntlm", spf_bindings="required") as found:
        yield found


@pytest.fixture(autouse=True)
def _no_kerberos(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where only pyspnego is installed."""

    def missing() -> Any:
        raise ImportError("No module named 'krb5'")

    monkeypatch.setattr(
        "ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.kerberos.krb5", missing
    )


def refusal(spf: Site, result: Result) -> tuple[str, str]:
    assert result["changed"] is False
    assert spf.password not in str(result)
    assert "sign_in" not in result
    return result["error"]["code"], result["msg"]


def since(spf: Site, act: Callable[[], Any]) -> list[dict[str, Any]]:
    """What was sent meanwhile."""
    before = len(spf.journal())
    act()
    return spf.journal()[before:]


@pytest.mark.parametrize("way", ["auto", "ntlm", "negotiate"])
@pytest.mark.parametrize("user", ["svc-ansible", "SIM\\svc-ansible", "svc-ansible@SIM.TEST"])
def test_everything_is_done_with_ntlm(spf: Site, way: str, user: str) -> None:
    given = {"spf_auth": way, "spf_username": user, "vm": "web01", "name": f"{way} {user[-3:]} {user[:3]}"}
    made = spf.run("vm_checkpoint", description="one", **given)
    assert (made["changed"], made.get("sign_in")) == (True, {"spf": "ntlm"}), made
    assert spf.run("vm_checkpoint_restore", **given)["changed"] is True
    assert spf.run("vm_checkpoint", state="absent", **given)["changed"] is True
    shown = spf.run("vm_checkpoint_info", **{**given, "name": None})
    assert given["name"] not in [each["name"] for each in shown["checkpoints"]]


@pytest.mark.parametrize(("method", "verb"), [("merge", "MERGE"), ("put", "PUT"), ("post_tunnel", "POST")])
def test_a_write_is_sent_once_with_its_body_on_the_leg_that_counts(spf: Site, method: str, verb: str) -> None:
    given = {"vm": "web01", "name": f"once {method}", "spf_auth": "ntlm"}
    spf.run("vm_checkpoint", description="one", **given)

    def change() -> None:
        changed = spf.run("vm_checkpoint", description="two", spf_update_method=method, **given)
        assert (changed["changed"], changed["checkpoint"]["description"]) == (True, "two"), changed

    sent = [entry for entry in since(spf, change) if entry["method"] in WRITES]
    assert [(entry["method"], entry["status"], bool(entry["body"])) for entry in sent] == [(verb, 204, True)]


def test_where_each_request_is_signed_in_a_write_is_still_sent_with_a_body_only_once(tmp_path: Path) -> None:
    with site(tmp_path, spf_offers="ntlm", spf_persistent_auth="false", create_takes="0s") as spf:

        def make() -> None:
            assert spf.run("vm_checkpoint", vm="web01", name="new", spf_auth="ntlm")["changed"] is True

        sent = [entry for entry in since(spf, make) if entry["method"] in WRITES]
    assert [entry["status"] for entry in sent] == [201]


def test_many_vms_at_once_each_keep_the_connection_that_was_signed_in(spf: Site) -> None:
    vms = [vm["vm"] for vm in spf.ready["vms"] if vm["service"] == "spf"] * 1
    made = spf.run("vm_checkpoint", vms=vms, name="all at once", concurrency=8)
    assert [each["error"] for each in made["vms"]] == [None] * len(vms), made
    assert made["sign_in"] == {"spf": "ntlm"}


@pytest.mark.parametrize("way", ["auto", "ntlm", "negotiate"])
def test_a_wrong_password_is_tried_once_however_many_vms_there_are(spf: Site, way: str) -> None:
    vms = [vm["vm"] for vm in spf.ready["vms"] if vm["service"] == "spf"]
    found: list[Result] = []
    sent = since(
        spf, lambda: found.append(spf.run("vm_checkpoint", vms=vms, name="x", spf_auth=way, spf_password="not it"))
    )
    code, message = refusal(spf, found[0])
    assert code == "sign_in_refused"
    assert ("for svc-ansible with ntlm" if way == "ntlm" else "for svc-ansible (Kerberos was not possible: ") in message
    assert " with ntlm: " in message
    assert "It was tried once" in message
    signed = [entry["headers"]["authorization"] for entry in sent if "authorization" in entry["headers"]]
    assert len(signed) == 2  # the two legs of one handshake


def test_without_the_channel_binding_that_the_server_demands_it_is_refused(spf: Site) -> None:
    code, message = refusal(spf, spf.run("vm_checkpoint", vm="web01", name="x", spf_channel_bindings="omit"))
    assert code == "sign_in_refused"
    assert "spf_channel_bindings must be auto" in message


def test_a_response_cannot_be_replayed(spf: Site) -> None:
    """What a thief has seen on one connection is refused on another one."""
    url = f"{spf.ready['spf_url']}/VirtualMachines"
    headers = {"x-ms-principal-id": "x", "Accept": "application/json"}
    context = spnego.client("svc-ansible", spf.password, hostname="localhost", service="HTTP", protocol="ntlm")
    import ssl

    trusted = ssl.create_default_context(cafile=spf.ready["ca_file"])
    with (
        httpx.Client(verify=trusted, headers=headers) as client,
        httpx.Client(verify=trusted, headers=headers) as thief,
    ):
        challenge = client.get(url, headers={"Authorization": _signed(context.step())})
        stream = challenge.extensions["network_stream"]
        certificate = stream.get_extra_info("ssl_object").getpeercert(True)
        from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.bindings import end_point_bindings

        token = base64.b64decode(challenge.headers["www-authenticate"].split()[1])
        last = _signed(context.step(token, channel_bindings=end_point_bindings(certificate)))
        thief.get(url, headers={"Authorization": _signed(_first())})
        assert thief.get(url, headers={"Authorization": last}).status_code == 401
        assert client.get(url, headers={"Authorization": last}).status_code == 200


def _first() -> bytes | None:
    return spnego.client("svc-ansible", "x", hostname="localhost", service="HTTP", protocol="ntlm").step()


def _signed(token: bytes | None) -> str:
    return f"NTLM {base64.b64encode(token or b'').decode()}"


@pytest.mark.parametrize(
    ("offers", "used"),
    [("basic", "basic"), ("basic,ntlm", "ntlm"), ("negotiate", "ntlm"), ("ntlm,negotiate,basic", "ntlm")],
)
def test_auto_takes_the_strongest_and_sends_basic_only_where_there_is_nothing_better(
    tmp_path: Path, offers: str, used: str
) -> None:
    with site(tmp_path, spf_offers=offers) as spf:
        found: list[Result] = []
        sent = since(spf, lambda: found.append(spf.run("vm_checkpoint_info", vm="web01")))
    assert found[0]["sign_in"] == {"spf": used}, found[0]
    schemes = {entry["headers"]["authorization"].split()[0] for entry in sent if "authorization" in entry["headers"]}
    assert schemes == ({"Basic"} if used == "basic" else {"NTLM"} if "ntlm" in offers else {"Negotiate"})
    assert "authorization" not in sent[0]["headers"]


def test_auto_without_a_password_says_what_a_server_of_ntlm_alone_needs(tmp_path: Path) -> None:
    with site(tmp_path, spf_offers="ntlm") as spf:
        nobody = {"spf_username": None, "spf_password": None}
        code, message = refusal(spf, spf.run("vm_checkpoint", vm="web01", name="x", **nobody))
    assert code == "sign_in_refused"
    assert "the server does not take kerberos; it offers ntlm" in message
    assert "Give spf_username and spf_password for NTLM" in message


def test_a_server_that_offers_nothing_gets_no_password(tmp_path: Path) -> None:
    with site(tmp_path, spf_offers="nothing") as spf:
        code, message = refusal(spf, spf.run("vm_checkpoint_info", vm="web01"))
        assert code == "sign_in_refused"
        assert "offers nothing" in message
        assert not [entry for entry in spf.journal() if "authorization" in entry["headers"]]


def test_an_explicit_way_is_never_replaced(spf: Site) -> None:
    code, message = refusal(spf, spf.run("vm_checkpoint_info", vm="web01", spf_auth="basic"))
    assert (code, "set spf_auth to auto" in message) == ("sign_in_refused", True), message
    code, message = refusal(spf, spf.run("vm_checkpoint_info", vm="web01", spf_auth="kerberos"))
    assert code == "missing_library"
    assert "pip install 'pyspnego[kerberos]'" in message


@pytest.mark.parametrize("way", ["auto", "ntlm", "negotiate", "kerberos"])
def test_without_pyspnego_it_says_what_to_install_and_names_the_other_way(
    spf: Site, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    def missing() -> Any:
        raise ImportError("No module named 'spnego'")

    monkeypatch.setattr(
        "ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.windows.spnego", missing
    )
    code, message = refusal(spf, spf.run("vm_checkpoint", vm="web01", name="x", spf_auth=way))
    assert code == "missing_library"
    assert "-m pip install 'pyspnego'" in message
    assert "spf_auth: basic" in message


def test_through_a_reverse_proxy_with_a_path_that_ends_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    with site(tmp_path, spf_offers="ntlm") as spf:
        front = Front(spf.ready["url"], spf.ready["ca_file"], prefix="/clouds/spf")
        with serving(front, authority, tmp_path) as url:
            given = {
                "spf_url": spf.ready["spf_url"].replace(spf.ready["url"], url),
                "ca_path": str(tmp_path / "front-ca.pem"),
                "vm": "web01",
                "name": "through",
            }
            made = spf.run("vm_checkpoint", description="one", spf_channel_bindings="omit", **given)
            assert (made["changed"], made.get("sign_in")) == (True, {"spf": "ntlm"}), made
            changed = spf.run("vm_checkpoint", description="two", spf_channel_bindings="omit", **given)
            assert changed["changed"] is True, changed


@pytest.mark.parametrize("omit", [True, False])
def test_channel_bindings_do_not_cross_tls_termination(spf: Site, tmp_path: Path, omit: bool) -> None:
    front = Front(spf.ready["url"], spf.ready["ca_file"])
    with serving(front, trustme.CA(), tmp_path) as url:
        given = {
            "spf_url": spf.ready["spf_url"].replace(spf.ready["url"], url),
            "ca_path": str(tmp_path / "front-ca.pem"),
            "spf_channel_bindings": "omit" if omit else "auto",
        }
        code, message = refusal(spf, spf.run("vm_checkpoint", vm="web01", name="x", **given))
    assert code == "sign_in_refused"
    assert "nothing may end TLS in between" in message


@pytest.mark.parametrize(("bindings", "status"), [("accepted", "200"), ("required", "401")])
def test_curl_sees_the_same_server(tmp_path: Path, bindings: str, status: str) -> None:
    """curl speaks NTLMv2 of its own, and sends no channel bindings."""
    curl = shutil.which("curl")
    if curl is None or "NTLM" not in subprocess.run([curl, "-V"], capture_output=True, text=True, check=True).stdout:
        pytest.skip("there is no curl with NTLM here")
    with site(tmp_path, spf_offers="ntlm", spf_bindings=bindings) as spf:
        command = [curl, "-sS", "--ntlm", "--cacert", spf.ready["ca_file"], "-o", "/dev/null", "-w", "%{http_code}"]
        command += ["-H", "x-ms-principal-id: x", "-K", "-", f"{spf.ready['spf_url']}/VirtualMachines"]
        secret = f'user = "{spf.user}:{spf.password}"\n'
        done = subprocess.run(command, input=secret, capture_output=True, text=True, check=True)
        assert done.stdout == status
        wrong = subprocess.run(command, input=f'user = "{spf.user}:x"\n', capture_output=True, text=True, check=True)
        assert wrong.stdout == "401"
