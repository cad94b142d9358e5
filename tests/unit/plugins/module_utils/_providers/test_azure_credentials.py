# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Azure credentials count, in azure.azcollection's order, and what is said where there are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.azure_credentials import choose

SECRET: dict[str, Any] = {"tenant": "t", "client_id": "c", "secret": "s"}
VARIABLES = {"AZURE_TENANT": "et", "AZURE_CLIENT_ID": "ec", "AZURE_SECRET": "es"}
FILE = """
[default]
subscription_id = 0fa1c3a2-0000-4000-8000-0000000000aa
tenant = ft
client_id = fc
secret = fs%s

[ci]
tenant=ft
client_id=fc2
x509_certificate_path=/etc/ci.pem
thumbprint=0123456789012345678901234567890123456789
cloud_environment=AzureChinaCloud

[user]
ad_user=me
password=pw
"""


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    (tmp_path / ".azure").mkdir()
    (tmp_path / ".azure" / "credentials").write_text(FILE)
    return {"HOME": str(tmp_path)}


def refused(params: dict[str, Any], environ: dict[str, str] | None = None) -> str:
    with pytest.raises(InvalidInput) as caught:
        choose(params, environ or {})
    return str(caught.value)


@pytest.mark.parametrize(
    ("params", "environ", "kind", "client"),
    [
        (SECRET, VARIABLES, "secret", "c"),
        ({"access_token": "e30"}, VARIABLES, "access_token", "ec"),
        ({}, VARIABLES, "secret", "ec"),
        ({"client_id": "c"}, VARIABLES, "secret", "c"),
        ({**SECRET, "secret": None, "x509_certificate_path": "/p"}, VARIABLES, "x509_certificate_path", "c"),
        ({**SECRET, "secret": None, "federated_token_file": "/p"}, VARIABLES, "federated_token_file", "c"),
        ({}, VARIABLES | {"AZURE_PROFILE": "ci"}, "x509_certificate_path", "fc2"),
        (SECRET, {"AZURE_PROFILE": "ci"}, "secret", "c"),
        ({"profile": "ci"}, VARIABLES, "x509_certificate_path", "fc2"),
        ({"profile": "ci", **SECRET}, VARIABLES, "x509_certificate_path", "fc2"),
        ({}, {}, "secret", "fc"),
        ({}, {"AZURE_CLIENT_ID": "ec", "AZURE_TENANT_ID": "et"}, "secret", "fc"),
        ({"auth_source": "credential_file"}, VARIABLES, "secret", "fc"),
        ({"auth_source": "env", **SECRET}, VARIABLES, "secret", "ec"),
        ({"auth_source": "env"}, VARIABLES | {"AZURE_PROFILE": "ci"}, "x509_certificate_path", "fc2"),
        ({"auth_source": "cli", **SECRET}, {}, "cli", "c"),
        ({"auth_source": "msi", "client_id": "mine"}, {}, "msi", "mine"),
        ({"auth_source": "token", "access_token": "e30", **SECRET}, {}, "access_token", "c"),
        ({"auth_source": "oidc", **SECRET, "federated_token_file": "/f"}, {}, "federated_token_file", "c"),
        ({"auth_source": "oidc", **SECRET}, {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://x"}, "pipeline", "c"),
        ({"auth_source": "oidc", **SECRET}, {"SYSTEM_OIDCREQUESTURI": "https://x"}, "pipeline", "c"),
    ],
)
def test_the_order(
    params: dict[str, Any], environ: dict[str, str], kind: str, client: str, home: dict[str, str]
) -> None:
    found = choose(params, environ | home)
    assert (found.kind, found.settings.client_id) == (kind, client)


def test_a_profile_brings_its_subscription_and_cloud_and_is_taken_literally(home: dict[str, str]) -> None:
    found = choose({}, home).settings
    assert (found.subscription_id, found.secret) == ("0fa1c3a2-0000-4000-8000-0000000000aa", "fs%s")
    assert choose({"profile": "ci"}, home).settings.cloud_environment == "AzureChinaCloud"
    assert choose({"profile": "ci", "cloud_environment": "AzureCloud"}, home).settings.cloud_environment == "AzureCloud"


def test_with_nothing_at_all_az_comes_last_and_knows_what_was_tried(tmp_path: Path) -> None:
    found = choose({}, {"HOME": str(tmp_path)})
    assert found.kind == "cli"
    assert found.tried == (
        "task and environment: signing in to Azure without access_token needs tenant (AZURE_TENANT or "
        "AZURE_TENANT_ID), client_id (AZURE_CLIENT_ID), secret (AZURE_SECRET or AZURE_CLIENT_SECRET); "
        "x509_certificate_path or federated_token_file may replace secret",
        "credential file: there is no ~/.azure/credentials",
    )


@pytest.mark.parametrize(
    ("params", "environ", "expected"),
    [
        ({"tenant": "t"}, {}, "needs client_id (AZURE_CLIENT_ID), secret (AZURE_SECRET or AZURE_CLIENT_SECRET);"),
        ({"secret": "s3cret", "tenant": "t"}, {}, "without access_token needs client_id (AZURE_CLIENT_ID)."),
        ({"auth_source": "env"}, {}, "from the environment alone (auth_source env) without access_token needs tenant"),
        ({"auth_source": "token"}, {}, "with auth_source token needs access_token (AZURE_ACCESS_TOKEN)."),
        ({"auth_source": "oidc"}, {}, "with auth_source oidc needs tenant"),
        ({"auth_source": "oidc", "tenant": "t", "client_id": "c"}, {}, "finds no token to exchange"),
        ({"auth_source": "credential_file"}, {}, "HOME is not set"),
        ({"profile": "none"}, {}, "has no profile none (option profile); it has default, ci, user"),
        ({"profile": "user"}, {}, "has ad_user: users with a password are not supported; put a service principal's c"),
        (
            {"auth_source": "env"},
            {"AZURE_AD_USER": "me", "AZURE_PASSWORD": "s3cret"},
            "; AZURE_AD_USER is not read: us",
        ),
        (
            {"tenant": "t"},
            {"AZURE_AD_USER": "me"},
            "; AZURE_AD_USER is not read: users with a password are not support",
        ),
        ({**SECRET, "federated_token_file": "/f"}, {}, "secret and federated_token_file: the task gives more than one"),
    ],
)
def test_what_is_begun_and_lacks_something_is_reported(
    params: dict[str, Any], environ: dict[str, str], expected: str, home: dict[str, str]
) -> None:
    text = refused(params, environ if "HOME" in expected else environ | home)
    assert expected in text
    assert "s3cret" not in text


def test_a_user_with_a_password_in_the_environment_is_told_among_what_was_tried(tmp_path: Path) -> None:
    found = choose({}, {"HOME": str(tmp_path), "AZURE_AD_USER": "me", "AZURE_PASSWORD": "s3cret"})
    assert "AZURE_AD_USER is not read: users with a password are not supported" in found.tried[0]
    assert "s3cret" not in str(found)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"s3cret", "~/.azure/credentials is no INI file"),
        (
            b"[default]\ntenant=t\nclient_id=c\nsecret=s3cret\ncloud_environment=http://x",
            "(profile default of ~/.azure/cr",
        ),
        (b"\xff\xfe", "~/.azure/credentials is no INI file"),
        (b"[default]\nsecret = s3cret\n", "the profile default of ~/.azure/credentials needs tenant"),
        (b"x" * 1024 * 1025, "is larger than 1 MiB"),
        (None, "~/.azure/credentials cannot be read (Is a directory)"),
    ],
)
def test_a_file_that_cannot_be_used_is_reported(content: bytes | None, expected: str, tmp_path: Path) -> None:
    (tmp_path / ".azure").mkdir()
    path = tmp_path / ".azure" / "credentials"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    text = refused({"auth_source": "credential_file"}, {"HOME": str(tmp_path)})
    assert expected in text
    assert "s3cret" not in text


def test_a_profile_inherits_what_the_default_section_has(tmp_path: Path) -> None:
    """As Python's configparser, with which azure.azcollection reads the file."""
    (tmp_path / ".azure").mkdir()
    (tmp_path / ".azure" / "credentials").write_text("[DEFAULT]\ntenant=t\n[ci]\nclient_id=c\nsecret=s\n")
    found = choose({"profile": "ci"}, {"HOME": str(tmp_path)})
    assert (found.kind, found.settings.tenant) == ("secret", "t")
