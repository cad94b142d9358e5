# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connection options: from the task or the environment, complete, and safe to send credentials with."""

from __future__ import annotations

import typing
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.option_texts import FilePath, https_url
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.settings import (
    ENVIRONMENT,
    PATHS,
    ArmSettings,
    SpfSettings,
    TlsSettings,
    from_environment,
    lacking,
    settings,
    skips_tls_verification,
    without_variables,
)

URL = "https://spf.test:8090/SC2012R2/VMM/{subscription_id}/Microsoft.Management.Odata.svc/"
GUID = "0fa1c3a2-0000-4000-8000-0000000000AA"
SPF = {"spf_url": URL, "spf_subscription_id": "sub 1", "spf_username": "svc", "spf_password": "pw"}
ARM = {"tenant": "t", "client_id": "c", "secret": "s"}


def refused(kind: Any, params: dict[str, Any], environ: dict[str, str] | None = None) -> str:
    with pytest.raises(InvalidInput) as caught:
        settings(kind, params, environ or {})
    return str(caught.value)


def test_the_service_root_holds_the_subscription_percent_encoded() -> None:
    assert settings(SpfSettings, SPF, {}).root == (
        "https://spf.test:8090/SC2012R2/VMM/sub%201/Microsoft.Management.Odata.svc"
    )
    fixed = settings(SpfSettings, SPF | {"spf_url": "https://spf.test/x", "spf_subscription_id": None}, {})
    assert fixed.root == "https://spf.test/x"


def test_a_configured_shell_needs_no_options() -> None:
    environ = {
        "SPF_URL": "https://spf.test/x",
        "SPF_USERNAME": "svc",
        "SPF_PASSWORD": "pw",
        "SPF_UPDATE_METHOD": "put",
        "AZURE_TENANT_ID": "t",
        "AZURE_CLIENT_ID": "c",
        "AZURE_CLIENT_SECRET": "s",
        "HYBRIDVM_VALIDATE_CERTS": "no",
    }
    assert settings(SpfSettings, {}, environ).spf_update_method == "put"
    assert settings(ArmSettings, {}, environ).secret == "s"
    assert settings(TlsSettings, {}, environ).validate_certs is False
    assert settings(TlsSettings, {}, {}).validate_certs is True


def test_the_task_goes_before_the_environment_option_by_option() -> None:
    found = settings(SpfSettings, SPF | {"spf_password": None}, {"SPF_USERNAME": "other", "SPF_PASSWORD": "theirs"})
    assert (found.spf_username, found.spf_password) == ("svc", "theirs")
    assert settings(TlsSettings, {"validate_certs": False}, {"HYBRIDVM_VALIDATE_CERTS": "true"}).validate_certs is False


@pytest.mark.parametrize(
    ("environ", "secret"),
    [
        ({"AZURE_SECRET": "s"}, "s"),
        ({"AZURE_CLIENT_SECRET": "s"}, "s"),
        ({"AZURE_SECRET": "s", "AZURE_CLIENT_SECRET": "s"}, "s"),
        ({"AZURE_SECRET": "", "AZURE_CLIENT_SECRET": "s"}, "s"),
        ({"AZURE_SECRET": ""}, None),
        ({}, None),
    ],
)
def test_both_spellings_of_a_variable_are_read(environ: dict[str, str], secret: str | None) -> None:
    assert from_environment("secret", environ) == secret


def test_two_spellings_that_differ_are_an_error_unless_the_task_says() -> None:
    environ = {"AZURE_SECRET": "one", "AZURE_CLIENT_SECRET": "two"}
    assert refused(ArmSettings, ARM | {"secret": None}, environ) == (
        "secret: the environment variables AZURE_SECRET and AZURE_CLIENT_SECRET differ. "
        "Unset one of them, or set secret in the task."
    )
    assert settings(ArmSettings, ARM, environ).secret == "s"


