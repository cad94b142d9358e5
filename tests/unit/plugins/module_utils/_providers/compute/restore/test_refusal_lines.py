# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that a restore in place refuses, each as the whole line that a user reads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import MissingCheckpoint
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint, Power
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import RestoreRequest
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.disk_entities import DiskEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.plan import restore_steps
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.state import AzureVmState
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.tags import short_hash
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.vm_entities import VmEntity
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import (
    SOURCE,
    TARGET,
    detail,
    disk,
    inventory,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.golden_refusals import Ask, hold


def asked(of: AzureVmState, power: Power = "on", **spec: Any) -> object:
    return restore_steps(RestoreRequest(name="p", **spec), inventory(of, power), lambda: TARGET, power)


def point(
    of: AzureVmState, state: str = "Succeeded", os_disk: dict[str, Any] | None = None, **source: Any
) -> AzureVmState:
    """The state with a point of another kind."""
    assert of.collection is not None
    document = of.collection.model_dump(mode="json")
    properties = document["properties"]["restorePoints"][0]["properties"]
    properties["provisioningState"] = state
    properties["sourceMetadata"] |= source
    properties["sourceMetadata"]["storageProfile"]["osDisk"] |= os_disk or {}
    return replace(of, collection=type(of.collection).model_validate(document))


def machine(of: AzureVmState, generation: str | None = None, **os_disk: Any) -> AzureVmState:
    """The state with a VM of another kind."""
    document = of.vm.model_dump(mode="json")
    document["properties"]["storageProfile"]["osDisk"] |= os_disk
    document["properties"]["instanceView"]["hyperVGeneration"] = generation
    return replace(of, vm=VmEntity.model_validate(document))


def stranger() -> AzureVmState:
    """A disk bears the name of one that the restore would make."""
    staged = restore_steps(RestoreRequest(name="p"), inventory(detail(disk("o"))), lambda: TARGET, "on")
    name = str(staged.steps[0].about()["disk"])
    made = {"creationData": {"createOption": "Copy", "sourceResourceId": f"{SOURCE}x"}}
    document = {**disk(name).model_dump(mode="json"), "properties": made}
    return detail(disk("o"), DiskEntity.model_validate(document))


OLD = disk("o")
MOVED = {"os": "o", "lun4": "d"}
ENCRYPTED = {"encryptionSettings": {"enabled": True}}


def gone() -> Checkpoint:
    raise MissingCheckpoint("nothing to restore.", remedy="Make one first.")


def begun(key: str | None = "k", **of_vm: Any) -> AzureVmState:
    """An earlier run has made its disk, which the VM may be on."""
    first = RestoreRequest(name="p", restore_key=key)
    run = restore_steps(first, inventory(detail(OLD)), lambda: TARGET, "on").steps[0].about()["run"]
    tags = {"run": str(run), "state": "pending", "power": "on", "replaces": "rg/o", "source": short_hash(SOURCE)}
    made = disk(f"v-os-{run}", point="c/p", **tags)
    where = {"os": made.name if of_vm.pop("swapped", False) else "o"}
    return detail(OLD, made, **{"attached": where, **of_vm})


def missing(of: AzureVmState, **spec: Any) -> object:
    points: dict[str, Any] = {"points": ()} if not of.points else {}
    return restore_steps(RestoreRequest(name="q", **spec), inventory(of, "off", **points), gone, "off")


def without_disks() -> AzureVmState:
    of = point(detail(OLD))
    assert of.collection is not None
    document = of.collection.model_dump(mode="json")
    document["properties"]["restorePoints"][0]["properties"]["sourceMetadata"] = None
    return replace(of, collection=type(of.collection).model_validate(document))


REFUSED: list[Ask] = [
    lambda: restore_steps(RestoreRequest(name="other", restore_key="k"), inventory(begun()), lambda: TARGET, "on"),
    lambda: missing(detail(OLD)),
    lambda: missing(begun(None, point=False, power="deallocated")),
    lambda: missing(begun(None, point=False, power="running")),
    lambda: missing(begun(None, point=False, power="deallocated", attached={})),
    lambda: missing(begun(None, swapped=True, power="deallocated")),
    lambda: asked(without_disks()),
    lambda: asked(point(detail(OLD), "Updating")),
    lambda: asked(detail(OLD, source=None)),
    lambda: asked(stranger()),
    lambda: asked(detail(OLD, power="starting"), "unknown"),
    lambda: asked(detail(OLD, power=""), "unknown"),
    lambda: asked(detail(OLD, attached={})),
    lambda: asked(machine(point(detail(OLD), os_disk={"osType": "Windows"}), osType="Linux")),
    lambda: asked(machine(point(detail(OLD), hyperVGeneration="V1"), "V2")),
    lambda: asked(point(detail(OLD), os_disk=ENCRYPTED)),
    lambda: asked(detail(OLD, disk("d"), attached=MOVED, also={"lun0": "d"})),
]


def test_what_is_refused() -> None:
    hold(Path(__file__).parent / "golden" / "refusals.txt", REFUSED)


def test_what_is_just_right() -> None:
    for of in (
        machine(point(detail(OLD), os_disk={"osType": "LINUX"}, hyperVGeneration="v2"), "V2", osType="Linux"),
        machine(point(detail(OLD), hyperVGeneration="V1")),
        machine(point(detail(OLD), os_disk=ENCRYPTED), encryptionSettings={"enabled": True}),
        detail(OLD, disk("d"), attached={"os": "o", "lun0": "d"}, also={"lun0": "d"}),
    ):
        assert asked(of)
    assert asked(detail(OLD, power="starting"), "unknown", power_after="off")
