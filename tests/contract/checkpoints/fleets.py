# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Five VMs of one service or of all three, each with a checkpoint named baseline, their guests broken since."""

from __future__ import annotations

from typing import Any

from tests.contract.checkpoints.scenarios import QUICK
from tests.contract.compute.azure_harness import QUICK as QUICK_AZURE
from tests.support.lab import Lab

CREATES = {"method": "POST|PUT", "path": "VMCheckPoints|createCheckpoint|/restorePoints/"}
"""The requests that make a checkpoint, as a fault finds them."""
FLEETS = {
    "spf": ["spf"] * 5,
    "scvmm": ["scvmm"] * 5,
    "compute": ["compute"] * 5,
    "mixed": ["spf", "scvmm", "compute", "scvmm", "compute"],
}
GOOD, BROKEN, CONF = "version = 1\n", "broken\n", "/etc/app.conf"


class Fleet:
    """The VMs are called vm1 to vm5, whatever their services; `vms` are references to them."""

    def __init__(self, services: list[str], *, without: int | None = None, **switches: Any) -> None:
        """`without`: the number of a VM that has no checkpoint."""
        document: dict[str, Any] = {}
        self.services = services
        for number, service in enumerate(services, 1):
            own = document.setdefault(service, {"vms": []})
            if service == "compute":
                own["vms"].append({"name": f"vm{number}", "os_disk": {"files": {CONF: GOOD}}})
                point = {"name": f"checkpoints-vm{number}", "source": f"vm{number}", "points": [{"name": "baseline"}]}
                own.setdefault("collections", []).extend([] if number == without else [point])
            else:
                points = [] if number == without else [{"name": "baseline", "days_old": 3}]
                own["vms"].append({"name": f"vm{number}", "files": {CONF: GOOD}, "checkpoints": points})
        self.lab = Lab(document, **{**QUICK, **QUICK_AZURE, "compute_hourly_limit": "off", **switches})
        for number in range(1, 6):
            self.files(number)[CONF] = BROKEN

    @property
    def vms(self) -> list[str]:
        """The references, in order."""
        return [self._reference(number) for number in range(1, 6)]

    def _reference(self, number: int) -> str:
        service, name = self.services[number - 1], f"vm{number}"
        if service == "spf":
            return name
        return self.lab.world.azure.named(name).id if service == "compute" else self.lab.world.machine_uri(name)

    def files(self, number: int) -> dict[str, str]:
        """What the guest finds on its disk."""
        world, name = self.lab.world, f"vm{number}"
        if self.services[number - 1] == "compute":
            return world.azure.files(world.azure.named(name), "os")
        return world.vm(name).files

    def guests(self) -> list[str]:
        """What each guest's file holds."""
        self.lab.world.settle()
        return [self.files(number)[CONF] for number in range(1, 6)]

    def names(self) -> list[list[str]]:
        """The names of the checkpoints of each VM."""
        self.lab.world.settle()
        return [self._names(number) for number in range(1, 6)]

    def _names(self, number: int) -> list[str]:
        if self.services[number - 1] != "compute":
            return self.lab.names(f"vm{number}")
        collections = self.lab.world.azure.collections.values()
        found = next((each for each in collections if each.name == f"checkpoints-vm{number}"), None)
        return [] if found is None else [point.name for point in found.points]