@pytest.mark.parametrize("by", ["task", "environment"])
def test_with_auth_source_env_the_task_s_credentials_do_not_count(by: str) -> None:
    environ = {"AZURE_TENANT": "et", "AZURE_CLIENT_ID": "ec", "AZURE_SECRET": "es"}
    own = {**ARM, "access_token": "token"}
    if by == "task":
        own["auth_source"] = "env"
    else:
        environ["ANSIBLE_AZURE_AUTH_SOURCE"] = "env"
    found = settings(ArmSettings, own, environ)
    assert (found.tenant, found.client_id, found.secret, found.access_token) == ("et", "ec", "es", None)


@pytest.mark.parametrize(
    ("kind", "params", "expected"),
    [
        (SpfSettings, {}, "SPF with spf_auth auto needs spf_url (SPF_URL)"),
        (
            SpfSettings,
            {"spf_auth": "basic"},
            "spf_url (SPF_URL), spf_username (SPF_USERNAME), spf_password (SPF_PASSWORD)",
        ),
        (SpfSettings, SPF | {"spf_auth": "certificate"}, "needs spf_client_cert (SPF_CLIENT_CERT)"),
        (SpfSettings, SPF | {"spf_password": ""}, "SPF with spf_auth auto needs spf_password (SPF_PASSWORD)"),
        (
            SpfSettings,
            SPF | {"spf_auth": "bearer"},
            "SPF with spf_auth bearer needs spf_token (SPF_TOKEN) or spf_token_file (SPF_TOKEN_FILE)",
        ),
        (SpfSettings, SPF | {"spf_subscription_id": None}, "needs spf_subscription_id (SPF_SUBSCRIPTION_ID)"),
    ],
)
def test_a_partial_set_names_what_is_missing_and_its_variable(kind: Any, params: dict[str, Any], expected: str) -> None:
    assert expected in refused(kind, params)


@pytest.mark.parametrize(
    "params", [SPF | {"spf_auth": "bearer", "spf_token": "e30", "spf_username": None, "spf_password": None}]
)
def test_a_bearer_token_needs_no_user(params: dict[str, Any]) -> None:
    assert settings(SpfSettings, params, {}).spf_token == "e30"


@pytest.mark.parametrize("token", ["e30", "Bearer e30", "bearer  e30"])
def test_a_token_is_taken_as_users_copy_it(token: str) -> None:
    assert settings(ArmSettings, {"access_token": token}, {}).access_token == "e30"
    assert settings(SpfSettings, SPF | {"spf_token": token}, {}).spf_token == "e30"


@pytest.mark.parametrize(
    ("path", "home", "found"),
    [("~/k", "/h/me", "/h/me/k"), ("/k", "/h/me", "/k"), ("~/k", "", "~/k"), ("~you/k", "/h/me", "~you/k")],
)
def test_a_variable_may_hold_a_path_below_the_user_s_home(path: str, home: str, found: str) -> None:
    given = {"SPF_KEYTAB": path, "HYBRIDVM_CA_PATH": path, "AZURE_CLIENT_CERTIFICATE_PATH": path, "HOME": home}
    assert settings(SpfSettings, SPF | {"spf_password": None}, given).spf_keytab == found
    assert settings(ArmSettings, {}, given).x509_certificate_path == found
    assert settings(TlsSettings, {}, given).ca_path == found


def test_a_thumbprint_is_taken_as_tools_show_it() -> None:
    assert settings(ArmSettings, {"thumbprint": "AB:" * 19 + "cd"}, {}).thumbprint == "ab" * 19 + "cd"


