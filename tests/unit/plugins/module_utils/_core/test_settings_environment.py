# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which variables still count for each way to sign in, and what holds where nothing is said."""

from __future__ import annotations

from typing import Any

import pydantic
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.settings import (
    AZURE_CREDENTIALS,
    ArmSettings,
    SpfSettings,
    TlsSettings,
    _azure_environ,
    _spf_environ,
    settings,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import Absent, Present, RestoreRequest

CERTIFICATE = {"SPF_CLIENT_CERT", "SPF_CLIENT_KEY", "SPF_CLIENT_CERT_PASSWORD"}
SPF = {"SPF_TOKEN", "SPF_TOKEN_FILE", "SPF_KEYTAB", "SPF_PASSWORD", *CERTIFICATE}
AZURE = {
    "AZURE_TENANT": "tenant",
    "AZURE_CLIENT_ID": "client_id",
    "AZURE_ACCESS_TOKEN": "access_token",
    "AZURE_SECRET": "secret",
    "AZURE_X509_CERTIFICATE_PATH": "x509_certificate_path",
    "AZURE_FEDERATED_TOKEN_FILE": "federated_token_file",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD": "x509_certificate_password",
    "AZURE_THUMBPRINT": "thumbprint",
    "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN": "send_certificate_chain",
    "AZURE_PROFILE": "profile",
}


def left_of_spf(given: dict[str, str], **variables: str) -> set[str]:
    environ = {**dict.fromkeys(SPF, "x"), **variables}
    return set(_spf_environ({**dict.fromkeys(SpfSettings.model_fields), **given}, environ)) & SPF


@pytest.mark.parametrize(
    ("auth", "read"),
    [
        ("auto", SPF),
        ("kerberos", {"SPF_KEYTAB", "SPF_PASSWORD"}),
        ("negotiate", {"SPF_KEYTAB", "SPF_PASSWORD"}),
        ("ntlm", {"SPF_PASSWORD"}),
        ("basic", {"SPF_PASSWORD"}),
        ("bearer", {"SPF_TOKEN", "SPF_TOKEN_FILE"}),
        ("certificate", CERTIFICATE),
    ],
)
def test_each_spf_auth_reads_its_own_variables_alone(auth: str, read: set[str]) -> None:
    assert left_of_spf({"spf_auth": auth}) == read
    assert left_of_spf({}, SPF_AUTH=auth) == read
    assert left_of_spf({"spf_auth": auth}, SPF_AUTH="ntlm") == read


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ((), SPF),
        (("spf_token",), {"SPF_TOKEN"}),
        (("spf_token_file",), {"SPF_TOKEN_FILE"}),
        (("spf_client_cert",), CERTIFICATE),
        (("spf_keytab",), {"SPF_KEYTAB"}),
        (("spf_password",), {"SPF_PASSWORD"}),
        (("spf_keytab", "spf_password"), {"SPF_KEYTAB", "SPF_PASSWORD"}),
        (("spf_username",), SPF),
    ],
)
def test_the_task_s_own_credential_is_completed_by_its_own_variables_alone(
    given: tuple[str, ...], read: set[str]
) -> None:
    assert left_of_spf(dict.fromkeys(given, "x")) == read
    assert left_of_spf(dict.fromkeys(given, "x"), SPF_AUTH="auto") == read


def left_of_azure(given: dict[str, str], **variables: str) -> set[str]:
    environ = {**dict.fromkeys(AZURE, "x"), **variables}
    found = {**dict.fromkeys(ArmSettings.model_fields), **given}
    return {option for variable, option in AZURE.items() if variable in _azure_environ(found, environ)}


ALL = set(AZURE_CREDENTIALS)
OF_CERTIFICATE = {"x509_certificate_password", "thumbprint", "send_certificate_chain"}


def test_there_is_a_variable_for_each_credential() -> None:
    assert set(AZURE.values()) == ALL


@pytest.mark.parametrize(
    ("source", "read"),
    [
        ("auto", ALL),
        ("env", ALL),
        ("token", {"access_token"}),
        ("msi", {"client_id"}),
        ("cli", set()),
        ("oidc", {"tenant", "client_id", "federated_token_file"}),
        ("credential_file", {"profile"}),
    ],
)
def test_each_auth_source_reads_its_own_variables_alone(source: str, read: set[str]) -> None:
    assert left_of_azure({"auth_source": source}) == read
    assert left_of_azure({}, ANSIBLE_AZURE_AUTH_SOURCE=source) == read


