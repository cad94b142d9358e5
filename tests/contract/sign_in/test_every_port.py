# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each way to sign in to SPF, direct, through Windows Azure Pack and a reverse proxy, with every verb."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import trustme

from tests.support import kdc as kdcs
from tests.support.front import Front, serving
from tests.support.signing import Site, site
from tools.kerberos import Unavailable

pytestmark = pytest.mark.servers

PASSWORD = "S3cret-of-Kerberos"
VERBS = {"GET", "POST", "MERGE", "PUT", "DELETE"}
NOBODY: dict[str, Any] = {"spf_username": None, "spf_password": None}
PLACES = ["spf_url", "wap_url", "a proxy with a path"]


@pytest.fixture(scope="module")
def spf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("spf"), spf_offers="negotiate,ntlm,basic") as found:
        yield found


@contextmanager
def at(place: str, spf: Site, directory: Path) -> Iterator[dict[str, Any]]:
    """The options that lead there. The proxy ends TLS, so that no channel binding would fit."""
    if place in spf.ready:
        yield {"spf_url": spf.ready[place]}
        return
    front = Front(spf.ready["url"], spf.ready["ca_file"], prefix="/clouds/spf")
    with serving(front, trustme.CA(), directory) as url:
        yield {
            "spf_url": spf.ready["spf_url"].replace(spf.ready["url"], url),
            "ca_path": str(directory / "front-ca.pem"),
            "spf_channel_bindings": "omit",
        }
    assert all(" /clouds/spf/" in request for request in front.requests)
    assert {request.partition(" ")[0] for request in front.requests} == VERBS


def everything(spf: Site, way: str, label: str, given: dict[str, Any]) -> None:
    """A checkpoint is made, described anew by each verb, restored and removed."""
    task = {"vm": "web01", "name": label, **given}
    made = spf.run("vm_checkpoint", description="one", **task)
    assert (made["changed"], made.get("sign_in")) == (True, {"spf": way}), made
    for method in ("merge", "put", "post_tunnel"):
        changed = spf.run("vm_checkpoint", description=f"by {method}", spf_update_method=method, **task)
        assert (changed["changed"], changed["checkpoint"]["description"]) == (True, f"by {method}"), changed
    assert spf.run("vm_checkpoint_restore", **task)["changed"] is True
    assert spf.run("vm_checkpoint", state="absent", **task)["changed"] is True
    shown = spf.run("vm_checkpoint_info", **{**task, "name": None})
    assert label not in [each["name"] for each in shown["checkpoints"]]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("way", ["ntlm", "basic", "bearer"])
def test_a_password_or_token(spf: Site, way: str, place: str, tmp_path: Path) -> None:
    token = {**NOBODY, "spf_token": spf.ready["spf_token"]}
    with at(place, spf, tmp_path) as where:
        given = {"spf_auth": way, **where, **(token if way == "bearer" else {})}
        everything(spf, way, f"{way} at {place}", given)


@pytest.mark.parametrize("place", PLACES[:2])
def test_a_certificate(spf: Site, place: str, tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("client@contoso.test")
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "client.pem")
    front = Front(spf.ready["url"], spf.ready["ca_file"], adds={"Authorization": f"Bearer {spf.ready['spf_token']}"})
    with serving(front, trustme.CA(), tmp_path, client_ca=authority, version=ssl.TLSVersion.TLSv1_3) as url:
        given = {
            **NOBODY,
            "spf_url": spf.ready[place].replace(spf.ready["url"], url),
            "spf_client_cert": str(tmp_path / "client.pem"),
            "ca_path": str(tmp_path / "front-ca.pem"),
        }
        everything(spf, "certificate", f"certificate at {place}", given)
    assert {request.partition(" ")[0] for request in front.requests} == VERBS
    assert len(front.seen) == len(front.requests)


@pytest.mark.parametrize("place", PLACES)
def test_a_ticket(place: str, tmp_path: Path) -> None:
    for library in ("gssapi", "krb5"):
        pytest.importorskip(library, reason=f"{library} is not installed, so there is no Kerberos client to test")
    for name in ("kdc", "spf"):
        (tmp_path / name).mkdir()
    try:
        with kdcs.running(tmp_path / "kdc", "svc-ansible", PASSWORD) as kdc:
            environ = {**kdc.environment, "KRB5_KTNAME": str(kdc.server_keytab)}
            with mock.patch.dict(os.environ, environ), site(tmp_path / "spf", spf_offers="negotiate") as spf:
                who = {"spf_username": "svc-ansible@SIM.TEST", "spf_password": PASSWORD}
                with at(place, spf, tmp_path) as where:
                    everything(spf, "kerberos", f"kerberos at {place}", {**who, **where})
    except Unavailable as reason:
        pytest.skip(f"no KDC can be had here: {reason}")
