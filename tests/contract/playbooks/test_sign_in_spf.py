# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each way to sign in to SPF through ansible-playbook: present, restore and info, and no secret at -vvvv."""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12
from cryptography.x509 import load_pem_x509_certificate

from simulator.wire.journal import hashed
from tests.support import kdc as kdcs
from tests.support.front import Front, serving
from tests.support.simulator_server import started
from tools.kerberos import Unavailable

from .support import COLLECTION, Ansible, Run, Simulator, play

PFX_PASSWORD = "the-password-of-the-PFX-file"
PASSWORD = "S3cret-of-Kerberos"


def _tasks(options: dict[str, Any]) -> list[dict[str, Any]]:
    given = {"vm": "web01", **options}
    return [
        {"name": "present", f"{COLLECTION}.vm_checkpoint": {**given, "name": "signed in"}},
        {"name": "restore", f"{COLLECTION}.vm_checkpoint_restore": {**given, "name": "signed in"}},
        {"name": "info", f"{COLLECTION}.vm_checkpoint_info": given},
    ]


def _signed_in(tmp_path: Path, ready: dict[str, Any], options: dict[str, Any], *secrets: str, **environ: str) -> Run:
    """The run of a play with these options; the environment names the servers and no credentials.

    Neither `secrets` come out, nor what requests were signed with.
    """
    simulator = Simulator(ready)
    ansible = Ansible(tmp_path / "ansible", simulator)
    log = tmp_path / "log"
    try:
        place = {"SPF_URL": ready["spf_url"], "HYBRIDVM_CA_PATH": ready["ca_file"]}
        run = ansible.run([play("Sign in", _tasks(options), {**place, **environ})], "-vvvv", ANSIBLE_LOG_PATH=str(log))
        asked = [entry["headers"].get("authorization", "") for entry in simulator.control("GET", "/journal")]
    finally:
        ansible.close()
        simulator.close()
    assert run.code == 0, run.stdout[-3000:]
    shown = run.stdout + run.stderr + log.read_text() + str(run.results)
    for secret in (ready["spf_password"], ready["spf_token"], PFX_PASSWORD, PASSWORD, *secrets):
        assert secret not in shown
    signed = {value.partition(" ")[2] for value in asked if value}
    assert signed
    # The journal holds hashes of what requests were signed with.
    assert not signed & {hashed(word) for word in re.findall(r"[\w.~+/=-]{20,}", shown)}
    assert "signed in" in [each["name"] for each in run.of("info")["checkpoints"]]
    assert run.of("present")["changed"] is True
    assert run.of("restore")["changed"] is True
    return run


@pytest.mark.parametrize(
    ("offers", "options", "way"),
    [
        ("negotiate,ntlm,basic", {}, "ntlm"),
        ("ntlm", {"spf_auth": "ntlm"}, "ntlm"),
        ("negotiate", {"spf_auth": "negotiate"}, "ntlm"),
        ("basic", {}, "basic"),
    ],
)
def test_a_password(tmp_path: Path, offers: str, options: dict[str, str], way: str) -> None:
    with started(tmp_path, "--time-scale", "20", "--switch", f"spf_offers={offers}") as (_process, ready):
        who = {"spf_username": "LOCAL\\svc-ansible", "spf_password": "{{ simulator.spf_password }}"}
        run = _signed_in(tmp_path, ready, {**who, **options})
    assert run.of("info")["sign_in"] == {"spf": way}


def test_a_token_of_a_file(tmp_path: Path) -> None:
    with started(tmp_path, "--time-scale", "20", "--switch", "spf_offers=nothing") as (_process, ready):
        (tmp_path / "token").write_text(ready["spf_token"])
        run = _signed_in(tmp_path, ready, {"spf_token_file": str(tmp_path / "token")})
    assert run.of("info")["sign_in"] == {"spf": "bearer"}


def test_a_pfx_file(tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("client@contoso.test")
    key: Any = load_pem_private_key(issued.private_key_pem.bytes(), None)
    certificate = load_pem_x509_certificate(issued.cert_chain_pems[0].bytes())
    locked = serialization.BestAvailableEncryption(PFX_PASSWORD.encode())
    pfx = tmp_path / "client.pfx"
    pfx.write_bytes(pkcs12.serialize_key_and_certificates(b"c", key, certificate, None, locked))
    with started(tmp_path, "--time-scale", "20", "--switch", "spf_offers=nothing") as (_process, ready):
        adds = {"Authorization": f"Bearer {ready['spf_token']}"}
        front = Front(ready["url"], ready["ca_file"], adds=adds)
        with serving(front, trustme.CA(), tmp_path, client_ca=authority) as url:
            place = {"SPF_URL": ready["wap_url"].replace(ready["url"], url)}
            place["HYBRIDVM_CA_PATH"] = str(tmp_path / "front-ca.pem")
            options = {"spf_client_cert": str(pfx), "spf_client_cert_password": PFX_PASSWORD}
            run = _signed_in(tmp_path, ready, options, **place)
    assert run.of("info")["sign_in"] == {"spf": "certificate"}
    assert front.seen


def _keys(path: Path) -> list[str]:
    """The bytes of a keytab or ticket cache after its head, in the spellings in which they could come out."""
    content = path.read_bytes()[-64:]
    return [content.hex(), base64.b64encode(content).decode(), repr(content)[2:-1]]


@pytest.mark.parametrize("what", ["password", "keytab", "ticket"])
def test_kerberos(tmp_path: Path, what: str) -> None:
    for library in ("gssapi", "krb5"):
        pytest.importorskip(library, reason=f"{library} is not installed, so there is no Kerberos client to test")
    (tmp_path / "kdc").mkdir()
    try:
        with kdcs.running(tmp_path / "kdc", "svc-ansible", PASSWORD) as kdc:
            cache = tmp_path / "cache"
            kdc.kinit("svc-ansible", PASSWORD, cache)
            options = {
                "password": {"spf_username": "svc-ansible@SIM.TEST", "spf_password": PASSWORD},
                "keytab": {"spf_username": "svc-ansible@SIM.TEST", "spf_keytab": str(kdc.user_keytab)},
                "ticket": {},
            }[what]
            more = {"KRB5CCNAME": f"FILE:{cache}"} if what == "ticket" else {}
            server = {**kdc.environment, "KRB5_KTNAME": str(kdc.server_keytab)}
            switches = ("--time-scale", "20", "--switch", "spf_offers=negotiate")
            with mock.patch.dict(os.environ, server), started(tmp_path, *switches) as (_process, ready):
                run = _signed_in(
                    tmp_path, ready, options, *_keys(kdc.user_keytab), *_keys(cache), **kdc.environment | more
                )
    except Unavailable as reason:
        pytest.skip(f"no KDC can be had here: {reason}")
    assert run.of("info")["sign_in"] == {"spf": "kerberos"}
