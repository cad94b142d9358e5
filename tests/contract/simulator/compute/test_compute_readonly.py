# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that is strict about the members that the swagger marks readOnly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.compute.readonly import READ_ONLY

from ..shapes import DATA, load, needs
from .cloud import COMPUTE, Cloud, code

pytestmark = pytest.mark.anyio
SPECS = DATA / "specs" / "compute"
FILES = {
    "restorePointCollections": ("ComputeRP/stable/2024-07-01/restorePoint.json", "RestorePointCollection"),
    "restorePointCollections/restorePoints": ("ComputeRP/stable/2024-07-01/restorePoint.json", "RestorePoint"),
    "disks": ("DiskRP/stable/2024-03-02/disk.json", "Disk"),
    "virtualMachines": ("ComputeRP/stable/2024-07-01/virtualMachine.json", "VirtualMachine"),
}
KEY = {"type": "EncryptionAtRestWithCustomerKey", "diskEncryptionSet": {"id": "/des"}}


def encrypted(**which: Any) -> dict[str, Any]:
    disk = {"diskRestorePoint": {"encryption": KEY}, **which}
    return {"sourceMetadata": {"storageProfile": {"dataDisks": [disk]}}}


@pytest.mark.parametrize("position", ["ignored", "refused"])
async def test_read_only_members(cloud: Cloud, position: str) -> None:
    cloud.world.switches.set("compute_readonly_members", position)
    await cloud.collection()
    by_lun = await cloud.put_point("lun", version=COMPUTE, **encrypted(lun=0))
    if position == "ignored":
        assert by_lun.status_code == 201
        await cloud.end(by_lun)
    else:
        assert (by_lun.status_code, code(by_lun)) == (400, "InvalidParameter")
        target = "properties.sourceMetadata.storageProfile.dataDisks[].lun"
        assert by_lun.json()["error"]["target"] == target
    for name, which in (("id", {"managedDisk": {"id": cloud.id("disks/shop01_DataDisk_0").upper()}}), ("place", {})):
        point = await cloud.point(name, **encrypted(**which))
        (disk,) = point["properties"]["sourceMetadata"]["storageProfile"]["dataDisks"]
        assert disk["diskRestorePoint"]["encryption"]["type"] == KEY["type"]
    other = {"managedDisk": {"id": cloud.id("disks/shop01_OsDisk")}}
    assert code(await cloud.put_point("other", **encrypted(**other))) == "InvalidParameter"
    source = {"id": cloud.id("virtualMachines/shop01"), "location": "westeurope"}
    again = {"location": "westeurope", "properties": {"source": source}}
    answer = await cloud("PUT", "restorePointCollections/daily", again)
    assert answer.status_code == (200 if position == "ignored" else 400)


@needs("specs", "compute")
@pytest.mark.parametrize("kind", list(FILES))
def test_the_table_is_the_swagger(kind: str) -> None:
    """Down to the level of disks; what lies in other profiles is readOnly as a whole."""
    file, name = FILES[kind]
    found = set(_read_only(SPECS / file, {"$ref": f"#/definitions/{name}"}, "", 0))
    assert READ_ONLY[kind] == {path for path in found if not path.startswith(SKIPPED)}


# Not written by a client of restore points, and deep.
SKIPPED = (
    "properties.storageProfile",
    "properties.networkProfile",
    "properties.osProfile",
    "properties.diagnosticsProfile",
    "properties.creationData",
    "properties.encryption",
    "properties.sourceMetadata.storageProfile.osDisk.managedDisk",
    "properties.sourceMetadata.storageProfile.osDisk.diskRestorePoint",
    "properties.sourceMetadata.storageProfile.dataDisks[].managedDisk",
    "properties.sourceMetadata.storageProfile.dataDisks[].diskRestorePoint",
    "sku",
    "identity",
    "plan",
    "id",
    "name",
    "type",
)


def _read_only(file: Path, schema: dict[str, Any], path: str, depth: int) -> Iterator[str]:
    if "$ref" in schema and not schema.get("readOnly"):
        where, _hash, pointer = schema["$ref"].partition("#/definitions/")
        file = (file.parent / where).resolve() if where else file
        schema = load(file)["definitions"][pointer]
    if schema.get("readOnly"):
        yield path
        return
    if depth > 9 or path.startswith(SKIPPED):
        return
    for base in schema.get("allOf", []):
        yield from _read_only(file, base, path, depth + 1)
    for name, member in schema.get("properties", {}).items():
        yield from _read_only(file, member, f"{path}.{name}" if path else name, depth + 1)
    if "items" in schema:
        yield from _read_only(file, schema["items"], f"{path}[]", depth + 1)
