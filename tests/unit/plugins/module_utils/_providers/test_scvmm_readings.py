# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Arc-enabled SCVMM shows of a VM, as it is handed on in whole."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.client import Arm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import BadResponse, NotFound
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint, ObservedVm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.ownership import Mark
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.targets import VM
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.scvmm import Scvmm, _Instance
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Reply,
    Script,
    reply,
    virtual,
)

SUBSCRIPTION = "0a1b2c3d-0000-4000-8000-00000000000a"
MACHINE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/RG/providers/Microsoft.HybridCompute/machines/App01"
INSTANCE = f"{MACHINE}/providers/Microsoft.ScVmm/virtualMachineInstances/default"
NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
WHO = VM(reference=MACHINE, name="App01", id=MACHINE, canonical=MACHINE.lower(), provider="scvmm", service=BASE)


def read(*written: Reply) -> tuple[ObservedVm, Script]:
    server = Script(*written)

    async def main() -> ObservedVm:
        async with server.http() as http:
            scvmm = Scvmm(Arm(http, BASE, "client c"), "v1", None, lambda: NOW - timedelta(seconds=5))
            return await scvmm.first_reading(await scvmm.resolve(MACHINE), "change")

    return virtual(main), server


def test_a_whole_reading() -> None:
    mark = "[hybridvm.checkpoints 1 nonce=9f2c41d07ab3 at=2026-11-20T07:30:02Z]"
    points = [
        {"checkpointID": "A", "name": "first", "description": f"words\n{mark}"},
        {"checkpointID": "B", "parentCheckpointID": "A", "name": "second", "description": "mine"},
        {"name": "third"},
    ]
    body = {
        "infrastructureProfile": {"checkpoints": points, "lastRestoredVMCheckpoint": {"checkpointID": "B"}},
        "networkProfile": {"networkInterfaces": [{"name": "n"}]},
        "powerState": "Running",
        "provisioningState": "Updating",
    }
    said = reply(200, {"id": INSTANCE, "properties": body}, date="Fri, 20 Nov 2026 08:00:00 GMT")
    made = datetime(2026, 11, 20, 7, 30, 2, tzinfo=UTC)
    found, server = read(said)
    assert server.sent == [f"GET {BASE}{INSTANCE}?api-version=v1"]
    first, second, third = found.checkpoints
    assert first == Checkpoint(
        "A",
        "first",
        "words",
        host_id="A",
        depth=1,
        created=made,
        current=False,
        usability="usable",
        mark=Mark("9f2c41d07ab3", made),
    )
    assert second == Checkpoint(
        "B", "second", "mine", host_id="B", parent_id="A", depth=2, current=True, usability="usable"
    )
    assert (third.id, third.identified, third.host_id) == ("without an id", False, None)
    assert found == ObservedVm(
        WHO,
        found.checkpoints,
        now=NOW,
        ahead=5.0,
        power="on",
        busy="Updating",
        unplugged=frozenset({"n"}),
    )


@pytest.mark.parametrize(("pointer", "known"), [(None, False), ("gone", False), ("a", True)])
def test_a_pointer_that_leads_nowhere_leaves_it_open_which_is_current(pointer: str | None, known: bool) -> None:
    profile: dict[str, Any] = {"checkpoints": [{"checkpointID": "A", "name": "first"}]}
    if pointer is not None:
        profile["lastRestoredVMCheckpoint"] = {"checkpointID": pointer}
    found, _server = read(reply(200, {"properties": {"infrastructureProfile": profile}}))
    assert (found.current_known, found.now, found.ahead) == (known, NOW - timedelta(seconds=5), 0.0)


def test_a_state_that_only_begins_like_one_that_counts_is_none() -> None:
    profile: dict[str, Any] = {"checkpoints": []}
    body = {"infrastructureProfile": profile, "provisioningState": "DeletingFailed"}
    found, _server = read(reply(200, {"properties": body}))
    assert (found.busy, found.refuses) == (None, None)


def test_a_checkpoint_that_nobody_can_name_is_told_with_the_request() -> None:
    profile = {"checkpoints": [{"description": "x"}]}
    with pytest.raises(BadResponse) as caught:
        read(reply(200, {"properties": {"infrastructureProfile": profile}}, x_ms_request_id="r-1"))
    told = "service: the instance lists a checkpoint without an id and a name. [request r-1]"
    assert str(caught.value) == told


def test_a_subscription_that_is_not_there_is_told_in_whole() -> None:
    error = {"code": "SubscriptionNotFound", "message": f"The subscription '{SUBSCRIPTION}' could not be found."}
    with pytest.raises(NotFound) as caught:
        read(reply(404, {"error": error}))
    assert str(caught.value) == (
        f"vm App01: no subscription {SUBSCRIPTION}, or it is hidden from client c. Check the subscription in the id, "
        "and that this identity may see it in this cloud."
    )


def test_what_was_read_does_not_change() -> None:
    made = _Instance.model_validate({"properties": {"unknown": 1}, "unknown": 1})
    with pytest.raises(ValidationError, match="frozen"):
        made.id = "x"
    assert "unknown" not in str(made.model_dump())
