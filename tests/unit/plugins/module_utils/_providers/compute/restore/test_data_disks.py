# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a swap attaches data disks: cached as their kind allows, each at its LUN, beside those that stay."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import RestoreRequest
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.disk_entities import DiskEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.base import RestoreRun
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.vm_steps import (
    Deallocate,
    ReleaseDisks,
    SwapDisks,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.state import Attachment
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import (
    GROUP,
    WHO,
    detail,
    disk,
    inventory,
)

RUN = RestoreRun("r", "c/p", "hash", RestoreRequest(name="p"))
CACHED: dict[str, dict[str, Any]] = {"lun0": {"caching": "ReadOnly"}}


def new(sku: str | None = None, **properties: Any) -> DiskEntity:
    """The new disk for the first LUN."""
    document = {"id": f"{GROUP}/disks/m", "name": "m", "location": "l", "properties": properties}
    return DiskEntity.model_validate({**document, "sku": None if sku is None else {"name": sku or None}})


@pytest.mark.parametrize(
    ("disk_", "caching"),
    [
        (new(), "ReadOnly"),
        (new(""), "ReadOnly"),
        (new("Premium_LRS"), "ReadOnly"),
        (new("Premium_LRS", maxShares=1), "ReadOnly"),
        (new("Premium_LRS", maxShares=2), "None"),
        (new(maxShares=2), "None"),
        (new("UltraSSD_LRS"), "None"),
        (new("PremiumV2_LRS"), "None"),
        (new("premiumv2_lrs", maxShares=2), "None"),
    ],
)
def test_which_disks_a_host_may_cache(disk_: DiskEntity, caching: str) -> None:
    of = detail(disk("o"), disk_, attached={"os": "o", "lun0": "d"}, held=CACHED)
    body: Any = SwapDisks(WHO, "asked", RUN, (Attachment("lun0", "m"),)).request(of).body
    assert body["properties"]["storageProfile"]["dataDisks"] == [
        {"lun": 0, "caching": caching, "createOption": "Attach", "managedDisk": {"id": f"{GROUP}/disks/m"}}
    ]


def test_all_data_disks_come_wherever_the_os_disk_stands_among_them() -> None:
    of = detail(disk("o"), disk("n"), disk("m"), disk("k"))
    wanted = (Attachment("lun10", "m"), Attachment("os", "n"), Attachment("lun9", "k"))
    body: Any = SwapDisks(WHO, "asked", RUN, wanted).request(of).body
    assert body["properties"]["storageProfile"] == {
        "osDisk": {"name": "n", "managedDisk": {"id": f"{GROUP}/disks/n"}},
        "dataDisks": [
            {"lun": 9, "createOption": "Attach", "managedDisk": {"id": f"{GROUP}/disks/k"}},
            {"lun": 10, "createOption": "Attach", "managedDisk": {"id": f"{GROUP}/disks/m"}},
        ],
    }


@pytest.mark.parametrize(("first", "second"), [("Delete", "Delete"), ("Delete", "Detach"), ("Detach", "Delete")])
def test_released_are_all_of_them_or_none(first: str, second: str) -> None:
    old = (Attachment("os", "o", "ReadOnly/Delete/"), Attachment("lun0", "d", "None/Delete/"))
    held: dict[str, dict[str, Any]] = {"os": {"deleteOption": first}, "lun0": {"deleteOption": second}}
    of = detail(disk("o"), disk("d"), attached={"os": "o", "lun0": "d"}, held=held)
    assert ReleaseDisks(WHO, "asked", RUN, old).is_done(inventory(of)) is (first == second)


def test_disks_of_which_nothing_is_known_do_not_go_with_the_vm() -> None:
    step = ReleaseDisks(WHO, "asked", RUN, (Attachment("os", "o"), Attachment("lun0", "d", "")))
    assert step.about()["options"] == {}


def test_only_deallocated_is_deallocated() -> None:
    step = Deallocate(WHO, "asked", RUN, (Attachment("os", "n"),))
    done = {
        code: step.is_done(inventory(detail(disk("o"), power=code)))
        for code in ("deallocated", "deallocating", "deallocated-soon", "")
    }
    assert done == {"deallocated": True, "deallocating": False, "deallocated-soon": False, "": False}
