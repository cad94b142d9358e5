# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of Azure credentials that lack something, and all that is taken where nothing does."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.settings import ArmSettings
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.azure_credentials import Choice, choose
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.golden_refusals import hold

GOLDEN = Path(__file__).with_name("golden") / "azure_credentials_refusals.txt"
SUBSCRIPTION = "0fa1c3a2-0000-4000-8000-0000000000aa"
SECRET: dict[str, Any] = {"tenant": "t", "client_id": "c", "secret": "s"}
VARIABLES = {"AZURE_TENANT": "et", "AZURE_CLIENT_ID": "ec", "AZURE_SECRET": "es"}
MISFITS = {"AZURE_AD_USER": "me", "AZURE_PASSWORD": "s3cret"}
OIDC: dict[str, Any] = {"auth_source": "oidc"}
FILED: dict[str, Any] = {"auth_source": "credential_file"}
FULL = f"""
[default]
subscription_id={SUBSCRIPTION}
tenant=ft
client_id=fc
secret=fs
profile=other
thumbprint=
ad_user=me

[ci]
tenant=ft
client_id=fc2
secret=fs2
cloud_environment=AzureChinaCloud
"""
ASKS: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"tenant": "t"}, {}),
    ({"client_id": "c"}, {}),
    ({"secret": "s3cret", "tenant": "t"}, {}),
    ({"x509_certificate_path": "/p"}, {}),
    ({"federated_token_file": "/p", "client_id": "c"}, {}),
    ({"tenant": "t"}, MISFITS),
    ({"auth_source": "env"}, {}),
    ({"auth_source": "env", **SECRET}, MISFITS),
    ({"auth_source": "token"}, {}),
    ({"auth_source": "token", **SECRET}, VARIABLES),
    (OIDC, {}),
    ({**OIDC, "tenant": "t"}, {}),
    ({**OIDC, "client_id": "c"}, {}),
    ({**OIDC, "tenant": "t", "client_id": "c"}, {}),
    ({**SECRET, "federated_token_file": "/f"}, {}),
    ({**SECRET, "federated_token_file": "/f", "x509_certificate_path": "/p"}, {}),
    (FILED, {}),
    ({"profile": "ci"}, {}),
    ({}, {"AZURE_PROFILE": "ci"}),
]
"""Without any file."""
FILES: list[tuple[bytes, dict[str, Any], dict[str, str]]] = [
    (FULL.encode(), {"profile": "none"}, {}),
    (FULL.encode(), FILED, {"AZURE_PROFILE": "none"}),
    (FULL.encode(), {}, {"AZURE_PROFILE": "none"}),
    (FULL.encode(), {"profile": "ci", "cloud_environment": "http://x"}, {}),
    (b"[default]\ntenant=t\nclient_id=c\nsecret=s3cret\ncloud_environment=http://x", FILED, {}),
    (b"[default]\nclient_id=c\nsecret=s3cret", FILED, VARIABLES),
    (b"[default]\ntenant=t\nx509_certificate_path=/p", FILED, {}),
    (b"[default]\ntenant=t", FILED, {}),
    (b"[user]\nad_user=me\npassword=s3cret", {"profile": "user"}, {}),
    ("".join(f"[p{number:02}]\n" for number in range(21)).encode(), FILED, {}),
    (b"s3cret", FILED, {}),
    (b"[default]\nsecret=\xff", FILED, {}),
    (b"#" * 1024 * 1024, FILED, {}),
    (b"#" * (1024 * 1024 + 1), FILED, {}),
]


def credentials(home: Path, content: bytes) -> dict[str, str]:
    """The environment of a home with that file."""
    (home / ".azure").mkdir(parents=True)
    (home / ".azure" / "credentials").write_bytes(content)
    return {"HOME": str(home)}


def test_what_lacks_something_is_told_in_whole(tmp_path: Path) -> None:
    homes = [{**environ, **credentials(tmp_path / str(n), content)} for n, (content, _p, environ) in enumerate(FILES)]
    (tmp_path / "folder" / ".azure" / "credentials").mkdir(parents=True)
    asks = [
        *(partial(choose, params, environ) for params, environ in ASKS),
        partial(choose, FILED, {"HOME": str(tmp_path)}),
        partial(choose, FILED, {"HOME": str(tmp_path / "folder")}),
        *(partial(choose, params, home) for (_content, params, _environ), home in zip(FILES, homes, strict=True)),
    ]
    hold(GOLDEN, asks)
    assert "s3cret" not in GOLDEN.read_text("utf-8")


OF_FILE: dict[str, Any] = {"subscription_id": SUBSCRIPTION, "tenant": "ft", "client_id": "fc", "secret": "fs"}
OF_CI: dict[str, Any] = {"tenant": "ft", "client_id": "fc2", "secret": "fs2", "cloud_environment": "AzureChinaCloud"}


@pytest.mark.parametrize(
    ("params", "environ", "taken"),
    [
        (FILED, VARIABLES, OF_FILE),
        (FILED, {"AZURE_PROFILE": "ci"}, OF_CI),
        ({**FILED, "profile": "ci"}, {}, OF_CI),
        ({}, {"ANSIBLE_AZURE_AUTH_SOURCE": "credential_file"}, OF_FILE),
        ({"profile": "ci", "cloud_environment": None}, {}, OF_CI),
        ({"profile": "ci", "cloud_environment": ""}, {}, OF_CI),
        ({"profile": "ci"}, {"AZURE_SUBSCRIPTION_ID": SUBSCRIPTION}, {**OF_CI, "subscription_id": SUBSCRIPTION}),
        ({"profile": "ci", "token_cache": True}, {}, {**OF_CI, "token_cache": True}),
        ({"auth_source": "env", **SECRET}, {**VARIABLES, "AZURE_PROFILE": "ci"}, OF_CI),
        ({}, MISFITS, OF_FILE),
    ],
)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_all_that_a_profile_brings(
    params: dict[str, Any], environ: dict[str, str], taken: dict[str, Any], mark: bytes, tmp_path: Path
) -> None:
    home = credentials(tmp_path, mark + FULL.encode())
    assert choose(params, {**environ, **home}) == Choice("secret", ArmSettings(**taken))


@pytest.mark.parametrize(
    ("params", "environ", "kind", "taken"),
    [
        ({**SECRET, "access_token": "e30"}, {}, "access_token", {**SECRET, "access_token": "e30"}),
        ({"access_token": "e30"}, {}, "access_token", {"access_token": "e30"}),
        (SECRET, MISFITS, "secret", SECRET),
        (
            {"auth_source": "env", "profile": "ci"},
            VARIABLES,
            "secret",
            {"auth_source": "env", "tenant": "et", "client_id": "ec", "secret": "es"},
        ),
    ],
)
def test_all_that_is_taken_without_a_file(
    params: dict[str, Any], environ: dict[str, str], kind: Any, taken: dict[str, Any], tmp_path: Path
) -> None:
    assert choose(params, {**environ, "HOME": str(tmp_path)}) == Choice(kind, ArmSettings(**taken))