@pytest.mark.parametrize("way", ["secret", "x509_certificate_path", "federated_token_file"])
def test_the_task_s_own_way_to_sign_in_hides_the_environment_s_others(way: str) -> None:
    environ = {
        "AZURE_SECRET": "es",
        "AZURE_CLIENT_CERTIFICATE_PATH": "ep",
        "AZURE_FEDERATED_TOKEN_FILE": "ef",
        "AZURE_PROFILE": "other",
        "AZURE_TENANT": "et",
    }
    found = settings(ArmSettings, {way: "own"}, environ)
    given = {name: getattr(found, name) for name in ("secret", "x509_certificate_path", "federated_token_file")}
    assert {name: value for name, value in given.items() if value} == {way: "own"}
    assert (found.tenant, found.profile) == ("et", None)


def test_an_access_token_needs_nothing_else() -> None:
    assert settings(ArmSettings, {"access_token": "e30"}, {}).cloud_environment == "AzureCloud"


@pytest.mark.parametrize(
    ("kind", "params", "expected"),
    [
        (SpfSettings, SPF | {"spf_stamp_id": "stamp"}, "spf_stamp_id: is no GUID"),
        (SpfSettings, SPF | {"spf_stamp_id": f"{GUID}\n"}, "spf_stamp_id: is no GUID"),
        (SpfSettings, SPF | {"spf_auth": "digest"}, "spf_auth: takes 'auto', 'kerberos', 'ntlm'"),
        (SpfSettings, SPF | {"spf_service_principal": "spf01"}, "spf_service_principal: write it like HTTP/spf"),
        (SpfSettings, SPF | {"spf_client_key": "k"}, "spf_client_key: goes with spf_client_cert"),
        (SpfSettings, SPF | {"spf_token": "t", "spf_token_file": "f"}, "spf_token, spf_token_file: give one of them"),
        (SpfSettings, SPF | {"spf_token": "e30\n"}, "spf_token: must be printable ASCII"),
        (SpfSettings, SPF | {"spf_token": '"e30"'}, "spf_token: is in quotes: give the token without them"),
        (
            SpfSettings,
            SPF | {"spf_token": '{"token":"e30"}'},
            "spf_token: is no token: a token holds no spaces,",
        ),
        (SpfSettings, SPF | {"spf_password": "pw\n"}, "spf_password: holds a line break or NUL, which no password has"),
        (SpfSettings, SPF | {"spf_client_cert_password": "a\0"}, "spf_client_cert_password: holds a line break or NUL"),
        (SpfSettings, SPF | {"spf_keytab": "/a\0"}, "spf_keytab: is no path of a file"),
        (SpfSettings, SPF | {"spf_principal_id": "a\r\nX-Evil: 1"}, "spf_principal_id: must be printable ASCII"),
        (SpfSettings, SPF | {"spf_principal_id": "ü"}, "spf_principal_id: must be printable ASCII"),
        (SpfSettings, SPF | {"spf_principal_id": " a"}, "without white space around it"),
        (SpfSettings, SPF | {"spf_token": "x" * 16385}, "spf_token: is longer than 16384 characters"),
        (SpfSettings, SPF | {"spf_url": "http://spf.test"}, "spf_url: is plain http"),
        (SpfSettings, SPF | {"spf_url": "https://spf.test/a/../b"}, "spf_url: must not hold . or .. in its path"),
        (SpfSettings, SPF | {"spf_url": "https://spf.test/%2e%2E/b"}, "spf_url: must not hold . or .. in its path"),
        (SpfSettings, SPF | {"spf_subscription_id": ".."}, "spf_subscription_id: must not be . or .."),
        (SpfSettings, SPF | {"spf_username": "a:b"}, "spf_username: must not hold control characters or a colon"),
        (SpfSettings, SPF | {"spf_username": "a\r\nX: 1"}, "spf_username: must not hold control characters or a colon"),
        (SpfSettings, SPF | {"spf_password": "a\udcff"}, "spf_password: holds characters that are no Unicode text"),
        (ArmSettings, ARM | {"secret": "\ud800"}, "secret: holds characters that are no Unicode text"),
        (ArmSettings, ARM | {"tenant": ".."}, "tenant: must not be . or .."),
        (ArmSettings, ARM | {"tenant": "a/b"}, "tenant: must be a tenant's GUID or one of its domains"),
        (ArmSettings, ARM | {"tenant": "--help"}, "tenant: must be a tenant's GUID or one of its domains"),
        (ArmSettings, ARM | {"secret": "s\r\n"}, "secret: holds a line break or NUL"),
        (
            ArmSettings,
            ARM | {"x509_certificate_password": "s\0"},
            "x509_certificate_password: holds a line break",
        ),
        (ArmSettings, ARM | {"federated_token_file": "/a\0"}, "federated_token_file: is no path of a file"),
        (ArmSettings, {"access_token": "a b"}, "access_token: is no token: a token holds no spaces, quotes or braces"),
        (ArmSettings, ARM | {"disk_api_version": "٢٠٢٤-٠٣-٠٢"}, "disk_api_version: write it like 2024-06-01"),
        (ArmSettings, ARM | {"subscription_id": "mine"}, "subscription_id: is no GUID"),
        (ArmSettings, ARM | {"scvmm_api_version": "latest"}, "scvmm_api_version: write it like 2024-06-01"),
        (ArmSettings, ARM | {"cloud_environment": "http://arm.test"}, "cloud_environment: is plain http"),
        (ArmSettings, ARM | {"auth_source": "az"}, "auth_source: takes 'auto', 'env'"),
        (ArmSettings, {"access_token": '"e30"'}, "access_token: is in quotes: give the token without them"),
        (ArmSettings, {"access_token": "'e30'"}, "access_token: is in quotes: give the token without them"),
        (ArmSettings, {"access_token": "Bearer "}, "access_token: holds nothing but the word Bearer"),
        (ArmSettings, {"thumbprint": "12"}, "thumbprint: must be the certificate's SHA-1 hash"),
        (TlsSettings, {"validate_certs": "perhaps"}, "validate_certs: takes true or false"),
    ],
)
def test_what_is_wrong_is_named(kind: Any, params: dict[str, Any], expected: str) -> None:
    assert expected in refused(kind, params)


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("svc", "svc"),
        ("CONTOSO\\svc", "CONTOSO\\svc"),
        ("müller", "hybridvm.checkpoints"),
        (" a", "hybridvm.checkpoints"),
    ],
)
def test_a_user_whose_name_no_header_carries_can_sign_in(user: str, expected: str) -> None:
    assert settings(SpfSettings, SPF | {"spf_username": user}, {}).principal == expected


