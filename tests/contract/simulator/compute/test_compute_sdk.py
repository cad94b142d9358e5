# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""azure-mgmt-compute and azure-identity as they are, against `python -m simulator` over TLS."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.simulator_server import started
from tests.support.waiting import HANG

pytestmark = pytest.mark.servers

FAST = {"polling_interval": 0.02}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Time runs a hundredfold, and no Retry-After makes the SDK wait."""
    options = (
        "--time-scale",
        "100",
        "--switch",
        "compute_vm_retry_after=0",
        "--switch",
        "compute_copy_takes=3s",
        "--switch",
        "compute_point_takes=5s",
    )
    with started(tmp_path_factory.mktemp("tls"), *options) as running:
        yield running[1]


@pytest.fixture
def control(server: dict[str, Any]) -> Iterator[httpx.Client]:
    context = ssl.create_default_context(cafile=server["ca_file"])
    with httpx.Client(verify=context, trust_env=False, base_url=server["control_url"], timeout=HANG) as client:
        client.post("/reset")
        yield client


@pytest.fixture
def sdk(server: dict[str, Any], control: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The client; only its address and CA are ours."""
    identity = pytest.importorskip("azure.identity", reason="azure-identity is not installed")
    compute = pytest.importorskip("azure.mgmt.compute", reason="azure-mgmt-compute is not installed")
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    credential = identity.ClientSecretCredential(
        server["tenant"],
        server["client_id"],
        server["secret"],
        authority=server["authority_url"],
        disable_instance_discovery=True,
        connection_verify=server["ca_file"],
    )
    client = compute.ComputeManagementClient(
        credential,
        server["subscription_id"],
        base_url=server["arm_url"],
        credential_scopes=[f"{server['arm_url']}/.default"],
        connection_verify=server["ca_file"],
    )
    with client, credential:
        yield client


@pytest.fixture
def group(server: dict[str, Any]) -> str:
    name: str = server["compute_resource_group"]
    return name


def vm_id(server: dict[str, Any], name: str = "shop01") -> str:
    found: str = next(vm["vm"] for vm in server["vms"] if vm["service"] == "compute" and vm["name"] == name)
    return found


def make_collection(sdk: Any, group: str, server: dict[str, Any], name: str = "daily") -> Any:
    body = {"location": server["locations"][0], "properties": {"source": {"id": vm_id(server)}}, "tags": {"by": "sdk"}}
    return sdk.restore_point_collections.create_or_update(group, name, body)


def test_the_ready_file_names_azure(server: dict[str, Any]) -> None:
    assert server["compute_resource_group"] in vm_id(server)
    assert server["subscription_id"] in vm_id(server)
    assert "westeurope" in server["locations"]


def test_collections(sdk: Any, group: str, server: dict[str, Any]) -> None:
    collections = sdk.restore_point_collections
    made = make_collection(sdk, group, server)
    assert (made.properties.provisioning_state, made.properties.source.id) == ("Succeeded", vm_id(server))
    updated = collections.update(group, "daily", {"tags": {"by": "somebody else"}})
    assert updated.tags == {"by": "somebody else"}
    assert collections.get(group, "daily").properties.restore_points is None
    assert collections.get(group, "daily", expand="restorePoints").properties.restore_points == []
    assert [each.name for each in collections.list(group)] == ["daily"]
    assert [each.id.split("/")[4] for each in collections.list_all()] == [group.upper()]
    collections.begin_delete(group, "daily", **FAST).result()
    with pytest.raises(Exception, match="ResourceNotFound"):
        collections.get(group, "daily")


def test_points_and_their_disks(sdk: Any, group: str, server: dict[str, Any], control: httpx.Client) -> None:
    make_collection(sdk, group, server)
    points, disk_points = sdk.restore_points, sdk.disk_restore_point
    point = points.begin_create(group, "daily", "one", {"properties": {}}, **FAST).result()
    assert point.name == "one"
    point = points.get(group, "daily", "one", expand="instanceView")
    assert point.properties.consistency_mode == "FileSystemConsistent"
    assert [
        each.replication_status.completion_percent for each in point.properties.instance_view.disk_restore_points
    ] == [100, 100]
    crash = {"properties": {"consistencyMode": "CrashConsistent"}}
    assert (
        points.begin_create(group, "daily", "two", crash, **FAST).result().properties.consistency_mode
        == "CrashConsistent"
    )
    listed = list(disk_points.list_by_restore_point(group, "daily", "one"))
    assert [each.os_type for each in listed] == ["Linux", None]
    name = listed[0].name
    assert disk_points.get(group, "daily", "one", name).source_resource_id.endswith("shop01_OsDisk")
    grant = {"access": "Read", "durationInSeconds": 300}
    access = disk_points.begin_grant_access(group, "daily", "one", name, grant, **FAST).result()
    assert access.access_sas.startswith("https://")
    with pytest.raises(Exception, match="DiskRestorePointUsedByCustomer"):
        points.begin_delete(group, "daily", "one", **FAST).result()
    disk_points.begin_revoke_access(group, "daily", "one", name, **FAST).result()
    points.begin_delete(group, "daily", "one", **FAST).result()
    shown = sdk.restore_point_collections.get(group, "daily", expand="restorePoints").properties.restore_points
    assert [each.name for each in shown] == ["two"]
    control.post("/failures", json={"service": "compute", "kind": "point", "code": "VMRestorePointInternalError"})
    with pytest.raises(Exception, match="VMRestorePointInternalError"):
        points.begin_create(group, "daily", "three", {"properties": {}}, **FAST).result()
    assert points.get(group, "daily", "three").properties.provisioning_state == "Failed"


