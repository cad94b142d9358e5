# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent to Arc-enabled SCVMM for each verb, and what an instance says of its VM."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.client import Arm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    BadResponse,
    CheckpointError,
    Forbidden,
    NotFound,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint, ObservedVm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.base import Scope
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.scvmm import Scvmm
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Reply,
    Script,
    reply,
    virtual,
)

SUBSCRIPTION = "0a1b2c3d-0000-4000-8000-00000000000a"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
MACHINE = f"{GROUP}/providers/Microsoft.HybridCompute/machines/app01"
INSTANCE = f"{MACHINE}/providers/Microsoft.ScVmm/virtualMachineInstances/default"
NIGHTLY = Checkpoint("P-1", "nightly")
NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
DATE = "Fri, 20 Nov 2026 08:00:00 GMT"
Act = Callable[[Scvmm], Awaitable[Any]]


def using(server: Script, act: Act, subscription: str | None = None) -> Any:
    async def main() -> Any:
        async with server.http() as http:
            return await act(Scvmm(Arm(http, BASE, "client c"), "v1", subscription, lambda: NOW - timedelta(seconds=5)))

    return virtual(main)


def vm(scvmm: Scvmm) -> Any:
    return scvmm.identify(MACHINE)


VERBS: dict[str, tuple[Act, str, Any, str]] = {
    "create": (
        lambda s: s.create(vm(s), "new", "words"),
        "createCheckpoint",
        {"name": "new", "description": "words"},
        "creating checkpoint new of vm app01",
    ),
    "delete": (
        lambda s: s.delete(vm(s), NIGHTLY),
        "deleteCheckpoint",
        {"id": "P-1"},
        "deleting checkpoint nightly of vm app01",
    ),
    "restore": (
        lambda s: s.restore(vm(s), NIGHTLY),
        "restoreCheckpoint",
        {"id": "P-1"},
        "restoring vm app01 to checkpoint nightly",
    ),
    "on": (lambda s: s.power(vm(s), True), "start", None, "turning vm app01 on"),
    "off": (lambda s: s.power(vm(s), False), "stop", {"skipShutdown": "true"}, "turning vm app01 off"),
}


@pytest.mark.parametrize("verb", VERBS)
def test_what_is_sent_for_each_verb(verb: str) -> None:
    act, action, body, context = VERBS[verb]
    server = Script(reply(202))
    using(server, act)
    assert server.sent == [f"POST {BASE}{INSTANCE}/{action}?api-version=v1"]
    assert (json.loads(server.requests[0].content) if server.requests[0].content else None) == body
    with pytest.raises(Forbidden) as caught:
        using(Script(reply(403, {"error": {"code": "No", "message": "It says no."}})), act)
    assert caught.value.message == f"{context}: forbidden (403): No: It says no."


def test_what_it_cannot_do_is_said() -> None:
    with pytest.raises(CheckpointError) as caught:
        using(Script(), lambda s: s.update(vm(s), NIGHTLY, "x"))
    assert str(caught.value) == "vm app01: Arc-enabled SCVMM cannot change a description."
    assert using(Script(), lambda s: s.current_operation(vm(s))) is None


def instance(checkpoints: Any = (), network: Any = None, **properties: Any) -> Reply:
    profile = {"checkpoints": None if checkpoints is None else list(checkpoints), **properties.pop("profile", {})}
    body = {"infrastructureProfile": profile, "networkProfile": network, **properties}
    return reply(200, {"id": INSTANCE, "properties": body}, date=DATE)


def observed(said: Reply) -> ObservedVm:
    found: ObservedVm = using(Script(said), lambda s: s.read(vm(s), "list"))
    return found


@pytest.mark.parametrize(
    ("word", "power"),
    [
        ("Running", "on"),
        ("PAUSED", "on"),
        ("Stopped", "off"),
        ("PowerOff", "off"),
        ("saved", "off"),
        ("Stopping", "unknown"),
        (None, "unknown"),
    ],
)
def test_power(word: str | None, power: str) -> None:
    assert observed(instance(powerState=word)).power == power


@pytest.mark.parametrize(
    ("state", "busy", "refuses"),
    [
        ("Accepted", True, False),
        ("PROVISIONING", True, False),
        ("Updating", True, False),
        ("created", True, False),
        ("Deleting", False, True),
        ("Succeeded", False, False),
        ("Failed", False, False),
        (None, False, False),
    ],
)
def test_what_holds_a_vm_and_what_lets_none_be_made(state: str | None, busy: bool, refuses: bool) -> None:
    seen = observed(instance(provisioningState=state))
    assert (seen.busy, seen.refuses) == (state if busy else None, state if refuses else None)


def test_the_time_is_the_service_s_and_how_far_it_is_ahead_is_known() -> None:
    seen = observed(instance())
    assert (seen.now, seen.ahead) == (NOW, 5.0)


