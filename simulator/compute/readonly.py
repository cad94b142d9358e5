# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members that the swagger marks readOnly: what a strict server says to who sends one.

From ComputeRP 2024-07-01 (restorePoint, virtualMachine) and DiskRP 2024-03-02; whether the real one is strict is [U].
The resource's own `id`, `name` and `type` are left out: ARM takes them where they agree with the path.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simulator.azure.jobs import Refused

_SOURCE = "properties.sourceMetadata"
_DISK = ("name", "caching", "diskSizeGB", "writeAcceleratorEnabled")
READ_ONLY: dict[str, frozenset[str]] = {
    "restorePointCollections": frozenset(
        {
            "properties.provisioningState",
            "properties.restorePointCollectionId",
            "properties.restorePoints",
            "properties.source.location",
        }
    ),
    "restorePointCollections/restorePoints": frozenset(
        {
            "properties.provisioningState",
            "properties.instanceView",
            *(
                f"{_SOURCE}.{name}"
                for name in (
                    "hardwareProfile",
                    "osProfile",
                    "diagnosticsProfile",
                    "licenseType",
                    "vmId",
                    "securityProfile",
                    "location",
                    "userData",
                    "hyperVGeneration",
                    "storageProfile.diskControllerType",
                    "storageProfile.osDisk.osType",
                    "storageProfile.osDisk.encryptionSettings",
                )
            ),
            *(f"{_SOURCE}.storageProfile.osDisk.{name}" for name in _DISK),
            *(f"{_SOURCE}.storageProfile.dataDisks[].{name}" for name in ("lun", *_DISK)),
        }
    ),
    "disks": frozenset(
        {
            "managedBy",
            "managedByExtended",
            "properties.timeCreated",
            "properties.diskSizeBytes",
            "properties.diskState",
            "properties.uniqueId",
            "properties.provisioningState",
            "properties.shareInfo",
            "properties.burstingEnabledTime",
            "properties.propertyUpdatesInProgress",
            "properties.LastOwnershipUpdateTime",
        }
    ),
    "virtualMachines": frozenset(
        {
            "managedBy",
            "etag",
            "resources",
            "properties.provisioningState",
            "properties.instanceView",
            "properties.vmId",
            "properties.timeCreated",
        }
    ),
}


def refuse_read_only(kind: str, body: dict[str, Any]) -> None:
    """Refused with the first readOnly member in the body of a PUT or PATCH."""
    known = READ_ONLY.get(kind, frozenset())
    for path in _paths(body):
        if path in known:
            text = f"The property '{path}' is read-only and cannot be set."
            raise Refused(400, "InvalidParameter", text, target=path)


def _paths(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            below = f"{path}.{name}" if path else name
            yield below
            yield from _paths(each, below)
    elif isinstance(value, list):
        for each in value:
            yield from _paths(each, f"{path}[]")
