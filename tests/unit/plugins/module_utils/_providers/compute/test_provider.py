# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What else the provider of Azure does: which answers it reads again, what it lists, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    Forbidden,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Leftover
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.base import Scope
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.provider import Compute
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils import golden_refusals
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_answers import (
    HOME,
    MADE,
    WHO,
    Azure,
    collection,
    machine,
    point,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import (
    GROUP,
    ID,
    POINT,
    SUBSCRIPTION,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import reply


def test_what_is_refused() -> None:
    elsewhere = f"{GROUP}/virtualMachines/w"
    no_points = collection() | {"properties": {"source": {"id": ID}}}
    crowd = collection(*(point(f"p{number}") for number in range(2001)))
    golden_refusals.hold(
        Path(__file__).parent / "golden" / "readings_refused.txt",
        [
            lambda: Azure(vm=None).read(),
            lambda: Azure(vm=None).do(lambda compute: compute.resolve(ID)),
            lambda: Azure(vm=machine(storageProfile=None)).read(),
            lambda: Azure(home=collection(source=elsewhere)).read(),
            lambda: Azure(home=collection(source=None)).read("list"),
            lambda: Azure(home=no_points).read("list"),
            lambda: Azure(home=crowd).read("list"),
            lambda: Azure(disks=reply(500, {})).read("restore"),
            lambda: Azure().do(lambda compute: compute.read(WHO, "list"), collection="a/b"),
            lambda: Azure().do(lambda compute: compute.create(WHO, "a/b", "")),
        ],
    )


def test_two_thousand_points_are_read() -> None:
    crowd = collection(*(point(f"p{number}") for number in range(2000)))
    assert len(Azure(home=crowd).read("list").checkpoints) == 2000


def test_disks_that_may_not_be_listed_are_a_caution_and_no_leftovers() -> None:
    azure = Azure(disks=reply(403, {"error": {"code": "AuthorizationFailed", "message": "It says no."}}))
    found = azure.read("leftovers")
    said = "listing disks of rg: forbidden (403): AuthorizationFailed: It says no."
    assert found.cautions == (("create", f"its disks may not be listed, so their kinds were not checked: {said}"),)
    with pytest.raises(Forbidden) as raised:
        azure.do(lambda compute: compute.leftovers(found))
    assert raised.value.message == said


def test_a_point_that_failed_is_a_leftover() -> None:
    azure = Azure(home=collection(point(), point("q", provisioningState="Failed")))
    found = azure.read("leftovers")
    assert azure.do(lambda compute: compute.leftovers(found)) == [
        Leftover(
            "restore_point",
            f"{HOME}/restorePoints/q",
            "q",
            "it failed, and Azure counts it as a point. Remove it with vm_checkpoint, state: absent and its "
            "checkpoint_id.",
            MADE,
        )
    ]


def test_the_points_of_a_vm_are_read_again_without_the_vm() -> None:
    known = Azure(vm=machine(location="Elsewhere")).read()
    azure = Azure(home=collection(point()), point=point())
    again = azure.do(lambda compute: compute.read_points(known))
    assert azure.asked == ["home", "point"]
    assert (again.detail.vm, again.detail.raw, again.detail.etag) == (known.detail.vm, known.detail.raw, '"7"')
    assert (again.now, again.ahead, [each.name for each in again.checkpoints]) == (known.now, 5.0, ["p"])


def test_without_a_date_the_points_are_as_old_as_the_reading_before() -> None:
    known = Azure().read()
    again = Azure(home=reply(200, collection())).do(lambda compute: compute.read_points(known))
    assert (again.now, again.ahead) == (known.now, 5.0)


def test_a_vm_that_was_just_resolved_is_not_read_again_at_first() -> None:
    async def act(compute: Compute) -> None:
        vm = await compute.resolve(ID)
        assert vm == WHO
        await compute.prefetch([ID])
        for _time in range(2):
            found = await compute.first_reading(vm, "list")
            assert (found.vm, found.detail.etag, found.power) == (WHO, '"7"', "on")

    azure = Azure()
    azure.do(act)
    assert azure.asked == ["vm", "home", "vm", "home"]


@pytest.mark.parametrize("on", [True, False])
def test_a_lock_that_has_changed_is_seen_by_the_next_reading(on: bool) -> None:
    of_point = f"{POINT}/providers/Microsoft.Authorization/locks"
    none = reply(200, {"value": []})
    azure = Azure({of_point: none, f"{of_point}/hybridvm-pin": none}, home=collection(point()))

    async def act(compute: Compute) -> None:
        before = await compute.read(WHO, "change")
        await compute.read(WHO, "change")
        assert (await compute.lock(before, before.checkpoints[0], on)).replaced is on
        await compute.read(WHO, "change")

    azure.do(act)
    assert [each for each in azure.asked if "lock" in each] == [
        "locks",
        of_point.lower(),
        f"{of_point}/hybridvm-pin".lower(),
        "locks",
    ]


def test_a_scope_shows_each_vm_with_its_tags_and_its_place() -> None:
    row = {"id": ID, "tags": {"a": "b", "c": 1}, "location": "westeurope"}
    azure = Azure({f"{SUBSCRIPTION}/providers/Microsoft.Compute/virtualMachines": reply(200, {"value": [row]})})
    (found,) = azure.do(lambda compute: compute.list_scope(Scope("compute")))
    assert (found, found.tags, found.location) == (WHO, {"a": "b"}, "westeurope")


def test_a_vm_is_known_by_its_id_alone() -> None:
    async def act(compute: Compute) -> Any:
        return compute.identify(ID)

    azure = Azure()
    assert (azure.do(act), azure.asked) == (WHO, [])
