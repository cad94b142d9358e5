# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Azure clouds: where ARM is, who signs in, and for which audience.

The table is azure-mgmt-core's (1.6.0, get_arm_endpoints) and azure-cli's (core/cloud.py); a URL asks the cloud itself
through its metadata endpoint, as Azure Stack Hub and other private clouds need.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._errors import InvalidInput
from .._http import Http
from .._settings import https_url

METADATA_VERSION = "2019-05-01"


@dataclass(frozen=True)
class Cloud:
    """One cloud's addresses. `scope` is what a token is asked for."""

    name: str
    arm: str
    authority: str
    scope: str


CLOUDS = {
    cloud.name.lower(): cloud
    for cloud in (
        Cloud(
            "AzureCloud",
            "https://management.azure.com",
            "https://login.microsoftonline.com",
            "https://management.azure.com/.default",
        ),
        Cloud(
            "AzureUSGovernment",
            "https://management.usgovcloudapi.net",
            "https://login.microsoftonline.us",
            "https://management.usgovcloudapi.net/.default",
        ),
        Cloud(
            "AzureChinaCloud",
            "https://management.chinacloudapi.cn",
            "https://login.chinacloudapi.cn",
            "https://management.chinacloudapi.cn/.default",
        ),
    )
}


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
    """Ask the resource manager at `url` for its own addresses; both shapes it answers in are read (list, object)."""
    answer = await http.read(f"{url}/metadata/endpoints?api-version={METADATA_VERSION}")
    if answer.status != 200:
        raise answer.bad(f"its metadata endpoint answered {answer.status}.")
    said = answer.json()
    entries = said if isinstance(said, list) else [said]
    for entry in entries:
        if cloud := _read(entry, url):
            return cloud
    raise answer.bad("its metadata endpoint names no sign-in authority and audience.")


def _read(entry: t.Any, url: str) -> Cloud | None:
    try:
        sign_in = entry["authentication"]
        authority, audience = https_url(sign_in["loginEndpoint"]), sign_in["audiences"][0]
        manager = https_url(entry.get("resourceManager") or url)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return None
    # A list may describe other clouds as well; only the one that was asked is meant.
    if manager.lower() != url.lower():
        return None
    # The audience's own trailing slash stays: Entra wants `…//.default` for such a one.
    return Cloud(str(entry.get("name") or url), url, authority, f"{audience}/.default")