def test_bytes_in_a_variable_that_are_no_text_are_named_by_it() -> None:
    assert refused(ArmSettings, ARM | {"secret": None}, {"AZURE_SECRET": "a\udcff"}) == (
        "secret (AZURE_SECRET): holds characters that are no Unicode text."
    )


def test_what_came_from_a_variable_is_named_by_it() -> None:
    assert "validate_certs (HYBRIDVM_VALIDATE_CERTS): takes true or false" in refused(
        TlsSettings, {}, {"HYBRIDVM_VALIDATE_CERTS": "perhaps"}
    )


def test_no_error_shows_a_secret() -> None:
    for kind, params in (
        (SpfSettings, SPF | {"spf_auth": "bearer", "spf_token": "s3cret\n"}),
        (ArmSettings, {"access_token": " s3cret", "tenant": "s3cret\x00"}),
        (ArmSettings, {"access_token": '{"s3cret": 1}', "x509_certificate_password": "s3cret\0", "secret": "s3cret\n"}),
        (SpfSettings, SPF | {"spf_url": "https://svc:s3cret@spf.test"}),
    ):
        assert "s3cret" not in refused(kind, params)


@pytest.mark.parametrize("given", ["tenant", "client_id", "secret"])
def test_the_task_s_own_credentials_win_over_a_token_of_the_environment(given: str) -> None:
    environ = {
        "AZURE_ACCESS_TOKEN": "somebody",
        "AZURE_TENANT": "t",
        "AZURE_CLIENT_ID": "c",
        "AZURE_SECRET": "s",
    }
    assert settings(ArmSettings, {given: "own"}, environ).access_token is None
    assert settings(ArmSettings, {}, environ).access_token == "somebody"


