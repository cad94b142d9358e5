# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of clouds, whom a cloud may name for sign-ins, and what is refused as whole lines."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import BadResponse
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth import clouds
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.clouds import (
    CLOUDS,
    Cloud,
    discover,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Script,
    reply,
    virtual,
)

AUDIENCE = "https://audience.test"
PORTAL = "Check that the URL leads to the service itself and not to a proxy or portal."


def discovered(said: Any, base: str = BASE, status: int = 200) -> Cloud:
    async def main() -> Cloud:
        async with Script(reply(status, said)).http(base=base) as http:
            return await discover(http, base)

    return virtual(main)


def refused(said: Any, base: str = BASE, status: int = 200) -> str:
    with pytest.raises(BadResponse) as caught:
        discovered(said, base, status)
    return str(caught.value)


def at(authority: str, **more: Any) -> dict[str, Any]:
    return {"authentication": {"loginEndpoint": authority, "audiences": [AUDIENCE]}, **more}


def test_the_clouds_that_have_a_name() -> None:
    assert {
        "azurecloud": Cloud(
            "AzureCloud",
            "https://management.azure.com",
            "https://login.microsoftonline.com",
            "https://management.azure.com/.default",
        ),
        "azureusgovernment": Cloud(
            "AzureUSGovernment",
            "https://management.usgovcloudapi.net",
            "https://login.microsoftonline.us",
            "https://management.core.usgovcloudapi.net/.default",
        ),
        "azurechinacloud": Cloud(
            "AzureChinaCloud",
            "https://management.chinacloudapi.cn",
            "https://login.chinacloudapi.cn",
            "https://management.chinacloudapi.cn/.default",
        ),
    } == CLOUDS


@pytest.mark.parametrize(
    ("status", "how"),
    [
        (299, "299"),
        (300, "300 with a redirect, which is not followed"),
        (301, "301 with a redirect, which is not followed"),
        (399, "399 with a redirect, which is not followed"),
        (400, "400"),
        (404, "404"),
    ],
)
def test_another_answer_than_200_is_told_in_whole(status: int, how: str) -> None:
    assert refused(b"", status=status) == f"service: its metadata endpoint answered {how}. {PORTAL}"


def test_an_answer_without_the_cloud_is_told_in_whole() -> None:
    assert refused({}) == f"service: its metadata endpoint names no sign-in authority and audience. {PORTAL}"


def test_an_authority_elsewhere_is_told_in_whole() -> None:
    assert refused(at("https://evil.test/t"), "https://management.contoso.com") == (
        "service: its metadata sends sign-ins to another origin (evil.test), which is neither Microsoft's nor of its "
        "own domain; refused, and no credentials were sent there. Name the cloud, or sign in elsewhere and give "
        "access_token."
    )


@pytest.mark.parametrize(
    "host",
    [
        "login.microsoftonline.com",
        "login.microsoft.com",
        "login.windows.net",
        "sts.windows.net",
        "login.partner.microsoftonline.cn",
        "login.chinacloudapi.cn",
        "login.microsoftonline.us",
        "login-us.microsoftonline.com",
        "login.usgovcloudapi.net",
        "login.microsoftonline.com.",
    ],
)
def test_each_authority_of_microsoft_s_is_trusted(host: str) -> None:
    assert discovered(at(f"https://{host}"), "https://management.contoso.com").authority == f"https://{host}"
    assert f"(sub.{host.rstrip('.')})" in refused(at(f"https://sub.{host}"), "https://management.contoso.com")


@pytest.mark.parametrize(
    ("manager", "authority"),
    [
        ("https://[fe80::a]:8443", "https://[FE80::A]:8443"),
        ("https://7.contoso.com", "https://adfs.contoso.com"),
        ("https://management.local.7.external", "https://adfs.local.7.external"),
        ("https://management.contoso.com.", "https://adfs.contoso.com"),
        ("https://management.contoso.com", "https://adfs.contoso.com."),
    ],
)
def test_the_same_house_however_it_is_written(manager: str, authority: str) -> None:
    assert discovered(at(authority), manager).authority == authority.lower()


@pytest.mark.parametrize(
    ("manager", "authority"),
    [
        ("https://management.local.azurestack.external", "https://evil.external"),
        ("https://a.b.contoso.co.uk", "https://evil.co.uk"),
        ("https://contoso", "https://evil"),
        ("https://10.0.0.7", "https://9.0.0.7"),
    ],
)
def test_another_house_is_not_trusted(manager: str, authority: str) -> None:
    assert "its metadata sends sign-ins to another origin (" in refused(at(authority), manager)


def test_an_address_has_no_domain_however_its_zone_is_called() -> None:
    assert not clouds._is_trusted("evil.contoso.com", "fe80::1%a.contoso.com")


@pytest.mark.parametrize(
    ("named", "base"),
    [("https://SERVICE.test/", "https://service.test"), ("https://service.test", "https://Service.test")],
)
def test_a_manager_is_the_one_that_was_asked_in_any_case(named: str, base: str) -> None:
    said = at("https://login.service.test", resourceManager=named, name=7)
    assert discovered([said], base) == Cloud("7", base, "https://login.service.test", "https://audience.test/.default")


@pytest.mark.parametrize(("length", "taken"), [(1000, True), (1001, False)])
def test_how_long_an_audience_may_be(length: int, taken: bool) -> None:
    said = {"authentication": {"loginEndpoint": "https://login.service.test", "audiences": ["a" * length]}}
    if taken:
        assert discovered(said).scope == "a" * length + "/.default"
    else:
        assert "names no sign-in authority and audience" in refused(said)
