# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vendor's SDKs where the contract tests leave off: power, resumed pollers, and the asynchronous clients.

The synchronous clients with all restore point operations run in tests/contract/simulator.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.conformance.simulator_process import SimulatorProcess, running_simulator

FAST = {"polling_interval": 0.02}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
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
    with running_simulator(tmp_path_factory.mktemp("sdk"), *options) as running:
        yield running


@pytest.fixture
def azure(server: SimulatorProcess, monkeypatch: pytest.MonkeyPatch) -> SimulatorProcess:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    server.http.post("/reset").raise_for_status()
    return server


def _connection(azure: SimulatorProcess) -> dict[str, Any]:
    ready = azure.ready
    return {
        "base_url": ready["arm_url"],
        "credential_scopes": [f"{ready['arm_url']}/.default"],
        "connection_verify": ready["ca_file"],
    }


def _identity(azure: SimulatorProcess) -> dict[str, Any]:
    ready = azure.ready
    return {
        "tenant_id": ready["tenant"],
        "client_id": ready["client_id"],
        "client_secret": ready["secret"],
        "authority": ready["authority_url"],
        "disable_instance_discovery": True,
        "connection_verify": ready["ca_file"],
    }


def _without_slash(azure: SimulatorProcess) -> str:
    uri: str = azure.vm("app01")["vm"]
    return uri.lstrip("/")


def test_scvmm_power_and_a_resumed_poller(azure: SimulatorProcess) -> None:
    """A poller that another process goes on with knows only its continuation token."""
    identity = pytest.importorskip("azure.identity", reason="azure-identity is not installed")
    scvmm = pytest.importorskip("azure.mgmt.scvmm", reason="azure-mgmt-scvmm is not installed")
    credential = identity.ClientSecretCredential(**_identity(azure))
    client = scvmm.ScVmmMgmtClient(credential, azure.ready["subscription_id"], **_connection(azure))
    uri, vms = _without_slash(azure), client.virtual_machine_instances
    with client, credential:
        first = vms.begin_create_checkpoint(uri, {"name": "resumed"}, **FAST)
        token = first.continuation_token()
        resumed = vms.begin_create_checkpoint(uri, {"name": "ignored"}, continuation_token=token, **FAST)
        resumed.result()
        names = [each.name for each in vms.get(uri).properties.infrastructure_profile.checkpoints]
        assert names == ["baseline", "resumed"]
        vms.begin_stop(uri, {"skipShutdown": "false"}, **FAST).result()
        assert vms.get(uri).properties.power_state == "Stopped"
        vms.begin_start(uri, **FAST).result()
        assert vms.get(uri).properties.power_state == "Running"
        vms.begin_restart(uri, **FAST).result()


def _asynchronously(
    azure: SimulatorProcess, package: str, client_class: str, use: Callable[[Any], Awaitable[None]]
) -> None:
    """`use` with an asynchronous client; requests carries it, for aiohttp is not among the tests' requirements."""
    identity = pytest.importorskip("azure.identity.aio", reason="azure-identity is not installed")
    aio = pytest.importorskip(f"{package}.aio", reason=f"{package} is not installed")
    transports = pytest.importorskip("azure.core.pipeline.transport", reason="azure-core is not installed")

    async def main() -> None:
        async with AsyncExitStack() as stack:
            made = [transports.AsyncioRequestsTransport(connection_verify=azure.ready["ca_file"]) for _each in "12"]
            credential = identity.ClientSecretCredential(**_identity(azure), transport=made[0])
            await stack.enter_async_context(credential)
            client = getattr(aio, client_class)(
                credential, azure.ready["subscription_id"], transport=made[1], **_connection(azure)
            )
            await use(await stack.enter_async_context(client))

    asyncio.run(main())


def test_scvmm_asynchronously(azure: SimulatorProcess) -> None:
    uri = _without_slash(azure)

    async def use(client: Any) -> None:
        vms = client.virtual_machine_instances

        async def points() -> list[Any]:
            found: list[Any] = (await vms.get(uri)).properties.infrastructure_profile.checkpoints
            return found

        await (await vms.begin_create_checkpoint(uri, {"name": "aio", "description": "d"}, **FAST)).result()
        made = (await points())[-1]
        assert (made.name, made.description) == ("aio", "d")
        azure.file("scvmm", "app01", "/etc/app.conf", "broken")
        await (await vms.begin_restore_checkpoint(uri, {"id": made.checkpoint_id}, **FAST)).result()
        assert azure.file("scvmm", "app01", "/etc/app.conf") == "version = 1\n"
        await (await vms.begin_delete_checkpoint(uri, {"id": made.checkpoint_id}, **FAST)).result()
        assert [each.name for each in await points()] == ["baseline"]
        await (await vms.begin_stop(uri, {"skipShutdown": "true"}, **FAST)).result()
        await (await vms.begin_start(uri, **FAST)).result()
        assert len([each async for each in vms.list(uri)]) == 1

    _asynchronously(azure, "azure.mgmt.scvmm", "ScVmmMgmtClient", use)


def test_compute_asynchronously(azure: SimulatorProcess) -> None:
    ready = azure.ready
    group, source = ready["compute_resource_group"], azure.vm("shop01")["vm"]

    async def use(client: Any) -> None:
        homes, points, disks = client.restore_point_collections, client.restore_points, client.disk_restore_point
        body = {"location": ready["locations"][0], "properties": {"source": {"id": source}}}
        home = await homes.create_or_update(group, "daily", body)
        assert (await homes.update(group, "daily", {"tags": {"by": "aio"}})).tags == {"by": "aio"}
        assert [each.name async for each in homes.list(group)] == ["daily"]
        assert [each.name async for each in homes.list_all()] == ["daily"]
        origin = await (await points.begin_create(group, "daily", "one", {"properties": {}}, **FAST)).result()
        shown = await points.get(group, "daily", "one", expand="instanceView")
        assert shown.properties.provisioning_state == "Succeeded"
        listed = [each async for each in disks.list_by_restore_point(group, "daily", "one")]
        assert len(listed) == 2
        assert (await disks.get(group, "daily", "one", listed[0].name)).id == listed[0].id
        far = {"location": ready["locations"][1], "properties": {"source": {"id": home.id}}}
        await homes.create_or_update(group, "far", far)
        wanted = {"properties": {"sourceRestorePoint": {"id": origin.id}}}
        copied = await (await points.begin_create(group, "far", "copy", wanted, **FAST)).result()
        assert copied.properties.source_restore_point.id == origin.id
        azure.settle()
        for home_name, name in (("far", "copy"), ("daily", "one")):
            await (await points.begin_delete(group, home_name, name, **FAST)).result()
            await (await homes.begin_delete(group, home_name, **FAST)).result()
        assert [each async for each in homes.list(group)] == []
        vms = client.virtual_machines
        await (await vms.begin_deallocate(group, "shop01", **FAST)).result()
        await (await vms.begin_start(group, "shop01", **FAST)).result()

    _asynchronously(azure, "azure.mgmt.compute", "ComputeManagementClient", use)
