# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each way to sign in to SPF needs, on whose behalf it is then, and what of an option's text is left alone."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.settings import (
    ArmSettings,
    SpfSettings,
    TlsSettings,
    settings,
)

URL = "https://spf.test:8090/x"
WHOSE = ". A VM given by name or GUID is SPF's; one of Arc-enabled SCVMM or of Azure is given by its ARM id"
USER, PASSWORD = "spf_username (SPF_USERNAME)", "spf_password (SPF_PASSWORD)"
TOKEN = "spf_token (SPF_TOKEN) or spf_token_file (SPF_TOKEN_FILE)"


def refused(kind: Any, params: dict[str, Any], *more: dict[str, str]) -> str:
    with pytest.raises(InvalidInput) as caught:
        settings(kind, params, *(more or ({},)))
    return str(caught.value)


@pytest.mark.parametrize(
    ("params", "needs"),
    [
        ({"spf_auth": "basic"}, f"basic needs {USER}, {PASSWORD}"),
        ({"spf_auth": "basic", "spf_username": "svc"}, f"basic needs {PASSWORD}"),
        ({"spf_auth": "ntlm"}, f"ntlm needs {USER}, {PASSWORD}"),
        ({"spf_auth": "ntlm", "spf_password": "pw"}, f"ntlm needs {USER}"),
        ({"spf_auth": "bearer"}, f"bearer needs {TOKEN}"),
        ({"spf_auth": "bearer", "spf_username": "svc", "spf_password": "pw"}, f"bearer needs {TOKEN}"),
        ({"spf_auth": "certificate"}, "certificate needs spf_client_cert (SPF_CLIENT_CERT)"),
        ({"spf_auth": "kerberos", "spf_keytab": "/k"}, f"kerberos needs {USER}"),
        ({"spf_auth": "kerberos", "spf_username": "svc"}, f"kerberos needs {PASSWORD}"),
        ({"spf_auth": "negotiate", "spf_password": "pw"}, f"negotiate needs {USER}"),
        ({"spf_keytab": "/k"}, f"auto needs {USER}"),
        ({"spf_username": "svc"}, f"auto needs {PASSWORD}"),
        ({"spf_password": "pw"}, f"auto needs {USER}"),
    ],
)
def test_what_is_missing_is_told_in_whole(params: dict[str, Any], needs: str) -> None:
    assert refused(SpfSettings, {"spf_url": URL, **params}) == f"SPF with spf_auth {needs}{WHOSE}"


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"spf_auth": "kerberos"},
        {"spf_auth": "negotiate"},
        {"spf_auth": "kerberos", "spf_keytab": "/k", "spf_username": "svc"},
        {"spf_auth": "ntlm", "spf_username": "svc", "spf_password": "pw"},
        {"spf_auth": "bearer", "spf_token_file": "/t"},
        {"spf_token_file": "/t"},
        {"spf_client_cert": "/c"},
        {"spf_client_cert": "/c", "spf_client_key": "/k", "spf_client_cert_password": "pw"},
    ],
)
def test_what_is_enough(params: dict[str, Any]) -> None:
    found = settings(SpfSettings, {"spf_url": URL, **params}, {})
    assert {name: getattr(found, name) for name in params} == params


@pytest.mark.parametrize("option", ["spf_client_key", "spf_client_cert_password"])
def test_what_goes_with_a_certificate_goes_with_nothing_else(option: str) -> None:
    assert refused(SpfSettings, {"spf_url": URL, option: "x"}) == f"{option}: goes with spf_client_cert"


@pytest.mark.parametrize(
    ("given", "principal"),
    [
        ({}, "hybridvm.checkpoints"),
        ({"spf_username": "svc"}, "svc"),
        ({"spf_username": "svc", "spf_principal_id": "ops"}, "ops"),
        ({"spf_principal_id": "ops"}, "ops"),
        ({"spf_username": "svc\x07"}, "hybridvm.checkpoints"),
        ({"spf_username": "svc "}, "hybridvm.checkpoints"),
        ({"spf_username": "m\u00fcller"}, "hybridvm.checkpoints"),
    ],
)
def test_on_whose_behalf_jobs_run_where_no_option_was_checked(given: dict[str, Any], principal: str) -> None:
    """It becomes a header, whatever has checked the user's name before."""
    assert SpfSettings.model_construct(**given).principal == principal


def test_a_subscription_is_one_segment_of_the_service_root() -> None:
    found = settings(SpfSettings, {"spf_url": f"{URL}/{{subscription_id}}/y", "spf_subscription_id": "a/b c"}, {})
    assert found.root == "https://spf.test:8090/x/a%2Fb%20c/y"
    assert SpfSettings.model_construct().root == ""


def test_a_cloud_is_named_or_given_by_its_url() -> None:
    for given, kept in (("AzureChinaCloud", "AzureChinaCloud"), ("https://arm.test/", "https://arm.test")):
        assert settings(ArmSettings, {"cloud_environment": given}, {}).cloud_environment == kept


def test_an_option_that_came_from_elsewhere_is_named_by_that() -> None:
    wrong, origin = {"validate_certs": "perhaps"}, {"validate_certs": "profile test"}
    assert refused(TlsSettings, wrong, {}, origin) == "validate_certs (profile test): takes true or false"
    assert refused(TlsSettings, wrong) == "validate_certs: takes true or false"


def test_only_paths_begin_at_home() -> None:
    found = settings(ArmSettings, {"secret": "~/s", "federated_token_file": "~/t"}, {"HOME": "/h/me"})
    assert (found.secret, found.federated_token_file) == ("~/s", "/h/me/t")


def test_the_case_of_a_secret_counts_and_that_of_a_tenant_does_not() -> None:
    assert refused(ArmSettings, {}, {"AZURE_SECRET": "S", "AZURE_CLIENT_SECRET": "s"}) == (
        "secret: the environment variables AZURE_SECRET and AZURE_CLIENT_SECRET differ. "
        "Unset one of them, or set secret in the task."
    )
    environ = {"AZURE_TENANT": "Contoso.com", "AZURE_TENANT_ID": "contoso.com"}
    assert settings(ArmSettings, {}, environ).tenant == "Contoso.com"
