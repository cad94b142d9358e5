# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Azure clouds: where ARM is, who signs in, and for which audience.

The table is azure-mgmt-core's (1.6.0, get_arm_endpoints) and azure-cli's (core/cloud.py). Of a cloud given by URL, such
as Azure Stack Hub, the metadata endpoint is read.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ..._core.errors import BadResponse, InvalidInput
from ..._core.option_texts import https_url
from ..._deps import httpx
from ..client import Http

METADATA_VERSION = "2019-05-01"
MICROSOFT = {
    "login.microsoftonline.com",
    "login.microsoft.com",
    "login.windows.net",
    "sts.windows.net",
    "login.partner.microsoftonline.cn",
    "login.chinacloudapi.cn",
    "login.microsoftonline.us",
    "login-us.microsoftonline.com",
    "login.usgovcloudapi.net",
}
"""Authorities that are trusted whichever cloud names them (msal 1.x, authority.py, WELL_KNOWN_AUTHORITY_HOSTS)."""
_AUDIENCE = re.compile(r"[\x21-\x7e]{1,1000}")


@dataclass(frozen=True)
class Cloud:
    """One cloud's addresses. `scope` is what a token is requested for."""

    name: str
    arm: str
    authority: str
    scope: str


CLOUDS = {
    name.lower(): Cloud(name, f"https://{arm}", f"https://{authority}", f"https://{audience}/.default")
    for name, arm, authority, audience in (
        ("AzureCloud", "management.azure.com", "login.microsoftonline.com", "management.azure.com"),
        (
            "AzureUSGovernment",
            "management.usgovcloudapi.net",
            "login.microsoftonline.us",
            "management.core.usgovcloudapi.net",
        ),
        ("AzureChinaCloud", "management.chinacloudapi.cn", "login.chinacloudapi.cn", "management.chinacloudapi.cn"),
    )
}
"""As azure-mgmt-core has them (1.6, tools.get_arm_endpoints)."""


def known(name: str) -> Cloud:
    """The cloud of that name, in any case."""
    try:
        return CLOUDS[name.lower()]
    except KeyError:
        names = ", ".join(cloud.name for cloud in CLOUDS.values())
        raise InvalidInput(
            f"cloud_environment: {name!r} is unknown; it takes {names}, or the https URL of a resource manager."
        ) from None


async def discover(http: Http, url: str) -> Cloud:
    """The addresses that the resource manager at `url` names, in either of the two shapes (list, object).

    A sign-in authority is accepted only if it is Microsoft's or of the same domain: it is sent the secret.
    """
    response = await http.read(
        f"{url}/metadata/endpoints?api-version={METADATA_VERSION}", context="asking for the cloud's endpoints"
    )
    if response.status != 200:
        redirect = " with a redirect, which is not followed" if 300 <= response.status < 400 else ""
        raise response.bad(f"its metadata endpoint answered {response.status}{redirect}.")
    body = response.json()
    entries = body if isinstance(body, list) else [body]
    for entry in entries:
        if cloud := _read(entry, url):
            authority = _host(cloud.authority)
            if not _is_trusted(authority, _host(url)):
                raise BadResponse(
                    f"its metadata sends sign-ins to another origin ({authority}), which is neither Microsoft's nor of "
                    "its own domain; refused, and no credentials were sent there.",
                    subject=http.label,
                    remedy="Name the cloud, or sign in elsewhere and give access_token.",
                )
            return cloud
    raise response.bad("its metadata endpoint names no sign-in authority and audience.")


def _read(entry: t.Any, url: str) -> Cloud | None:
    try:
        sign_in = entry["authentication"]
        authority, audience = https_url(sign_in["loginEndpoint"]), sign_in["audiences"][0]
        manager = https_url(entry.get("resourceManager") or url)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return None
    # A list may describe other clouds too.
    if manager.lower() != url.lower() or not isinstance(audience, str) or not _AUDIENCE.fullmatch(audience):
        return None
    # An audience keeps its trailing slash: Entra then expects `…//.default`.
    return Cloud(str(entry.get("name") or url), url, authority, f"{audience}/.default")


def _is_trusted(authority: str, manager: str) -> bool:
    """Microsoft's own, the manager's host or below it, or of its domain (such as `adfs.` and `management.` of one).

    The domain is the manager's host without its first label if two labels are left, or without two if three are left.
    """
    if authority in MICROSOFT or authority == manager or authority.endswith(f".{manager}"):
        return True
    labels = manager.split(".")
    if labels[-1].isdigit() or ":" in manager:
        return False  # an address has no domain
    domains = [".".join(labels[cut:]) for cut in (1, 2) if len(labels) - cut > cut]
    return any(f".{authority}".endswith(f".{domain}") for domain in domains)


def _host(url: str) -> str:
    """The host in ASCII and in lower case, as httpx has it: an internationalised name may look like another one."""
    return httpx.URL(url).raw_host.decode("ascii").rstrip(".")
