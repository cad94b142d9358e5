# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether all of a disk's data is there before a new disk is made of it, and what is done where it is not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.client import Arm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import NotFound, VmState
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Operation
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.settings import ArmSettings
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import RestoreRequest
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.client import ComputeClient
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.base import RestoreRun
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.disk_steps import (
    CreateDisk,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.state import AzureVmState
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.tags import short_hash
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import (
    GROUP,
    POINT,
    SOURCE,
    WHO,
    detail,
    disk,
    inventory,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Script,
    reply,
    virtual,
)

KEY = f"{GROUP}/diskEncryptionSets/k"
ENCRYPTION = {"type": "EncryptionAtRestWithCustomerKey", "diskEncryptionSetId": KEY}
RUN = RestoreRun("r", "c/p", short_hash(POINT), RestoreRequest(name="p"))
CREATE = CreateDisk(WHO, "asked", RUN, "v-os-r", "os", "on", False, "rg/o", "//")


def send(server: Script, of: AzureVmState | None = None) -> Operation:
    async def main() -> Operation:
        async with server.http() as http:
            client = ComputeClient(Arm(http, BASE, "client c"), ArmSettings(access_token="t"))
            return await CREATE.send(client, inventory(of or detail(disk("o"))))

    return virtual(main)


def disk_point(percent: float | None, state: str | None) -> dict[str, Any]:
    shown = {"completionPercent": percent, "snapshotAccessState": state, "encryption": ENCRYPTION}
    return {"id": SOURCE, "name": "o_1", "properties": shown}


def point(state: str | None) -> dict[str, Any]:
    """The restore point with its instance view."""
    rows = [{"id": SOURCE, "snapshotAccessState": state}]
    return {"id": POINT, "name": "p", "properties": {"instanceView": {"diskRestorePoints": rows}}}


def paths(server: Script) -> list[str]:
    return [f"{request.method} {request.url.path.rpartition('/')[2]}" for request in server.requests]


@pytest.mark.parametrize(
    ("percent", "state", "by_view"),
    [
        (None, None, ()),
        (100, None, ()),
        (30, "InstantAccess", ()),
        (None, "Available", ()),
        (30, None, ("InstantAccess",)),
        (30, "Unheard", ("Available",)),
    ],
)
def test_a_new_disk_is_made_of_what_can_be_restored_and_encrypted_as_that(
    percent: float | None, state: str | None, by_view: tuple[str, ...]
) -> None:
    server = Script(reply(200, disk_point(percent, state)), *(reply(200, point(each)) for each in by_view), reply(202))
    send(server)
    assert paths(server) == ["GET o_1", *("GET p" for _each in by_view), "PUT v-os-r"]
    assert json.loads(server.requests[-1].content)["properties"]["encryption"] == ENCRYPTION


@pytest.mark.parametrize(
    ("percent", "state", "by_view", "shown"),
    [
        (100, "Pending", (), "Pending"),
        (None, "pending", (), "pending"),
        (30, "Pending", (), "Pending"),
        (30, None, ("Pending",), "at 30 %"),
        (99.5, "Unheard", (None,), "at 99.5 %"),
    ],
)
def test_what_cannot_be_restored_yet_is_told_with_how_far_it_is(
    percent: float | None, state: str | None, by_view: tuple[str | None, ...], shown: str
) -> None:
    server = Script(reply(200, disk_point(percent, state)), *(reply(200, point(each)) for each in by_view))
    with pytest.raises(VmState) as caught:
        send(server)
    assert str(caught.value) == (
        f"the restore point is not usable yet: o_1 is {shown}. Nothing was changed. "
        "Run the task again when all of its data is there."
    )
    assert paths(server) == ["GET o_1", *("GET p" for _each in by_view)]


@pytest.mark.parametrize("state", ["Failed", "Canceled"])
def test_a_disk_whose_making_has_failed_is_made_again(state: str) -> None:
    server = Script(reply(200, disk_point(100, None)), reply(202))
    assert send(server, detail(disk("o"), disk("v-os-r", state))).joined is False
    assert paths(server) == ["GET o_1", "PUT v-os-r"]


@pytest.mark.parametrize("kept", [None, {}, {"id": None}])
def test_a_disk_without_its_disk_restore_point_is_not_made(kept: dict[str, Any] | None) -> None:
    of = detail(disk("o"))
    assert of.collection is not None
    document = of.collection.model_dump(mode="json")
    metadata = document["properties"]["restorePoints"][0]["properties"]["sourceMetadata"]
    metadata["storageProfile"]["osDisk"]["diskRestorePoint"] = kept
    object.__setattr__(of, "collection", type(of.collection).model_validate(document))
    server = Script()
    with pytest.raises(NotFound) as caught:
        send(server, of)
    assert str(caught.value) == ("the restore point has no disk restore point for os. Choose another restore point.")
    assert paths(server) == []