@pytest.mark.parametrize(
    ("adapter", "label"),
    [
        ({"name": "n", "displayName": "d", "nicId": "i"}, "n"),
        ({"displayName": "d", "nicId": "i"}, "d"),
        ({"nicId": "i"}, "i"),
        ({}, "without a name"),
        ({"name": "n", "macAddress": "m"}, "n (m)"),
        ({"name": "n", "networkName": "x"}, None),
        ({"name": "n", "virtualNetworkId": "x"}, None),
        ({"name": "n", "networkName": "", "virtualNetworkId": ""}, "n"),
    ],
)
def test_adapters_without_a_network(adapter: dict[str, str], label: str | None) -> None:
    seen = observed(instance(network={"networkInterfaces": [adapter]}))
    assert seen.unplugged == ({label} if label else frozenset())
    assert observed(instance(network={"networkInterfaces": None})).unplugged == frozenset()


@pytest.mark.parametrize("word", ["Disabled", "DISABLED"])
def test_checkpoints_that_are_disabled_are_an_obstacle(word: str) -> None:
    (obstacle,) = observed(instance(profile={"checkpointType": word})).obstacles
    assert (obstacle.verbs, obstacle.why, obstacle.remedy, obstacle.lifted_by) == (
        ("create",),
        f"its checkpoints are disabled (checkpointType is {word}).",
        "Enable them in VMM: the VM's checkpoint type, Production or Standard.",
        "",
    )
    for other in ("Production", "", None, "DisabledX"):
        assert observed(instance(profile={"checkpointType": other})).obstacles == ()


ZEROS = "00000000-0000-0000-0000-000000000000"
MARKED = "words\n[hybridvm.checkpoints 1 nonce=9f2c41d07ab3 at=2026-11-20T07:30:02Z]"


def test_checkpoints_as_they_are_listed() -> None:
    points = [
        {"checkpointID": "A", "parentCheckpointID": ZEROS, "name": "first", "description": MARKED},
        {"checkpointID": "B", "parentCheckpointID": "a", "name": None},
        {"checkpointID": ZEROS, "name": "third"},
        {"checkpointID": "", "name": "fourth"},
        {"checkpointID": None, "parentCheckpointID": None, "name": "fifth"},
    ]
    seen = observed(instance(points, profile={"lastRestoredVMCheckpoint": {"checkpointID": "b"}}))
    first, second, third, fourth, fifth = seen.checkpoints
    assert (first.id, first.host_id, first.name, first.description) == ("A", "A", "first", "words")
    assert (first.created, first.usability, first.identified) == (
        datetime(2026, 11, 20, 7, 30, 2, tzinfo=UTC),
        "usable",
        True,
    )
    assert (second.parent_id, second.depth, second.current, second.name, second.created) == ("A", 2, True, "", None)
    assert [(each.id, each.host_id, each.usability, each.identified) for each in (third, fourth, fifth)] == [
        ("without an id", None, "unknown", False),
        ("without an id, number 2", None, "unknown", False),
        ("without an id, number 3", None, "unknown", False),
    ]
    assert seen.current_known


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (instance(None), "vm app01: the instance shows no list of checkpoints."),
        (reply(200, {"properties": {}}), "vm app01: the instance shows no list of checkpoints."),
        (
            instance([{"checkpointID": "A", "name": "a"}, {"checkpointID": "a", "name": "b"}]),
            "vm app01: the instance lists a checkpoint twice.",
        ),
        (instance([{"description": "x"}]), "the instance lists a checkpoint without an id and a name."),
        (reply(200, {"properties": None}), "reading vm app01: the answer's Instance is malformed: properties: "),
    ],
)
def test_an_instance_that_makes_no_sense(said: Reply, told: str) -> None:
    with pytest.raises(BadResponse) as caught:
        observed(said)
    assert caught.value.message.startswith(told)
    assert caught.value.subject == "service"


def test_two_thousand_checkpoints_are_taken_and_no_more() -> None:
    many = [{"checkpointID": str(number), "name": "n"} for number in range(2001)]
    assert len(observed(instance(many[:2000])).checkpoints) == 2000
    with pytest.raises(BadResponse) as caught:
        observed(instance(many))
    assert str(caught.value).startswith("vm app01: 2001 checkpoints were listed, and no service holds so many.")


GONE = {"error": {"code": "ResourceNotFound", "message": f"The Resource '{INSTANCE}' was not found."}}
NO_MACHINE = {"error": {"code": "ResourceNotFound", "message": f"The Resource '{MACHINE}' was not found."}}
LISTING = "vm_checkpoint_info with scope: scvmm and resource_group: rg lists the VMs there."