def test_without_an_auth_source_every_variable_counts() -> None:
    assert left_of_azure({}) == ALL


@pytest.mark.parametrize(
    ("given", "read"),
    [
        *(
            (name, ALL - {"access_token", "profile"})
            for name in ("tenant", "client_id", "profile", *sorted(OF_CERTIFICATE))
        ),
        ("secret", {"tenant", "client_id", "secret"}),
        ("federated_token_file", {"tenant", "client_id", "federated_token_file"}),
        ("x509_certificate_path", {"tenant", "client_id", "x509_certificate_path", *OF_CERTIFICATE}),
        ("access_token", {"tenant", "client_id"}),
    ],
)
def test_what_the_task_begins_is_completed_by_what_goes_with_it(given: str, read: set[str]) -> None:
    assert left_of_azure({given: "x"}) == read
    assert left_of_azure({given: "x", "auth_source": "auto"}) == read


@pytest.mark.parametrize("given", ["tenant", "client_id", "secret"])
def test_a_token_that_is_asked_for_comes_from_the_environment_whatever_else_the_task_gives(given: str) -> None:
    found = settings(ArmSettings, {"auth_source": "token", given: "x"}, {"AZURE_ACCESS_TOKEN": "e30"})
    assert found.access_token == "e30"


@pytest.mark.parametrize("given", ["secret", "x509_certificate_path", "access_token"])
def test_a_federated_token_that_is_asked_for_does_too(given: str) -> None:
    found = settings(ArmSettings, {"auth_source": "oidc", given: "x"}, {"AZURE_FEDERATED_TOKEN_FILE": "/f"})
    assert found.federated_token_file == "/f"


@pytest.mark.parametrize("name", sorted(ALL))
def test_with_env_no_credential_of_the_task_counts(name: str) -> None:
    own = {"thumbprint": "ab" * 20, "send_certificate_chain": "true"}.get(name, "own")
    found = settings(ArmSettings, {"auth_source": "env", name: own}, {})
    assert getattr(found, name) == getattr(ArmSettings(), name)


def test_what_holds_where_nothing_is_said() -> None:
    arm = ArmSettings().model_dump()
    assert {name: value for name, value in arm.items() if value is not None} == {
        "send_certificate_chain": False,
        "auth_source": "auto",
        "token_cache": False,
        "cloud_environment": "AzureCloud",
        "scvmm_api_version": "2024-06-01",
        "compute_api_version": "2024-07-01",
        "disk_api_version": "2024-03-02",
    }
    spf = SpfSettings(spf_url="https://h").model_dump()
    assert {name: value for name, value in spf.items() if value is not None} == {
        "spf_url": "https://h",
        "spf_auth": "auto",
        "spf_channel_bindings": "auto",
        "spf_update_method": "merge",
    }
    assert TlsSettings().model_dump() == {"ca_path": None, "validate_certs": True}


@pytest.mark.parametrize("kind", [SpfSettings, ArmSettings, TlsSettings, Present, Absent, RestoreRequest])
def test_options_hold_nothing_unknown_and_do_not_change(kind: type[pydantic.BaseModel]) -> None:
    with pytest.raises(pydantic.ValidationError, match="Extra inputs are not permitted"):
        kind.model_validate({"unknown": 1})
    made: Any = kind.model_construct()
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        setattr(made, next(iter(kind.model_fields)), None)


@pytest.mark.parametrize(
    ("user", "principal"),
    [("svc", "svc"), ("svc ", "hybridvm.checkpoints"), (" svc", "hybridvm.checkpoints"), ("", "hybridvm.checkpoints")],
)
def test_a_name_with_blanks_around_it_is_on_nobody_s_behalf(user: str, principal: str) -> None:
    made = SpfSettings.model_construct(spf_username=user)
    assert made.principal == principal
    assert SpfSettings.model_construct(spf_username=user, spf_principal_id="me").principal == "me"
