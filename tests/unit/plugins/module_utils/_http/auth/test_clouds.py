# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cloud: by name, or by asking the resource manager itself."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import BadResponse, InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.clouds import Cloud, discover, known
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Script,
    reply,
    virtual,
)

LOGIN = {"loginEndpoint": "https://login.service.test/", "audiences": ["https://audience.test/", "other"]}
STACK = {"name": "Stack", "resourceManager": f"{BASE}/", "authentication": LOGIN}


def discovered(server: Script, base: str = BASE) -> Cloud:
    async def main() -> Cloud:
        async with server.http(base=base) as http:
            return await discover(http, base)

    return virtual(main)


@pytest.mark.parametrize("name", ["AzureCloud", "azurecloud", "AzureUSGovernment", "AZURECHINACLOUD"])
def test_a_cloud_is_known_in_any_case_and_keeps_to_https(name: str) -> None:
    cloud = known(name)
    assert cloud.name.lower() == name.lower()
    assert cloud.scope.startswith("https://management.")
    assert cloud.scope.endswith("/.default")
    assert cloud.arm.startswith("https://management.")
    assert cloud.authority.startswith("https://login.")


def test_an_unknown_one_lists_those_that_are_known() -> None:
    with pytest.raises(InvalidInput) as caught:
        known("AzureGermanCloud")
    assert caught.value.message == (
        "cloud_environment: 'AzureGermanCloud' is unknown; it takes AzureCloud, AzureUSGovernment, AzureChinaCloud, "
        "or the https URL of a resource manager."
    )


@pytest.mark.parametrize(
    "said",
    [
        STACK,
        [STACK],
        [{"name": "Other", "resourceManager": "https://other.test", "authentication": LOGIN}, STACK],
        ["nonsense", None, {}, STACK],
    ],
)
def test_a_resource_manager_tells_its_own_addresses_in_both_shapes(said: Any) -> None:
    server = Script(reply(200, said))
    assert discovered(server) == Cloud("Stack", BASE, "https://login.service.test", "https://audience.test//.default")
    assert server.sent == [f"GET {BASE}/metadata/endpoints?api-version=2019-05-01"]


def test_one_that_does_not_name_itself_is_the_one_that_was_asked() -> None:
    assert discovered(Script(reply(200, {"authentication": LOGIN}))).name == BASE


@pytest.mark.parametrize(
    "said",
    [
        [],
        {},
        None,
        7,
        '"text"',
        {"authentication": None},
        {"authentication": {"loginEndpoint": "https://login.service.test"}},
        {"authentication": LOGIN | {"audiences": []}},
        {"authentication": LOGIN | {"audiences": {}}},
        {"authentication": LOGIN | {"audiences": [7]}},
        {"authentication": LOGIN | {"audiences": ["https://audience.test/\u202e"]}},
        {"authentication": LOGIN | {"audiences": [""]}},
        {"authentication": LOGIN | {"loginEndpoint": "http://login.test"}},
        {"authentication": LOGIN | {"loginEndpoint": 7}},
        {"authentication": LOGIN, "resourceManager": "https://other.test"},
        {"authentication": LOGIN, "resourceManager": 7},
    ],
)
def test_one_that_names_no_safe_way_to_sign_in_is_refused(said: Any) -> None:
    with pytest.raises(BadResponse, match="names no sign-in authority and audience"):
        discovered(Script(reply(200, said if said is not None else "null")))


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [(404, b"", "its metadata endpoint answered 404"), (200, b"<html>", "is not readable JSON")],
)
def test_something_else_at_that_address_is_reported(status: int, body: bytes, expected: str) -> None:
    with pytest.raises(BadResponse, match=expected):
        discovered(Script(reply(status, body)))


@pytest.mark.parametrize(
    ("manager", "authority"),
    [
        ("https://management.contoso.com", "https://management.contoso.com"),
        ("https://management.contoso.com", "https://management.contoso.com:8443/adfs"),
        ("https://management.contoso.com", "https://login.management.contoso.com"),
        ("https://management.contoso.com", "https://adfs.contoso.com/adfs"),
        ("https://management.contoso.com", "https://contoso.com"),
        ("https://management.contoso.com", "https://LOGIN.microsoftonline.com"),
        ("https://management.contoso.com", "https://login.windows.net"),
        ("https://management.local.azurestack.external", "https://adfs.local.azurestack.external/adfs"),
        ("https://management.azure.example.ic.gov", "https://login.microsoftonline.example.ic.gov"),
        ("https://127.0.0.1:8443", "https://127.0.0.1:8443"),
        ("https://[::1]:8443", "https://[::1]:8443"),
        ("https://localhost:8443", "https://localhost:8443"),
    ],
)
def test_a_secret_goes_to_microsoft_or_stays_in_the_house(manager: str, authority: str) -> None:
    said = {"authentication": LOGIN | {"loginEndpoint": authority}}
    assert discovered(Script(reply(200, said)), manager).authority == authority.lower()


@pytest.mark.parametrize(
    ("manager", "authority", "shown"),
    [
        ("https://management.contoso.com", "https://evil.test", "evil.test"),
        ("https://management.contoso.com", "https://evilcontoso.com", "evilcontoso.com"),
        ("https://management.contoso.com", "https://contoso.com.evil.test", "contoso.com.evil.test"),
        ("https://management.contoso.com", "https://login.microsoftonline.com.evil.test", None),
        ("https://management.contoso.com", "https://login.mi\u0441rosoft.com", "login.xn--mirosoft-gch.com"),
        ("https://management.contoso.co.uk", "https://evil.co.uk", "evil.co.uk"),
        ("https://contoso.com", "https://evil.com", "evil.com"),
        ("https://127.0.0.1:8443", "https://9.0.0.1", "9.0.0.1"),
        ("https://[fe80::1]", "https://[fe80::2]", "fe80::2"),
    ],
)
def test_it_goes_nowhere_else_whoever_says_so(manager: str, authority: str, shown: str | None) -> None:
    said = {"authentication": LOGIN | {"loginEndpoint": authority}}
    with pytest.raises(BadResponse, match="sends sign-ins to another origin") as caught:
        discovered(Script(reply(200, said)), manager)
    assert f"({shown or authority.removeprefix('https://')})" in caught.value.message