@pytest.mark.parametrize(
    ("machine", "told", "remedy"),
    [
        (
            reply(200, {}),
            "vm app01: the machine exists, but it is no VM of Arc-enabled SCVMM (it has no instance of "
            "Microsoft.ScVmm).",
            f"Enable the VM in Azure from its SCVMM inventory, or name another; {LISTING}",
        ),
        (
            reply(404, NO_MACHINE),
            "vm app01: no such hybrid machine in resource group rg, or it is hidden from client c.",
            f"Check the name and the resource group in the id; {LISTING}",
        ),
        (
            reply(
                404, {"error": {"code": "ResourceGroupNotFound", "message": "Resource group 'rg' could not be found."}}
            ),
            f"vm app01: no resource group rg in subscription {SUBSCRIPTION}, or it is hidden from client c.",
            "Check both in the id; vm_checkpoint_info with scope: scvmm lists the subscription's VMs.",
        ),
    ],
)
def test_what_is_missing_is_told_in_whole(machine: Reply, told: str, remedy: str) -> None:
    server = Script(reply(404, GONE), machine)
    with pytest.raises(NotFound) as caught:
        using(server, lambda s: s.resolve(MACHINE))
    assert f"{caught.value.subject}: {caught.value.message}" == told
    assert caught.value.remedy == remedy
    assert server.sent[1] == f"GET {BASE}{MACHINE}?api-version=2024-07-10"


FOREIGN = [
    {"error": {"code": "InvalidResourceType", "message": "No such type."}},
    {"code": "404", "message": "no Route matched"},
    {
        "error": {
            "code": "ResourceNotFound",
            "message": "The Resource 'Microsoft.HybridCompute/machines/x' was not found.",
        }
    },
    {"error": {"code": "ResourceNotFound", "message": f"The Resource '{INSTANCE}2' was not found."}},
]


@pytest.mark.parametrize("foreign", FOREIGN)
def test_a_404_that_is_not_about_the_vm_says_nothing_of_it(foreign: dict[str, Any]) -> None:
    for replies in ([reply(404, foreign)], [reply(404, GONE), reply(404, foreign)]):
        server = Script(*replies)
        with pytest.raises(BadResponse, match="that is not the resource manager's word for it says nothing"):
            using(server, lambda s: s.resolve(MACHINE))
        assert len(server.requests) == len(replies)


def test_a_subscription_is_denied_before_anything_is_read_in_it_or_not_at_all() -> None:
    denied = reply(404, {"error": {"code": "SubscriptionNotFound", "message": "No."}}, x_ms_request_id="r-1")
    with pytest.raises(NotFound, match="no subscription") as caught:
        using(Script(denied), lambda s: s.resolve(MACHINE))
    assert (caught.value.status, caught.value.request_id) == (404, "r-1")
    assert caught.value.details == {"code": "SubscriptionNotFound", "message": "No."}

    async def read_again(scvmm: Scvmm) -> None:
        await scvmm.read(await scvmm.resolve(MACHINE), "change")

    with pytest.raises(BadResponse, match="SubscriptionNotFound"):
        using(Script(instance(), denied), read_again)


def test_what_was_just_resolved_is_not_read_again_but_once() -> None:
    server = Script(instance())

    async def act(scvmm: Scvmm) -> list[int]:
        found = await scvmm.resolve(MACHINE)
        counts = []
        for _reading in range(2):
            await scvmm.first_reading(found, "change")
            counts.append(len(server.requests))
        return counts

    assert using(server, act) == [1, 2]


@pytest.mark.parametrize(
    ("group", "path", "remedy"),
    [
        (None, f"/subscriptions/{SUBSCRIPTION}", "Check subscription_id."),
        ("my rg", f"/subscriptions/{SUBSCRIPTION}/resourceGroups/my%20rg", "Check resource_group and subscription_id."),
    ],
)
def test_a_scope_lists_machines_of_its_kind(group: str | None, path: str, remedy: str) -> None:
    rows = [
        {"id": MACHINE, "kind": "SCVMM", "location": "l", "tags": {"a": "b", "c": 1}},
        {"id": f"{MACHINE}2", "kind": "VMware"},
        {"id": f"{MACHINE}3", "kind": "scvmm", "location": 7, "tags": "x"},
    ]
    server = Script(reply(200, {"value": rows}))
    scope = Scope("scvmm", resource_group=group)
    found = using(server, lambda s: s.list_scope(scope), SUBSCRIPTION)
    assert [(each.name, each.location, each.tags) for each in found] == [
        ("app01", "l", {"a": "b"}),
        ("app013", None, {}),
    ]
    assert server.sent == [f"GET {BASE}{path}/providers/Microsoft.HybridCompute/machines?api-version=2024-07-10"]
    with pytest.raises(NotFound) as caught:
        using(Script(reply(404, GONE)), lambda s: s.list_scope(scope), SUBSCRIPTION)
    assert caught.value.remedy == remedy
