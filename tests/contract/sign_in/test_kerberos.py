# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kerberos with SPF, against a real MIT KDC on loopback and an acceptor that checks tickets with its own keytab."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth import kerberos, kerberos_errors
from simulator.documents.seeding import DEFAULT_DOCUMENT
from tests.support import kdc as kdcs
from tests.support.signing import Result, Site, site
from tools.kerberos import Unavailable

pytestmark = pytest.mark.servers

USER = "svc-ansible@SIM.TEST"
PASSWORD = "S3cret-of-Kerberos"


@pytest.fixture(scope="module")
def kdc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[kdcs.Kdc]:
    for library in ("gssapi", "krb5"):
        pytest.importorskip(library, reason=f"{library} is not installed, so there is no Kerberos client to test")
    try:
        with kdcs.running(tmp_path_factory.mktemp("kdc"), "svc-ansible", PASSWORD) as found:
            yield found
    except Unavailable as reason:
        pytest.skip(f"no KDC can be had here: {reason}")


@pytest.fixture(scope="module")
def spf(kdc: kdcs.Kdc, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    server = {**kdc.environment, "KRB5_KTNAME": str(kdc.server_keytab)}
    with mock.patch.dict(os.environ, server), site(tmp_path_factory.mktemp("spf"), spf_offers="negotiate") as found:
        yield found


@pytest.fixture(autouse=True)
def _client(kdc: kdcs.Kdc) -> Iterator[None]:
    with mock.patch.dict(os.environ, kdc.environment):
        yield


def refusal(result: Result) -> tuple[str, str]:
    """Code and text of a failure that changed nothing and shows no password."""
    assert result["changed"] is False
    assert PASSWORD not in str(result)
    assert "sign_in" not in result
    return result["error"]["code"], result["msg"]


@pytest.mark.parametrize("way", ["auto", "kerberos", "negotiate"])
def test_a_password_gets_a_ticket_and_everything_is_done_with_it(spf: Site, way: str) -> None:
    given = {"spf_auth": way, "spf_username": USER, "spf_password": PASSWORD, "vm": "web01"}
    made = spf.run("vm_checkpoint", name=f"by {way}", **given)
    assert (made["changed"], made["sign_in"]) == (True, {"spf": "kerberos"}), made
    assert spf.run("vm_checkpoint_restore", name=f"by {way}", **given)["changed"] is True
    shown = spf.run("vm_checkpoint_info", **given)
    assert f"by {way}" in [each["name"] for each in shown["checkpoints"]]
    assert spf.run("vm_checkpoint", name=f"by {way}", state="absent", **given)["changed"] is True


@pytest.mark.parametrize("method", ["merge", "put", "post_tunnel"])
def test_every_verb_is_sent_once_with_its_body(spf: Site, method: str) -> None:
    given = {"spf_username": USER, "spf_password": PASSWORD, "vm": "web01", "name": method}
    assert spf.run("vm_checkpoint", description="one", **given)["changed"] is True
    changed = spf.run("vm_checkpoint", description="two", spf_update_method=method, **given)
    assert (changed["changed"], changed["checkpoint"]["description"]) == (True, "two"), changed


def test_a_keytab_needs_no_password(spf: Site, kdc: kdcs.Kdc) -> None:
    found = spf.run(
        "vm_checkpoint_info", vm="web01", spf_username=USER, spf_password=None, spf_keytab=str(kdc.user_keytab)
    )
    assert found["sign_in"] == {"spf": "kerberos"}, found


def test_a_ticket_in_the_cache_needs_neither_user_nor_password(
    spf: Site, kdc: kdcs.Kdc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kdc.kinit(USER, PASSWORD, tmp_path / "cache")
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path / 'cache'}")
    found = spf.run("vm_checkpoint_info", vm="web01", spf_username=None, spf_password=None)
    assert found["sign_in"] == {"spf": "kerberos"}, found


def test_a_ticket_that_expires_is_fetched_anew_where_there_is_what_to_fetch_it_with(
    spf: Site, kdc: kdcs.Kdc, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = kerberos.Tickets._begin, []

    def expiring(self: kerberos.Tickets, cache: str, bindings: object) -> tuple[object, bytes]:
        calls.append(cache)
        if len(calls) == 3:
            raise kerberos_errors.explain(-1765328352, "Ticket expired", self._identity)
        return real(self, cache, bindings)

    monkeypatch.setattr(kerberos.Tickets, "_begin", expiring)
    made = spf.run("vm_checkpoint", vm="web01", name="long", spf_username=USER, spf_password=PASSWORD)
    assert made["changed"] is True, made
    assert calls[2] != calls[3] == calls[-1]


def test_many_vms_share_one_ticket(spf: Site, kdc: kdcs.Kdc) -> None:
    before = (kdc.directory / "kdc.log").read_text().count("AS_REQ")
    vms = ["web01", "db01"]
    found = spf.run("vm_checkpoint_info", vms=vms, spf_username=USER, spf_password=PASSWORD)
    assert found["sign_in"] == {"spf": "kerberos"}, found
    asked = (kdc.directory / "kdc.log").read_text().count("AS_REQ") - before
    assert asked <= 2  # with and without pre-authentication


def test_the_spn_may_differ_from_the_host(spf: Site) -> None:
    url = spf.ready["spf_url"].replace("localhost", "127.0.0.1")
    given = {"spf_url": url, "spf_username": USER, "spf_password": PASSWORD, "spf_auth": "kerberos", "vm": "web01"}
    code, message = refusal(spf.run("vm_checkpoint_info", **given))
    assert code == "sign_in_refused"
    assert "HTTP/127.0.0.1" in message
    assert "spf_service_principal" in message
    # The acceptor's name comes from the Host header, which is the address: it takes whatever its keytab has.
    found = spf.run("vm_checkpoint_info", spf_service_principal="HTTP/localhost", **given)
    assert found["sign_in"] == {"spf": "kerberos"}, found


@pytest.mark.parametrize("way", ["auto", "kerberos", "negotiate"])
def test_a_wrong_password_is_tried_once_and_by_nothing_else(spf: Site, kdc: kdcs.Kdc, way: str) -> None:
    log = kdc.directory / "kdc.log"
    before = log.read_text().count("PREAUTH_FAILED")
    vms = ["web01", "db01"]
    code, message = refusal(
        spf.run("vm_checkpoint_info", vms=vms, spf_auth=way, spf_username=USER, spf_password="wrong one")
    )
    assert code == "sign_in_refused"
    assert "KDC_ERR_PREAUTH_FAILED" in message
    assert "spf_password" in message
    assert log.read_text().count("PREAUTH_FAILED") - before == 1


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ({"spf_username": None, "spf_password": None}, "invalid_input", "there is no Kerberos ticket (KRB5CCNAME)"),
        ({"spf_username": "nobody@SIM.TEST"}, "sign_in_refused", "KDC_ERR_C_PRINCIPAL_UNKNOWN"),
        ({"spf_username": "svc@DOWN.TEST"}, "unreachable", "no KDC could be reached"),
        ({"spf_username": "OTHER\\svc"}, "invalid_input", "Write it as user@REALM"),
        ({"spf_username": USER, "spf_keytab": "/nonexistent", "spf_password": None}, "invalid_input", "spf_keytab: "),
        ({"spf_username": USER, "spf_keytab": "/", "spf_password": None}, "invalid_input", "spf_keytab: / cannot be"),
        ({"spf_username": USER, "spf_keytab": "{empty}", "spf_password": None}, "invalid_input", "spf_keytab: "),
        ({"spf_username": USER, "spf_keytab": "{server}"}, "invalid_input", f"has no key for {USER}"),
        ({"spf_username": USER, "spf_service_principal": "HTTP/other"}, "sign_in_refused", "spf_service_principal"),
    ],
)
def test_what_hinders_kerberos_is_named(
    spf: Site, kdc: kdcs.Kdc, options: dict[str, str | None], code: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "empty").touch()
    keytab = (options.get("spf_keytab") or "").format(empty=tmp_path / "empty", server=kdc.server_keytab)
    given = {"spf_password": PASSWORD, "spf_auth": "kerberos", "vm": "web01", "name": "new", **options}
    given |= {"spf_keytab": keytab} if keytab else {}
    found, message = refusal(spf.run("vm_checkpoint", **given))
    assert (found, words in message) == (code, True), message