def test_a_copy_into_another_region(sdk: Any, group: str, server: dict[str, Any]) -> None:
    source = make_collection(sdk, group, server)
    points = sdk.restore_points
    origin = points.begin_create(group, "daily", "one", {"properties": {}}, **FAST).result()
    body = {"location": server["locations"][1], "properties": {"source": {"id": source.id}}}
    assert sdk.restore_point_collections.create_or_update(group, "far", body).location == server["locations"][1]
    wanted = {"properties": {"sourceRestorePoint": {"id": origin.id}}}
    copied = points.begin_create(group, "far", "one", wanted, **FAST).result()
    assert copied.properties.source_restore_point.id == origin.id
    while True:
        view = points.get(group, "far", "one", expand="instanceView").properties.instance_view
        if view.statuses[0].code == "ReplicationState/succeeded":
            break
    assert all(each.replication_status.completion_percent == 100 for each in view.disk_restore_points)
    disk = next(iter(sdk.disk_restore_point.list_by_restore_point(group, "far", "one")))
    assert (disk.replication_state, disk.source_resource_location) == ("Succeeded", server["locations"][0])


def test_a_restore_in_place(sdk: Any, group: str, server: dict[str, Any], control: httpx.Client) -> None:
    """Disks from a point, the VM's disks swapped, and its guest reads what it had."""
    make_collection(sdk, group, server)
    sdk.restore_points.begin_create(group, "daily", "one", {"properties": {}}, **FAST).result()
    point = sdk.restore_points.get(group, "daily", "one").properties
    guest = "/guest/compute/shop01"
    for path, disk in (("/etc/shop.conf", "os"), ("/data/orders", "0")):
        control.put(guest, params={"path": path, "disk": disk}, content=b"broken")
    made = {}
    storage = point.source_metadata.storage_profile
    for name, each in (("os-new", storage.os_disk), ("data-new", storage.data_disks[0])):
        body = {
            "location": server["locations"][0],
            "zones": ["1"],
            "sku": {"name": each.managed_disk.storage_account_type},
            "properties": {"creationData": {"createOption": "Restore", "sourceResourceId": each.disk_restore_point.id}},
        }
        made[name] = sdk.disks.begin_create_or_update(group, name, body, **FAST).result()
    vms = sdk.virtual_machines
    vms.begin_deallocate(group, "shop01", **FAST).result()
    assert vms.get(group, "shop01", expand="instanceView").instance_view.statuses[-1].code == "PowerState/deallocated"
    update = {
        "properties": {
            "storageProfile": {
                "osDisk": {"name": "os-new", "managedDisk": {"id": made["os-new"].id}},
                "dataDisks": [{"lun": 0, "createOption": "Attach", "managedDisk": {"id": made["data-new"].id}}],
            }
        }
    }
    assert vms.begin_update(group, "shop01", update, **FAST).result().storage_profile.os_disk.name == "os-new"
    vms.begin_start(group, "shop01", **FAST).result()
    assert control.get(guest, params={"path": "/etc/shop.conf"}).text == "version = 1\n"
    assert control.get(guest, params={"path": "/data/orders", "disk": "0"}).text == "1 2 3\n"
    assert sdk.disks.get(group, "shop01_OsDisk").disk_state == "Unattached"
    assert sdk.disks.get(group, "os-new").managed_by == vm_id(server)
    sdk.disks.begin_delete(group, "shop01_OsDisk", **FAST).result()
    assert "shop01_OsDisk" not in [each.name for each in sdk.disks.list_by_resource_group(group)]
    vm = vms.get(group, "shop01")
    assert vms.begin_create_or_update(group, "shop01", vm, **FAST).result().provisioning_state == "Succeeded"
    assert {each.name for each in vms.list(group)} == {"shop01", "shop02"}
    vms.begin_restart(group, "shop01", **FAST).result()
    vms.begin_power_off(group, "shop01", **FAST).result()