@pytest.mark.parametrize(
    ("given", "way"),
    [
        ({"spf_password": "pw"}, "auto"),
        ({"spf_token_file": "/t"}, "bearer"),
        ({"spf_token": "e30"}, "bearer"),
        ({"spf_client_cert": "/c"}, "certificate"),
        ({"spf_auth": "basic"}, "basic"),
        ({"spf_auth": "bearer", "spf_token": "e30"}, "bearer"),
        ({}, "bearer"),
    ],
)
def test_the_task_s_credential_for_spf_wins_over_others_of_the_environment(given: dict[str, str], way: str) -> None:
    """Else a task would sign in as somebody whom it does not name."""
    every = {"SPF_USERNAME": "e", "SPF_PASSWORD": "e", "SPF_TOKEN": "ZQ", "SPF_KEYTAB": "/e", "SPF_CLIENT_CERT": "/e"}
    every |= {"SPF_CLIENT_KEY": "/e", "SPF_CLIENT_CERT_PASSWORD": "e"}
    found = settings(SpfSettings, {"spf_url": "https://spf.test/x", **given}, every)
    own = [name for name in given if name != "spf_auth"]
    assert found.way == way
    assert [getattr(found, name) for name in own] == [given[name] for name in own]
    foreign = {"spf_password", "spf_token", "spf_keytab", "spf_client_cert"} - set(own)
    if own:
        assert {getattr(found, name) for name in foreign} == {None}
        assert (found.spf_client_key is None) is ("spf_client_cert" not in own), (
            "the environment completes the task's own"
        )


@pytest.mark.parametrize(
    "given",
    [{"auth_source": "msi"}, {"auth_source": "cli"}, {"auth_source": "credential_file"}, ARM, {"access_token": "e30"}],
    ids=str,
)
def test_variables_of_another_source_concern_nobody_even_if_they_are_wrong(given: dict[str, str]) -> None:
    wrong = {"AZURE_X509_CERTIFICATE_PATH": "/e", "AZURE_CLIENT_CERTIFICATE_PATH": "/f", "AZURE_THUMBPRINT": "zz"}
    wrong |= {"AZURE_SECRET": "a", "AZURE_CLIENT_SECRET": "b", "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN": "maybe"}
    found = settings(ArmSettings, given, wrong)
    assert (found.x509_certificate_path, found.thumbprint, found.secret) == (None, None, given.get("secret"))


def test_a_tenant_is_the_same_in_any_case() -> None:
    assert settings(ArmSettings, {}, {"AZURE_TENANT": GUID, "AZURE_TENANT_ID": GUID.lower()}).tenant == GUID


def test_guids_are_taken_in_any_case() -> None:
    assert settings(SpfSettings, SPF | {"spf_stamp_id": GUID}, {}).spf_stamp_id == GUID
    assert settings(ArmSettings, ARM | {"subscription_id": GUID.lower()}, {}).subscription_id == GUID.lower()