@pytest.mark.parametrize("way", ["auto", "kerberos"])
@pytest.mark.parametrize(
    ("user", "how", "words"),
    [
        ("locked", "-allow_tix", "the account is disabled or locked (KDC_ERR_CLIENT_REVOKED)"),
        ("expired", "-pwexpire yesterday", "the password has expired (KDC_ERR_KEY_EXPIRED)"),
    ],
)
def test_an_account_that_may_not_sign_in(kdc: kdcs.Kdc, spf: Site, user: str, how: str, words: str, way: str) -> None:
    name = f"{user}-{way}@SIM.TEST"
    kdc.run("sbin/kadmin.local", "-r", kdcs.REALM, "-q", f"addprinc -pw {PASSWORD} {how} {name}")
    given = {"vm": "web01", "name": "new", "spf_auth": way, "spf_username": name, "spf_password": PASSWORD}
    code, message = refusal(spf.run("vm_checkpoint", **given))
    assert (code, words in message) == ("sign_in_refused", True), message


@pytest.mark.parametrize("way", ["auto", "kerberos"])
@pytest.mark.parametrize(
    ("clock", "follows", "words"),
    [
        ("+1h", False, "this machine's clock and the KDC's differ too much (KRB_AP_ERR_SKEW)"),
        ("-1h", False, "this machine's clock and the KDC's differ too much (KRB_AP_ERR_SKEW)"),
        # MIT's client follows its KDC's clock unless told not to; the server does not.
        ("+1h", True, "the clocks of server, KDC and this machine differ too much (KRB_AP_ERR_SKEW)"),
        ("-1h", True, "the clocks of server, KDC and this machine differ too much (KRB_AP_ERR_SKEW)"),
    ],
)
def test_a_clock_that_is_off_is_named(
    clock: str, follows: bool, words: str, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real KDC whose clock is an hour off; the password is tried once, and NTLM, which the server offers, is not."""
    for name in ("kdc", "spf"):
        (tmp_path / name).mkdir()
    try:
        with kdcs.running(tmp_path / "kdc", "svc-ansible", PASSWORD, clock=clock) as off:
            if not follows:
                text = off.config.read_text().replace("[libdefaults]", "[libdefaults]\n kdc_timesync = 0")
                off.config.write_text(text)
            for name, value in {**off.environment, "KRB5_KTNAME": str(off.server_keytab)}.items():
                monkeypatch.setenv(name, value)
            with site(tmp_path / "spf", spf_offers="negotiate,ntlm") as spf:
                given = {"vm": "web01", "name": "new", "spf_auth": way, "spf_username": USER}
                code, message = refusal(spf.run("vm_checkpoint", spf_password=PASSWORD, **given))
                sent = [entry["headers"].get("authorization", "") for entry in spf.journal()]
    except Unavailable as reason:
        pytest.skip(f"no KDC with another clock can be had here: {reason}")
    assert code == "sign_in_refused"
    assert words in message
    assert "clock" in message.partition(". ")[2]
    assert "spf_auth: ntlm" in message
    assert len([each for each in sent if each]) == follows
    assert not [each for each in sent if each.startswith("NTLM")]


def test_where_kerberos_cannot_be_had_auto_goes_on_to_ntlm(spf: Site) -> None:
    """A domain that is no realm; a realm whose KDC is not there would take as long as its library waits for it."""
    found = spf.run("vm_checkpoint_info", vm="web01", spf_username="LOCAL\\svc-ansible")
    assert found["sign_in"] == {"spf": "ntlm"}, found


def test_a_keytab_that_cannot_be_used_is_not_passed_over(kdc: kdcs.Kdc, tmp_path: Path) -> None:
    """Even where NTLM is offered and there is a password: the user has named the keytab."""
    with site(tmp_path, spf_offers="negotiate,ntlm") as spf:
        keytab = str(kdc.server_keytab)
        code, message = refusal(
            spf.run("vm_checkpoint", vm="web01", name="x", spf_username=USER, spf_password=PASSWORD, spf_keytab=keytab)
        )
        assert not [entry for entry in spf.journal() if "authorization" in entry["headers"]]
    assert (code, "klist -k" in message) == ("invalid_input", True), message


def test_an_unknown_spn_lets_auto_go_on_to_ntlm_with_the_same_password(kdc: kdcs.Kdc, tmp_path: Path) -> None:
    world = tmp_path / "world.json"
    document = {**DEFAULT_DOCUMENT, "credentials": {"spf_username": "svc-ansible", "spf_password": PASSWORD}}
    world.write_text(json.dumps(document))
    with site(tmp_path, "--world", str(world), spf_offers="negotiate,ntlm") as spf:
        found = spf.run("vm_checkpoint_info", vm="web01", spf_service_principal="HTTP/unknown")
    assert found["sign_in"] == {"spf": "ntlm"}, found


def test_curl_sees_the_same_server(spf: Site, kdc: kdcs.Kdc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    curl = shutil.which("curl")
    if curl is None or "SPNEGO" not in subprocess.run([curl, "-V"], capture_output=True, text=True, check=True).stdout:
        pytest.skip("there is no curl with SPNEGO here")
    command = [curl, "-sS", "--negotiate", "-u", ":", "--cacert", spf.ready["ca_file"], "-o", "/dev/null"]
    command += ["-w", "%{http_code}", "-H", "x-ms-principal-id: x", f"{spf.ready['spf_url']}/VirtualMachines"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "401"
    kdc.kinit(USER, PASSWORD, tmp_path / "cache")
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path / 'cache'}")
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "200"
