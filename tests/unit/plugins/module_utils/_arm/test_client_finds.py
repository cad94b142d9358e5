# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure Resource Manager: which 404 proves that there is none, whom locks concern, and how long a look is."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.client import Arm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import CheckpointError
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._arm.test_client import act, using
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Reply,
    Script,
    reply,
)

GROUP = "/subscriptions/s/resourceGroups/rg"
VM = f"{GROUP}/providers/N/vms/a"
LOCKS = "/providers/Microsoft.Authorization/locks/"


def absent(code: Any) -> Reply:
    return reply(404, {"error": {"code": code, "message": "It is not there."}})


async def found(arm: Arm) -> str:
    """What is known of a resource of a group that has been read."""
    await arm.get(f"{BASE}{GROUP}/a", context="reading")
    try:
        said = await arm.find(f"{BASE}{GROUP}/b?api-version=1", context="finding")
    except CheckpointError as error:
        return error.message
    return "none" if said is None else "there"


@pytest.mark.parametrize(
    ("said", "known"),
    [
        (reply(200, {}), "there"),
        (absent("NotFound"), "none"),
        (absent("ResourceNotFound"), "none"),
        (absent("ParentResourceNotFound"), "none"),
        (absent("ResourceGroupNotFound"), "finding: a 404 (ResourceGroupNotFound: It is not there) that is not the "
         "resource manager's word for it says nothing."),
        (absent(["NotFound"]), "finding: a 404 (NotFound: It is not there) that is not the resource manager's word for "
         "it says nothing."),
        (reply(404, {"error": "NotFound"}), "finding: a 404 (NotFound) that is not the resource manager's word for it "
         "says nothing."),
        (reply(404, {"error": {"message": "It is not there."}}), "finding: a 404 (It is not there) that is not the "
         "resource manager's word for it says nothing."),
    ],
)  # fmt: skip
def test_in_a_group_that_was_read_only_the_group_itself_cannot_be_missing(said: Reply, known: str) -> None:
    assert using(Script(reply(200, {}), said), found) == known


def test_locks_concern_any_of_the_resources() -> None:
    scopes = [f"{GROUP}/providers/N/disks/d", VM, f"{GROUP}/providers/N/vms/other", GROUP]
    rows = [{"id": f"{scope}{LOCKS}{number}"} for number, scope in enumerate(scopes)]

    async def locks(arm: Arm) -> list[str]:
        return [lock["id"] for lock in await arm.locks([VM, f"{GROUP}/providers/N/disks/d"])]

    assert using(Script(reply(200, {"value": [{"id": None}, {}, *rows]})), locks) == [
        f"{GROUP}{LOCKS}3",
        f"{GROUP}/providers/N/disks/d{LOCKS}0",
        f"{VM}{LOCKS}1",
    ]


@pytest.mark.parametrize("trouble", [reply(500), reply(503)])
def test_one_look_at_an_operation_lasts_as_long_as_the_trouble(trouble: Reply) -> None:
    server = Script(reply(202, b"", location=f"{BASE}/op"), *[trouble] * 20, reply(200, {"status": "Failed"}))

    async def look(arm: Arm) -> str:
        return (await (await act(arm)).poll()).state

    assert (using(server, look), len(server.requests)) == ("failed", 22)
