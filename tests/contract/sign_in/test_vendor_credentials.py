# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""azure-identity's own credentials sign in to the simulator over TLS: an outside check of each of its endpoints."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import azure.identity as vendor
import msal
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity._credentials import azure_arc

from simulator.azure.identities import Identities
from tests.contract.sign_in.identities import PASSWORD, SUBJECT, principal
from tests.contract.sign_in.serving import Served, serving

pytestmark = pytest.mark.servers

VARIABLES = ("REQUESTS_CA_BUNDLE", "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IMDS_ENDPOINT", "MSI_ENDPOINT")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One for all tests."""
    with serving(tmp_path_factory.mktemp("tls")) as running:
        yield running


@pytest.fixture
def served(server: Served, monkeypatch: pytest.MonkeyPatch) -> Served:
    """The same with fresh identities, and without the machine's own settings."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    server.world.identities = Identities(server.world.secret_ids.text)
    return server


def test_a_client_secret(served: Served) -> None:
    served.opens(vendor.ClientSecretCredential(client_secret=served.world.credentials.secret, **served.client))


@pytest.mark.parametrize(("kind", "password"), [("pem", None), ("encrypted pem", PASSWORD), ("pfx", PASSWORD)])
def test_a_certificate(kind: str, password: str | None, served: Served, tmp_path: Path) -> None:
    principal().register(served.world.identities)
    path = principal().written(tmp_path, kind)["x509_certificate_path"]
    served.opens(vendor.CertificateCredential(certificate_path=path, password=password, **served.client))


def test_a_certificate_by_subject_and_issuer(served: Served, tmp_path: Path) -> None:
    served.world.identities.trusted_names.add(SUBJECT)
    path = principal().written(tmp_path, "pem")["x509_certificate_path"]
    served.opens(vendor.CertificateCredential(certificate_path=path, send_certificate_chain=True, **served.client))


def test_a_certificate_that_is_not_registered_is_refused(served: Served, tmp_path: Path) -> None:
    principal("another.example").register(served.world.identities)
    path = principal().written(tmp_path, "pem")["x509_certificate_path"]
    with pytest.raises(ClientAuthenticationError, match="AADSTS700027"):
        served.opens(vendor.CertificateCredential(certificate_path=path, **served.client))


def test_a_workload_identity(served: Served, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(served.world.identities.assert_identity(time.time() + 300))
    served.opens(vendor.WorkloadIdentityCredential(token_file_path=str(file), **served.client))


def test_a_federated_token_that_nobody_knows_is_refused(served: Served) -> None:
    credential = vendor.ClientAssertionCredential(func=lambda: "e30.x.y", **served.client)
    with pytest.raises(ClientAuthenticationError, match="AADSTS700213"):
        served.opens(credential)


def test_azure_pipelines(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    known = served.world.identities
    monkeypatch.setenv("SYSTEM_OIDCREQUESTURI", f"{served.url}/azure-pipelines/oidctoken")
    served.opens(
        vendor.AzurePipelinesCredential(
            service_connection_id=known.service_connection, system_access_token=known.request_token, **served.client
        )
    )


@pytest.mark.parametrize("client", [None, "5c1b5b0e-1111-4222-8333-944455556666"])
@pytest.mark.parametrize("where", ["imds", "app service", "arc"])
def test_a_managed_identity(
    where: str, client: str | None, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = served.world.identities
    known.user_assigned.add("5c1b5b0e-1111-4222-8333-944455556666")
    known.system_assigned = client is None
    if where == "imds":
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", served.url)
    elif where == "app service":
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{served.url}/MSI/token")
        monkeypatch.setenv("IDENTITY_HEADER", known.identity_header)
    else:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{served.url}/metadata/identity/oauth2/token")
        monkeypatch.setenv("IMDS_ENDPOINT", served.url)
        monkeypatch.setattr(azure_arc, "_get_key_file_path", lambda: str(tmp_path))
        prefixes = {"linux": str(tmp_path)}
        monkeypatch.setattr(msal.managed_identity, "_supported_arc_platforms_and_their_prefixes", prefixes)
        known.arc_keys = tmp_path
    served.opens(vendor.ManagedIdentityCredential(client_id=client, connection_verify=served.ca))


def test_ad_fs(served: Served, tmp_path: Path) -> None:
    served.world.identities.adfs = True
    principal().register(served.world.identities)
    path = principal().written(tmp_path, "pem")["x509_certificate_path"]
    client = {**served.client, "tenant_id": "adfs"}
    served.opens(vendor.CertificateCredential(certificate_path=path, **client))
    served.opens(vendor.ClientSecretCredential(client_secret=served.world.credentials.secret, **client))