@pytest.mark.parametrize("version", ["2024-06-01", "2023-10-07", "2025-03-13-preview"])
def test_an_api_version_is_a_date(version: str) -> None:
    assert settings(ArmSettings, ARM | {"scvmm_api_version": version}, {}).scvmm_api_version == version


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://h", "https://h"),
        ("https://h/", "https://h"),
        ("https://h:8443/a/b//", "https://h:8443/a/b"),
        ("HTTPS://H.Test/X", "https://h.test/X"),
        ("https://h:443/a", "https://h/a"),
        ("https://h:443", "https://h"),
        ("https://h:80/a", "https://h:80/a"),
        ("https://[::1]:8443/x", "https://[::1]:8443/x"),
    ],
)
def test_an_https_url_has_one_spelling(url: str, kept: str) -> None:
    assert https_url(url) == kept


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://h/", "is plain http"),
        ("HTTP://h/", "is plain http"),
        ("", "must be an https:// URL"),
        ("h/x", "must be an https:// URL"),
        ("ftp://h/", "must be an https:// URL"),
        ("https:///x", "must be an https:// URL"),
        ("https://h/a b", "must be an https:// URL"),
        ("https://h/\x00", "URL"),
        ("https://[::1/", "is not a URL"),
        ("https://h:port/", "is not a URL"),
        ("https://h:99999/", "is not a URL"),
        ("https://h:0/", "must be an https:// URL"),
        ("https://h\\x/", "must be an https:// URL"),
        ("https://svc@h/", "must not hold credentials"),
        ("https://svc:pw@h/", "must not hold credentials"),
        ("https://@h/", "must not hold credentials"),
        ("https://h/?x=1", "must not hold a query or fragment"),
        ("https://h/?", "must not hold a query or fragment"),
        ("https://h/#x", "must not hold a query or fragment"),
        ("https://h/#", "must not hold a query or fragment"),
    ],
)
def test_any_other_url_is_refused(url: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        https_url(url)


def test_every_setting_has_a_fallback_in_the_environment_and_no_two_share_one() -> None:
    fields = {name for kind in (SpfSettings, ArmSettings, TlsSettings) for name in kind.model_fields}
    assert fields <= set(ENVIRONMENT)
    variables = [variable for names in ENVIRONMENT.values() for variable in names]
    assert len(set(variables)) == len(variables)


@pytest.mark.parametrize("given", ["HTTP/spf.contoso.com", "h-1/host"])
def test_a_service_principal(given: str) -> None:
    found = settings(SpfSettings, SPF | {"spf_service_principal": given}, {})
    assert found.spf_service_principal == given


@pytest.mark.parametrize(
    "given", ["spf.contoso.com", "HTTP/", "/host", "1/host", "HTTP/h@REALM", "HTTP/h:80", "HTTP/a b"]
)
def test_what_is_no_service_principal(given: str) -> None:
    assert "spf_service_principal: write it like HTTP/spf.contoso.com" in refused(
        SpfSettings, SPF | {"spf_service_principal": given}
    )


@pytest.mark.parametrize(
    ("params", "environ", "skipped"),
    [
        ({"validate_certs": False}, {}, True),
        ({"validate_certs": True}, {"HYBRIDVM_VALIDATE_CERTS": "no"}, False),
        ({}, {"HYBRIDVM_VALIDATE_CERTS": "no"}, True),
        ({}, {}, False),
        ({"validate_certs": "perhaps"}, {}, False),
    ],
)
def test_whether_the_user_has_turned_verification_off(
    params: dict[str, Any], environ: dict[str, str], skipped: bool
) -> None:
    assert skips_tls_verification(params, environ) is skipped


def test_which_variables_are_left_without_some_options() -> None:
    environ = {"AZURE_SECRET": "a", "AZURE_CLIENT_SECRET": "a", "AZURE_TENANT": "t", "HOME": "/h"}
    assert without_variables(environ, {"secret"}) == {"AZURE_TENANT": "t", "HOME": "/h"}
    assert lacking("it", ("tenant", "client_id")) == (
        "it needs tenant (AZURE_TENANT or AZURE_TENANT_ID), client_id (AZURE_CLIENT_ID)"
    )


def test_every_option_that_names_a_file_is_treated_as_a_path() -> None:
    """`~` and the directory of the play mean the same for each of them."""
    named = {
        name
        for model in (SpfSettings, ArmSettings, TlsSettings)
        for name, field in model.model_fields.items()
        if FilePath in typing.get_args(field.annotation)
    }
    assert {"ca_path", "spf_client_key"} <= named
    assert set(PATHS) == named
