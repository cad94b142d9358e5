# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure as one VM is read from it: the VM, its collection, its disk and the locks, answered by path."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import httpx

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.client import Arm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import ObservedVm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.targets import VM
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.base import Purpose
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.provider import Compute
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import (
    GROUP,
    ID,
    POINT,
    SUBSCRIPTION,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Reply,
    Script,
    reply,
    virtual,
)

SETTINGS = cast(
    Any,
    SimpleNamespace(
        compute_api_version="2024-07-01",
        disk_api_version="2024-03-02",
        subscription_id=SUBSCRIPTION.rpartition("/")[2],
    ),
)
WHO = VM(reference=ID, name="v", id=ID, canonical=ID.lower(), provider="compute", service=BASE)
HOME = POINT.rpartition("/restorePoints/")[0]
PATHS = {
    "vm": ID,
    "home": HOME,
    "locks": f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Authorization/locks",
    "disks": f"{GROUP}/disks",
    "point": POINT,
}
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
"""What the answer with the points says; the VM's own is an hour older."""
OURS = NOW - timedelta(seconds=5)
MADE = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
OS_DISK: dict[str, Any] = {
    "id": f"{GROUP}/disks/o",
    "name": "o",
    "location": "westeurope",
    "properties": {"diskSizeGB": 30},
}
_DATES = {"vm": "Fri, 20 Nov 2026 11:00:00 GMT", "home": "Fri, 20 Nov 2026 12:00:00 GMT"}
Act = Callable[[Compute], Awaitable[Any]]


def machine(location: str = "West Europe", **properties: Any) -> dict[str, Any]:
    """The VM: it runs, its agent is ready, and it has an OS disk."""
    view = {
        "statuses": [{"code": "PowerState/running"}],
        "vmAgent": {"statuses": [{"displayStatus": "Ready"}]},
    }
    profile = {"osDisk": {"name": "o", "managedDisk": {"id": f"{GROUP}/disks/o"}}}
    members = {"vmId": "a", "storageProfile": profile, "instanceView": view, **properties}
    return {"id": ID, "name": "v", "location": location, "properties": members}


def point(name: str = "p", **properties: Any) -> dict[str, Any]:
    """A restore point that has succeeded."""
    members = {"provisioningState": "Succeeded", "timeCreated": "2026-11-20T09:30:00Z", **properties}
    return {"id": f"{HOME}/restorePoints/{name}", "name": name, "properties": members}


def collection(*points: dict[str, Any], source: Any = ID, **members: Any) -> dict[str, Any]:
    """The VM's collection."""
    properties = {"source": {"id": source}, "restorePoints": list(points)}
    return {"id": HOME, "name": "c", "location": "westeurope", "properties": properties, **members}


def lock(level: str, scope: str, name: str = "keep") -> dict[str, Any]:
    """A management lock."""
    return {
        "id": f"{scope}/providers/Microsoft.Authorization/locks/{name}",
        "name": name,
        "properties": {"level": level},
    }


def absent(path: str) -> Reply:
    """The resource manager's word that there is none."""
    return reply(404, {"error": {"code": "ResourceNotFound", "message": f"The resource {path} was not found."}})


class Azure:
    """Answers by the names in PATHS, None where there is none, or by path. `asked` is what it was asked for."""

    def __init__(self, also: dict[str, Reply] | None = None, **answers: Any) -> None:
        none: dict[str, Any] = {"value": []}
        said = {"vm": machine(), "home": collection(), "locks": none, "disks": {"value": [OS_DISK]}, **answers}
        self._names = {path.lower(): name for name, path in PATHS.items()}
        self._answers = {PATHS[name].lower(): self._reply(name, answer) for name, answer in said.items()}
        self._answers |= {path.lower(): answer for path, answer in (also or {}).items()}
        self.asked: list[str] = []
        self.sent: list[str] = []

    def do(self, act: Act, collection: str | None = "c") -> Any:
        """What the provider makes of it."""

        async def main() -> Any:
            async with Script(self._answer).http() as http:
                return await act(Compute(Arm(http, BASE, "client c"), SETTINGS, collection, lambda: OURS))

        return virtual(main)

    def read(self, purpose: Purpose = "change") -> ObservedVm:
        """The VM as it is read for that purpose."""
        found: ObservedVm = self.do(lambda compute: compute.read(WHO, purpose))
        return found

    def _reply(self, name: str, answer: Any) -> Reply:
        if isinstance(answer, Reply):
            return answer
        if answer is None:
            return absent(PATHS[name])
        headers = {"date": _DATES[name]} if name in _DATES else {}
        return reply(200, answer, etag='"7"', **headers)

    def _answer(self, request: httpx.Request) -> Reply:
        path = request.url.path.lower()
        self.asked.append(self._names.get(path, path))
        self.sent.append(f"{request.method} {request.url}".replace(BASE, ""))
        return self._answers[path]
